"""A translation that one CPU takes away is used by no other afterwards: neither a cached one nor an access under way."""

from __future__ import annotations

import pytest

from runtime.events import Shutdown
from runtime.mmu.hpt import HashTable, Page, Segment, pte

from .guests import DATA, machine

EA = 0xC000_0000_0000_0000
PAGES = (0x10_0000, 0x11_0000)
SEGMENT = Segment(0x123)
PTE0, PTE1, INDEX = 0x40, 0x48, 0x58  # in the data page: the first doubleword, the second for each page, the number

# CPUs 1 and up add to the word at EA, going back to it after each fault. CPU 0 maps it to either page in turn by H_ENTER; when
# H_REMOVE has taken it away, the page must not change any more.
REMAP = """
        cmpdi   r3,0
        beq     mapper
        li      r9,1            # EA
        rldicr  r9,r9,63,63
        li      r5,1
        rldicr  r5,r5,62,62
        or      r9,r9,r5
        mfmsr   r15
        ori     r15,r15,0x10    # data translation on
        mtmsrd  r15
1:      lwz     r5,0(r9)
        addi    r5,r5,1
        stw     r5,0(r9)
        b       1b
mapper: ld      r20,0x48(r30)
        ld      r21,0x50(r30)
        lis     r22,0x10
        lis     r23,0x11
        li      r24,{rounds}
        li      r25,0           # how often a page changed after all
again:  li      r3,8            # H_ENTER, EXACT
        li      r4,1
        sldi    r4,r4,39
        ld      r5,0x58(r30)
        ld      r6,0x40(r30)
        mr      r7,r20
        sc      1
        add     r25,r25,r3
        li      r5,6000
        mtctr   r5
2:      bdnz    2b
        li      r3,4            # H_REMOVE
        li      r4,0
        ld      r5,0x58(r30)
        li      r6,0
        sc      1
        add     r25,r25,r3
        lwz     r11,0(r22)
        li      r5,300
        mtctr   r5
3:      bdnz    3b
        lwz     r12,0(r22)
        cmpw    r11,r12
        beq     4f
        addi    r25,r25,1
4:      mr      r5,r20
        mr      r20,r21
        mr      r21,r5
        mr      r5,r22
        mr      r22,r23
        mr      r23,r5
        addi    r24,r24,-1
        cmpdi   r24,0
        bne     again
        stw     r25,off(r10)
"""


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("parallel", [False, True])
def test_a_page_that_was_removed_does_not_change(engine: str, parallel: bool) -> None:
    m = machine(REMAP.replace("{rounds}", "2000"), 3, engine=engine, parallel=parallel, hot_threshold=50)
    table = HashTable.attach(m.vm, 18)
    index = (SEGMENT.hash(0) & table.groups - 1) * 8
    seconds = [pte(SEGMENT, 0, Page(real))[1] for real in PAGES]
    values = (pte(SEGMENT, 0, Page(PAGES[0]))[0], *seconds, index)
    m.vm.write(DATA + PTE0, b"".join(v.to_bytes(8, "big") for v in values))
    m.vm.write(0x300, (0x4C00_0024).to_bytes(4, "big"))  # rfid
    for vcpu in m.vm.vcpus:
        vcpu.call("slbmte", SEGMENT.word, SEGMENT.esid_word(EA))
    try:
        assert m.run(1 << 40) == Shutdown(0)
        assert all(int.from_bytes(m.vm.read(real, 4), "big") > 100 for real in PAGES)
    finally:
        m.close()
