"""Flattened device trees: against the specification by hand, against dtc, and by property."""

from __future__ import annotations

import random
import shutil
import string
import struct
import subprocess

import pytest

from runtime.loader import LoadError
from runtime.machines.fdt import Node, Tree, cells64, encode

DTC = shutil.which("dtc")
needs_dtc = pytest.mark.skipif(DTC is None, reason="dtc (device-tree-compiler) is not installed")


def dtc(data: bytes, source: str, target: str) -> bytes:
    assert DTC is not None
    run = subprocess.run([DTC, "-q", "-I", source, "-O", target], input=data, capture_output=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def example() -> Tree:
    tree = Tree(reservations=[(0x1FFF0000, 0x10000)], boot_cpu=3)
    root = tree.root
    root.set("#address-cells", 2)
    root.set("compatible", ["ibm,thing", "thing"])
    root.set("quotes", 'a "b" \\ c')
    root.set("odd", b"\x01\x02\x03")
    cpus = root.add("cpus")
    cpus.add("cpu@0", device_type="cpu", reg=0).set("64-bit")
    cpus.add("cpu@1", device_type="cpu", reg=1)
    root.add("memory@0", device_type="memory", reg=cells64(0, 0x1_0000_2000))
    pic = root.add("pic")
    root["cpus/cpu@1"].set("interrupt-parent", tree.phandle(pic))
    return tree


def test_bytes_by_hand():
    """The smallest tree, laid out as chapter 5 says."""
    tree = Tree()
    tree.root.set("a", 0x11223344)
    structure = (
        struct.pack(">II", 1, 0) + struct.pack(">IIII", 3, 4, 0, 0x11223344) + struct.pack(">II", 2, 9)
    )
    expected = (
        struct.pack(">10I", 0xD00DFEED, 90, 56, 88, 40, 17, 16, 0, 2, 32) + bytes(16) + structure + b"a\0"
    )
    assert tree.to_dtb() == expected
    assert Tree.from_dtb(expected) == tree


def test_values():
    assert encode(None) == b""
    assert encode("ab") == b"ab\0"
    assert encode(["a", "bc"]) == b"a\0bc\0"
    assert encode(1) == b"\0\0\0\1"
    assert encode([1, 0xFFFFFFFF]) == b"\0\0\0\1\xff\xff\xff\xff"
    assert encode(b"\1") == b"\1"
    assert cells64(0x1_2345_6789, 2) == [1, 0x23456789, 0, 2]
    for bad in (1 << 32, -1, "a\0b", [0, 1 << 40]):
        with pytest.raises(ValueError, match=r"cell|NUL"):
            encode(bad)


def test_reading():
    root = example().root
    assert root["/memory@0"].cells("reg") == (0, 0, 1, 0x2000)
    assert root.strings("compatible") == ("ibm,thing", "thing")
    assert [node.name for node in root.walk()] == ["", "cpus", "cpu@0", "cpu@1", "memory@0", "pic"]
    with pytest.raises(KeyError):
        root["cpus/none"]
    with pytest.raises(ValueError, match="not cells"):
        root.cells("odd")
    with pytest.raises(ValueError, match="not text"):
        root.strings("odd")
    with pytest.raises(ValueError, match="already has a child pic"):
        root.add("pic")


def test_phandles_are_given_in_order_and_kept():
    tree = example()
    assert tree.phandle(tree.root["pic"]) == 1
    assert tree.phandle(tree.root["cpus"]) == 2
    tree.root["memory@0"].set("phandle", 0x1111)
    assert tree.phandle(tree.root["memory@0"]) == 0x1111
    assert tree.phandle(tree.root["cpus/cpu@0"]) == 0x1112


def test_roundtrip():
    tree = example()
    assert Tree.from_dtb(tree.to_dtb()) == tree
    assert Tree.from_dtb(tree.to_dtb() + b"trailing") == tree


@needs_dtc
def test_dtc_reads_our_dtb_and_dts_as_the_same_tree():
    tree = example()
    assert dtc(tree.to_dtb(), "dtb", "dts") == dtc(dtc(tree.to_dts().encode(), "dts", "dtb"), "dtb", "dts")
    from_source = Tree.from_dtb(dtc(tree.to_dts().encode(), "dts", "dtb"))
    from_source.boot_cpu = 3  # The source form has no place for it.
    assert from_source == tree


@needs_dtc
def test_we_read_what_dtc_writes():
    source = b"""/dts-v1/; /memreserve/ 0x1000 0x2000;
    / { #size-cells = <1>; empty; list = "a", "b"; bytes = [01 02 03]; wide = /bits/ 64 <0x123456789abcdef0>;
        ref = <&x>; x: child@1 { inner { p = <1 2 3>; }; }; };"""
    tree = Tree.from_dtb(dtc(source, "dts", "dtb"))
    root = tree.root
    assert tree.reservations == [(0x1000, 0x2000)]
    assert root.strings("list") == ("a", "b")
    assert (root.properties["empty"], root.properties["bytes"]) == (b"", b"\1\2\3")
    assert root.cells("wide") == (0x12345678, 0x9ABCDEF0)
    assert root.cells("ref") == root["child@1"].cells("phandle")
    assert root["child@1/inner"].cells("p") == (1, 2, 3)


def random_tree(rng: random.Random) -> Tree:
    def name(letters: str) -> str:
        return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 12)))

    def value() -> bytes:
        match rng.randrange(5):
            case 0:
                return b""
            case 1:
                return encode([name(string.printable[:95]) for _ in range(rng.randrange(1, 4))])
            case 2:
                return encode([rng.getrandbits(32) for _ in range(rng.randrange(1, 5))])
            case 3:
                return rng.randbytes(rng.randrange(1, 9))
            case _:
                return rng.choice((b"\0", b"\0\0", b"a\0\0", b"ab", b"\xff\0", b"a\nb\0"))

    def fill(node: Node, depth: int) -> None:
        for _ in range(rng.randrange(5)):
            node.properties[
                rng.choice("xyz#,") + name(string.ascii_lowercase + string.digits + ",._+?#-")
            ] = value()
        for _ in range(rng.randrange(4) if depth < 4 else 0):
            label = rng.choice(string.ascii_letters) + name(string.ascii_letters + string.digits + ",._+-")
            if all(child.name != label for child in node.children):
                fill(node.add(label), depth + 1)

    reservations = [(rng.getrandbits(64) | 1, rng.getrandbits(64)) for _ in range(rng.randrange(3))]
    tree = Tree(reservations=reservations)
    fill(tree.root, 0)
    return tree


