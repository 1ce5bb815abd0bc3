"""Loaders: files built by hand from the ELF specification, damaged in every way, and the real kernels."""

from __future__ import annotations

import gzip
import lzma
import os
import random
import struct
from pathlib import Path

import pytest

from runtime.loader import LoadError, load_elf, load_flat, load_initrd
from runtime.loader.elf import parse_elf

IMAGES = Path(__file__).parents[3] / "shared/guests/images"


def make_elf(
    bits: int = 64,
    little: bool = False,
    machine: int | None = None,
    kind: int = 2,
    entry: int = 0x10000100,
    flags: int = 0,
    segments: tuple[tuple[int, int, bytes, int, int], ...] = ((0x1000, 0x10000000, b"code" * 80, 0x200, 5),),
) -> bytes:
    """An executable; a segment is (paddr, vaddr, data, memsz, p_flags)."""
    order = "<" if little else ">"
    machine = machine if machine is not None else (21 if bits == 64 else 20)
    ident = b"\x7fELF" + bytes((bits // 32, 1 if little else 2, 1)) + bytes(9)
    ehsize, phsize = (64, 56) if bits == 64 else (52, 32)
    word = "Q" if bits == 64 else "I"
    header = struct.pack(
        f"{order}HHI{word * 3}IHHHHHH",
        kind,
        machine,
        1,
        entry,
        ehsize,
        0,
        flags,
        ehsize,
        phsize,
        len(segments),
        0,
        0,
        0,
    )
    offset, table, bodies = ehsize + phsize * len(segments), b"", b""
    for paddr, vaddr, data, memsz, pflags in segments:
        fields = (offset + len(bodies), vaddr, paddr, len(data), memsz)
        if bits == 64:
            table += struct.pack(order + "IIQQQQQQ", 1, pflags, *fields, 4)
        else:
            table += struct.pack(order + "IIIIIIII", 1, *fields, pflags, 4)
        bodies += data
    return ident + header + table + bodies


def write(tmp_path: Path, data: bytes, name: str = "guest.elf") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [False, True])
@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lzma.compress])
def test_load(tmp_path, bits, little, wrap):
    segments = ((0x1000, 0x10000000, b"code" * 80, 0x200, 5), (0x2000, 0x20000000, b"", 0x1000, 6))
    image = load_elf(write(tmp_path, wrap(make_elf(bits, little, segments=segments))))
    assert (image.bits, image.little, image.entry, image.dynamic) == (bits, little, 0x10000100, False)
    code, bss = image.segments
    assert (code.paddr, code.vaddr, code.data, code.memsz) == (0x1000, 0x10000000, b"code" * 80, 0x200)
    assert code.executable
    assert (bss.paddr, bss.data, bss.memsz, bss.executable) == (0x2000, b"", 0x1000, False)
    assert (image.lowest, image.highest) == (0x1000, 0x3000)
    assert image.real_address(0x10000100) == 0x1100
    assert image.real_address(0x20000FFF) == 0x2FFF
    assert image.real_address(0x20001000) is None
    assert image.symbols == ()
    assert image.abi == {32: 0, 64: 2 if little else 1}[bits]


def test_abi_and_function_descriptors():
    descriptor = struct.pack(">QQQ", 0x10000100, 0x20008000, 0)
    segments = (
        (0x1000, 0x10000000, b"\x60\0\0\0" * 80, 0x200, 5),
        (0x2000, 0x20000000, descriptor, 0x100, 6),
    )
    old = parse_elf("x", make_elf(entry=0x20000000, flags=1, segments=segments))
    assert (old.abi, old.entry_point()) == (1, (0x10000100, 0x20008000))
    # Linked with a code address: taken as it is.
    assert parse_elf("x", make_elf(entry=0x10000100, flags=1, segments=segments)).entry_point() == (
        0x10000100,
        None,
    )
    new = parse_elf("x", make_elf(entry=0x20000000, flags=2, segments=segments))
    assert (new.abi, new.entry_point()) == (2, (0x20000000, None))


