"""The assembler: whole sources against GNU as, and what it says of bad ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import dbt.frontend.isa  # noqa: F401  (declares the instructions)
from dbt.frontend import forms
from dbt.frontend.assembler import AssemblyError, assemble, assemble_program

from .test_asm_objdump import AS, needs_binutils

SOURCE = """
size = 0x10 + 3*2           # a constant
start:  li r3,5 ; lis %r4,0x1234
        ori 4,4,0x5678; oris r4,r4,0xffff
1:      addi r3,r3,-1
        cmpwi r3,0
        bne 1b
        beq cr1,2f /* forward
        over two lines */
        bdnz+ start
        bgt- cr7,1b
        bl sub
2:      blr
        .align 4
table:  .long 0x12345678, size, 'A', 1<<4|2
        .quad 0x1122334455667788, -1
        .byte 1,2,3,255
        .short 0x1234, -2
        .asciz "hi;#, \\"x\\""
        .space 3
        .balign 8
sub:    mtlr r0; mflr 3; mtctr r12; mfxer r5; mfspr r7,268; mtspr 26,r3
        slwi r3,r4,0; srwi r3,r4,0; srwi. r3,r4,7; extrwi r3,r4,8,8; extlwi r5,r6,4,9; insrwi r3,r4,5,6
        clrlslwi r3,r4,9,3; rotrwi r3,r4,5; sldi r3,r4,33; srdi r3,r4,1; clrldi. r3,r4,32; extrdi r3,r4,8,8; insrdi r3,r4,8,8
        subi r3,r3,16; sub r3,r4,r5; subc. r3,r4,r5; mr. r3,r4; not r3,r4; nop
        crclr 4*cr1+eq; crset so; crmove 3,4; crnot lt,4*cr7+so
        beqlr cr0,1; bnectr+ cr3; blrl; bctr; bdnzlr; bdzt 4*cr2+eq,sub; bc 12,2,sub
        lwz r3,8(r4); stwu r1,-size(r1); ld r2,16(1); lwzx r3,0,r4; stdcx. r3,0,r4
        trap; tweqi r3,4; tdne r4,r5; twi 31,r3,1
        cmpld cr3,r4,r5; cmplwi r3,65535; cmpw r3,r4
        andi. r3,r4,size@l; addo. r3,r4,r5; subfe r1,r2,r3
        .org 0x200
        b start
        .long table-start
"""


@needs_binutils
@pytest.mark.parametrize("flag,little", [("-mbig", False), ("-mlittle", True)])
def test_a_source_assembles_as_with_gnu_as(tmp_path: Path, flag: str, little: bool) -> None:
    (tmp_path / "a.s").write_text(SOURCE)
    subprocess.run(
        [AS, "-a64", "-mregnames", "-mpower8", flag, "-o", str(tmp_path / "a.o"), str(tmp_path / "a.s")], check=True
    )
    copy = ["powerpc64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", str(tmp_path / "a.o"), str(tmp_path / "a.bin")]
    subprocess.run(copy, check=True)
    ours, theirs = bytes(assemble_program(SOURCE, little=little).data), (tmp_path / "a.bin").read_bytes()
    different = [
        f"{n:#x}: {ours[n : n + 4].hex()} {theirs[n : n + 4].hex()}"
        for n in range(0, len(theirs), 4)
        if ours[n : n + 4] != theirs[n : n + 4]
    ]
    assert not different and len(ours) == len(theirs)


def test_symbols_and_parts_of_addresses() -> None:
    known = {"far": 0x1234_8765_4321_8000}
    text = "lis r3,far@highest; ori r3,r3,far@higher; oris r3,r3,far@h; ori r3,r3,far@l; addis r4,r0,far@ha; ld r5,far@l(r4)"
    assert [w & 0xFFFF for w in assemble(text, symbols=known)] == [0x1234, 0x8765, 0x4321, 0x8000, 0x4322, 0x8000]
    assert assemble("b far", 0x1234_8765_4321_7000, known) == [0x4800_1000]
    assert assemble_program("a: nop\nb: .long b-a", 0x1000).symbols == {"a": 0x1000, "b": 0x1004}


@pytest.mark.parametrize("source,says", [
    ("nop\nadi r3,r3,1", "line 2: 'adi r3,r3,1': expected an instruction, perhaps addi"),
    ("addi r3,r3", "expected addi RT,RA,SI, found 2 operands"),
    ("addi r3,f3,1", "RA: expected r0.., found 'f3'"),
    ("addi r3,r3,70000", "SI: 70000 is not in -32768..32767"),
    ("b nowhere", "undefined symbol 'nowhere'"),
    ("lwz r3,r4", r"expected D\(RA\), found 'r4'"),
    ("ld r3,3(r4)", "DS: 3 is not a multiple of 4"),
    ("add r3,r4,r32", "RB: 32 is not in 0..31"),
    ("x: nop\nx: nop", "line 2: 'x: nop': x is defined twice"),
    (".word8 3", "expected a directive, found '.word8'"),
    (".org 8\n.org 4", "line 2: '.org 4': expected an address from 0x8 on"),
    ("li r3,(1", r"expected \)"),
    ("li r3,1 2", "expected the end of '1 2'"),
    ("li r3,x@nonsense", "no part @nonsense"),
])  # fmt: skip
def test_errors_name_the_line_and_what_was_expected(source: str, says: str) -> None:
    with pytest.raises(AssemblyError, match=says):
        assemble(source)


def test_every_alias_has_an_instruction() -> None:
    forms.known_mnemonics()
    made = {(f.mnemonic, f.items) for row in forms._FORMS.values() for f in row}
    missing = [
        f"{s} = {m}" for s, m, _, _ in forms.ALIASES if (s.partition(" ")[0], forms.items(s.partition(" ")[2])) not in made
    ]
    assert not missing