@pytest.mark.parametrize("seed", range(40))
def test_random_trees_survive(seed):
    tree = random_tree(random.Random(seed))
    data = tree.to_dtb()
    assert Tree.from_dtb(data) == tree
    if DTC is not None:
        assert Tree.from_dtb(dtc(data, "dtb", "dtb")) == tree
        assert Tree.from_dtb(dtc(tree.to_dts().encode(), "dts", "dtb")) == tree


def test_damage_never_escapes():
    rng = random.Random(3)
    good = example().to_dtb()
    for _ in range(5000):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 2, 9, 0x7F, 0xFF, rng.randrange(256)))
        cut = bytes(data[: rng.choice((len(data), rng.randrange(len(data))))])
        try:
            Tree.from_dtb(cut, "x.dtb")
        except LoadError as error:
            assert str(error).startswith("x.dtb: damaged device tree: ")
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("structure", "problem"),
    [
        ((1, 0, 2), "ends too early"),
        ((1, 0, 2, 5), "token 0x5 after the root"),
        ((1, 0, 7), "unexpected token 0x7"),
        ((2,), "unexpected token 0x2"),
        ((3, 0, 0), "unexpected token 0x3"),
        ((1, 0, 3, 0, 99), "outside the strings"),
        ((1, 0, 3, 4000, 0), "property a is longer than the tree"),
        ((1, 0, 3, 0, 0, 3, 0, 0), "two properties a"),
        ((1, 0, 1, 0x62000000, 2, 1, 0x62000000, 2, 2, 9), "two children"),
        ((1, 0x62000000, 2, 9), "the root node has a name"),
        ((1, 0) + (1, 0x62000000) * 70, "nest deeper than 64"),
        ((1, 0x62626262), "name does not end"),
    ],
)
def test_bad_structures(structure, problem):
    body = struct.pack(f">{len(structure)}I", *structure)
    header = struct.pack(">10I", 0xD00DFEED, 58 + len(body), 56, 56 + len(body), 40, 17, 16, 0, 2, len(body))
    with pytest.raises(LoadError, match=problem):
        Tree.from_dtb(header + bytes(16) + body + b"a\0")


def test_bad_headers():
    good = example().to_dtb()
    for data, problem in (
        (b"", "wrong magic"),
        (b"\x7fELF" + good[4:], "wrong magic"),
        (good[:-1], "are there"),
        (good[:20] + b"\0\0\0\x03" + good[24:], "version 3"),
        (good[:8] + b"\xff\0\0\0" + good[12:], "outside the tree"),
        (good[:16] + b"\x00\xff\0\0" + good[20:], "ends too early"),
    ):
        with pytest.raises(LoadError, match=problem):
            Tree.from_dtb(data)