def damaged() -> dict[str, tuple[bytes, str]]:
    good = make_elf()
    segment = (0x1000, 0x10000000, b"x" * 16, 0x100, 5)

    def patched(offset: int, form: str, value: int) -> bytes:
        data = bytearray(good)
        struct.pack_into(form, data, offset, value)
        return bytes(data)

    return {
        "empty": (b"", "the file is empty"),
        "text": (b"#!/bin/sh\n", "not an ELF file"),
        "magic only": (good[:4], "truncated: the ELF header"),
        "header cut": (good[:40], "truncated: the ELF header"),
        "table cut": (good[:100], "before its 1 program headers do"),
        "data cut": (good[:-1], "truncated: segment 0 ends at byte 440, the file at 439"),
        "class": (patched(4, "B", 7), "class 7"),
        "x86": (make_elf(machine=62, little=True), "not a PowerPC program (ELF machine 62)"),
        "class and machine": (make_elf(machine=20), "class 64 bits, but ELF machine 20"),
        "object": (make_elf(kind=1), "link it first"),
        "core": (make_elf(kind=4), "a core dump"),
        "no headers": (make_elf(segments=()), "no program headers"),
        "no load": (patched(64, ">I", 6), "no PT_LOAD"),
        "small headers": (patched(54, ">H", 8), "program headers of 8 bytes"),
        "table far away": (patched(32, ">Q", 1 << 63), "before its 1 program headers do"),
        "data far away": (patched(64 + 8, ">Q", (1 << 64) - 1), "truncated: segment 0"),
        "memsz": (make_elf(segments=((0, 0, b"x" * 16, 8, 5),)), "16 bytes in the file but only 8 in memory"),
        "huge": (make_elf(segments=((0, 0, b"x", 1 << 62, 5),)), "of memory"),
        "wraps": (make_elf(segments=(((1 << 64) - 8, 0, b"x", 16, 5),)), "wrap around"),
        "overlap": (make_elf(segments=(segment, (0x10FF, 0x20000000, b"y", 1, 6))), "segments overlap"),
        "gzip cut": (gzip.compress(good)[:-12], "truncated gzip data"),
        "gzip crc": (gzip.compress(good)[:-8] + b"\0" * 8, "damaged gzip data"),
        "xz cut": (lzma.compress(good)[:-40], "truncated xz data"),
        "xz": (lzma.compress(good)[:30] + b"\xff" * 60, "damaged xz data"),
        "gzip text": (gzip.compress(b"hello"), "not an ELF file"),
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged_files_give_one_clear_line(tmp_path, name):
    data, problem = damaged()[name]
    path = write(tmp_path, data)
    with pytest.raises(LoadError) as caught:
        load_elf(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert problem in line
    assert "\n" not in line


def test_what_is_no_file(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, problem in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "not a regular file"),
        (fifo, "not a regular file"),  # And does not wait for somebody to write into it.
        ("a\0b", "null byte"),
    ):
        with pytest.raises(LoadError, match=problem):
            load_elf(path)


def test_expansion_is_bounded(tmp_path):
    from runtime.loader.files import expand

    bomb = gzip.compress(bytes(1 << 22))
    with pytest.raises(LoadError, match="expands to more than"):
        expand("bomb", bomb, limit=1 << 20)
    assert len(expand("bomb", bomb, limit=1 << 22)) == 1 << 22
    with pytest.raises(LoadError, match="expands to more than"):
        expand("bomb", lzma.compress(bytes(1 << 22)), limit=1 << 20)


def test_random_damage_never_escapes():
    """Any byte changed: an image or a LoadError, nothing else."""
    rng = random.Random(2)
    good = {bits: make_elf(bits) for bits in (32, 64)}
    for _ in range(3000):
        data = bytearray(good[rng.choice((32, 64))])
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(4, 130)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        try:
            image = parse_elf("x", bytes(data[: rng.choice((len(data), rng.randrange(4, len(data))))]))
            image.entry_point()
            image.symbols  # noqa: B018
        except LoadError:
            pass


def test_flat(tmp_path):
    path = write(tmp_path, b"\x48\0\0\0", "flat.bin")
    image = load_flat(path, 0x700)
    (segment,) = image.segments
    assert (image.entry, image.entry_point(), segment.paddr, segment.data) == (
        0x700,
        (0x700, None),
        0x700,
        b"\x48\0\0\0",
    )
    with pytest.raises(LoadError, match="4 bytes do not fit at 0xfffffffe"):
        load_flat(path, 0xFFFFFFFE, bits=32)
    with pytest.raises(LoadError, match="do not fit"):
        load_flat(path, -4)


CPIO = b"070701" + b"0" * 104 + b"TRAILER!!!\0"


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lzma.compress])
def test_initrd(tmp_path, wrap):
    data = wrap(CPIO)
    assert load_initrd(write(tmp_path, data)) == data


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x7fELF and so on", "no cpio archive (found 7f 45 4c 46"),
        (gzip.compress(b"text"), "no cpio archive inside the compressed data"),
        (gzip.compress(CPIO)[:-9], "truncated gzip data"),
        (b"", "the file is empty"),
    ],
    ids=["elf", "text", "cut", "empty"],  # gzip data has a time in it
)
def test_bad_initrd(tmp_path, data, problem):
    with pytest.raises(LoadError) as caught:
        load_initrd(write(tmp_path, data))
    assert problem in str(caught.value)


@pytest.mark.skipif(not IMAGES.exists(), reason="the shared guest images are not here")
@pytest.mark.parametrize(
    ("name", "bits", "entry"),
    [
        ("pseries64be", 64, 0xC000000000000000),
        ("pmac32", 32, None),
        ("bamboo440", 32, 0xC0000000),
        ("e500v2", 32, 0xC0000000),
    ],
)
def test_real_kernels(name, bits, entry):
    image = load_elf(IMAGES / name / "vmlinux.xz")
    assert (image.bits, image.little) == (bits, False)
    if entry is not None:
        assert image.entry == entry
        assert image.entry_point() == (entry, None)
        assert image.real_address(image.entry) == 0
    assert load_initrd(IMAGES / name / "initramfs.cpio.gz")[:2] == b"\x1f\x8b"


@pytest.mark.skipif(not IMAGES.exists(), reason="the shared guest images are not here")
def test_symbols_agree_with_pyelftools():
    import io

    elffile = pytest.importorskip("elftools.elf.elffile")
    image = load_elf(IMAGES / "bamboo440/vmlinux.xz")
    table = elffile.ELFFile(io.BytesIO(image.file)).get_section_by_name(".symtab")
    wanted = ("STT_NOTYPE", "STT_OBJECT", "STT_FUNC")
    expected = sorted(
        (symbol["st_value"], symbol["st_size"], symbol.name)
        for symbol in table.iter_symbols()
        if symbol.name and symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["type"] in wanted
    )
    assert sorted((s.address, s.size, s.name) for s in image.symbols) == expected
    assert image.symbol("start_kernel") in {
        address for address, _, name in expected if name == "start_kernel"
    }
    assert image.symbol("no such thing") is None
