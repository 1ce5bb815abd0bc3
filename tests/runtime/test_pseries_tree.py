"""The pseries tree: the facts a kernel reads from it, and the proven trees and QEMU's as oracles."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench import qemu
from guests import build
from guests.fetch import IMAGES
from runtime.hypercalls.rtas import tokens
from runtime.machines.fdt import Tree
from runtime.machines.pseries_tree import PAGE_SIZES_64K, PseriesConfig, build_pseries_tree

GUESTS = Path(__file__).parents[3] / "shared/guests"
DTS = GUESTS / "dts"
CONFIG = PseriesConfig(
    memory=512 << 20,
    hpt_log2=22,
    bootargs="console=hvc0 quiet",
    initrd=(0xA000000, 0xA1222F0),
    rtas_base=0x1FFF0000,
)


def cpu(config: PseriesConfig, index: int = 0):
    return build_pseries_tree(config).root[f"cpus/{config.cpu_name}@{index:x}"]


def test_what_linux_must_find():
    tree = build_pseries_tree(CONFIG)
    root = tree.root
    assert root.strings("device_type") == ("chrp",)
    assert root["chosen"].strings("bootargs") == ("console=hvc0 quiet",)
    assert root["chosen"].cells("linux,initrd-start") == (0xA000000,)
    assert root["chosen"].cells("linux,initrd-end") == (0xA1222F0,)
    assert root["memory@0"].cells("reg") == (0, 0, 0, 0x20000000)
    assert root["vdevice/vty@71000000"].strings("compatible") == ("hvterm1",)
    assert root["vdevice/vty@71000000"].cells("interrupts") == (0x1100, 0)
    assert root["interrupt-controller"].strings("compatible") == ("IBM,ppc-xicp",)
    rtas = root["rtas"]
    assert "hcall-set-mode" in rtas.strings("ibm,hypertas-functions")
    assert {name: rtas.cells(name)[0] for name in tokens()} == tokens()
    assert rtas.cells("linux,rtas-base") == rtas.cells("linux,rtas-entry") == (0x1FFF0000,)
    assert tree.reservations == [(0x1FFF0000, 0x1000)]
    node = cpu(CONFIG)
    assert node.strings("device_type") == ("cpu",)
    assert node.cells("timebase-frequency") == (512_000_000,)
    assert node.cells("cpu-version") == (0x4D0200,)
    assert node.cells("ibm,pft-size") == (0, 22)
    assert node.cells("ibm,slb-size") == (32,)
    assert node.cells("ibm,processor-segment-sizes") == (28, 40, 0xFFFFFFFF, 0xFFFFFFFF)
    assert "ibm,vmx" not in node.properties
    assert "ibm,dfp" not in node.properties


# QEMU 7.2, `-M pseries[,cap-hpt-max-page-size=16M],dumpdtb=FILE -cpu POWER8`, read with dtc.
QEMU_64K = "0c 00 01 0c 00 10 110 01 10 01"
QEMU_16M = "0c 00 02 0c 00 18 38 10 110 02 10 01 18 08 18 100 01 18 00"
QEMU_PA_FEATURES = "1800 f63f c7c0 80f0 8000 0000 0000 0000 0000 8000 8000 8000 0000"


def test_page_sizes_are_qemus():
    name = "ibm,segment-page-sizes"
    assert cpu(CONFIG).cells(name) == tuple(int(word, 16) for word in QEMU_16M.split())
    small = cpu(replace(CONFIG, page_sizes=PAGE_SIZES_64K)).cells(name)
    assert small == tuple(int(word, 16) for word in QEMU_64K.split())


def test_pa_features():
    full = cpu(replace(CONFIG, vmx=2, dfp=True))
    assert full.properties["ibm,pa-features"] == bytes.fromhex(QEMU_PA_FEATURES)
    assert (full.cells("ibm,vmx"), full.cells("ibm,dfp")) == ((2,), (1,))
    # Without the vector facilities: attribute bytes 16, 18 and 20 clear, all else the same.
    plain = bytearray(bytes.fromhex(QEMU_PA_FEATURES))
    plain[2 + 16] = plain[2 + 18] = plain[2 + 20] = 0
    assert cpu(CONFIG).properties["ibm,pa-features"] == bytes(plain)


# QEMU 7.2, `-M pseries,cap-htm=off,dumpdtb=FILE -cpu power9`
QEMU_PA_FEATURES_3 = (
    "4200f63f c7c080f0 80000000 00000000 00008000 80008000 00008000 80008000 80008000 c0008000 80008000"
    "80008000 80008000 80008000 80008000 80008000 80000000"
)


def test_power9():
    """What radix translation adds, and takes away; the same processor with a hashed page table."""
    config = replace(CONFIG, cpu_name="PowerPC,POWER9", isa="3.0", radix=True, vmx=2, dfp=True)
    radix = cpu(config)
    assert radix.properties["ibm,pa-features"] == bytes.fromhex(QEMU_PA_FEATURES_3)
    assert radix.cells("ibm,processor-radix-AP-encodings") == (0xC, 0xA0000010, 0x20000015, 0x4000001E)
    assert radix.cells("ibm,dec-bits") == (56,)
    assert not {"ibm,pft-size", "ibm,segment-page-sizes", "slb-size"} & set(radix.properties)
    vector5 = build_pseries_tree(config).root["chosen"].properties["ibm,architecture-vec-5"]
    assert vector5 == bytes(24) + b"\x40\0\x40"
    hashed = cpu(replace(config, radix=False))
    assert hashed.properties["ibm,pa-features"][2 + 40] == 0 and "ibm,pft-size" in hashed.properties
    with pytest.raises(ValueError, match="radix"):
        replace(config, isa="2.07")


def test_options():
    root = build_pseries_tree(
        replace(CONFIG, cpus=3, rtas_base=None, initrd=None, console_interrupt=None)
    ).root
    assert [node.name for node in root["cpus"].children] == [f"PowerPC,POWER8@{i}" for i in range(3)]
    assert root["cpus/PowerPC,POWER8@2"].cells("ibm,ppc-interrupt-server#s") == (2,)
    assert root["interrupt-controller"].cells("ibm,interrupt-server-ranges") == (0, 3)
    assert list(root["rtas"].properties) == ["ibm,hypertas-functions"]
    assert "linux,initrd-start" not in root["chosen"].properties
    assert "interrupts" not in root["vdevice/vty@71000000"].properties
    big = build_pseries_tree(replace(CONFIG, memory=6 << 30, initrd=(5 << 30, (5 << 30) + 4096))).root
    assert big["chosen"].cells("linux,initrd-start") == (1, 0x40000000)
    assert big["memory@0"].cells("reg") == (0, 0, 1, 0x80000000)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"memory": 12345}, "whole number of pages"),
        ({"memory": 0}, "whole number of pages"),
        ({"cpus": 0}, "0 CPUs"),
        ({"hpt_log2": 17}, "hashed page table"),
        ({"initrd": (0x1FFFF000, 0x20000001)}, "not inside the memory"),
        ({"initrd": (4096, 4096)}, "not inside the memory"),
        ({"rtas_base": 0x1FFFF800}, "not inside the memory"),
        ({"vmx": 3}, "vmx 3"),
    ],
)
def test_inconsistent_configurations(change, problem):
    with pytest.raises(ValueError, match=problem):
        replace(CONFIG, **change)


def test_deterministic_and_readable_back():
    tree = build_pseries_tree(CONFIG)
    assert tree.to_dtb() == build_pseries_tree(replace(CONFIG)).to_dtb()
    assert Tree.from_dtb(tree.to_dtb()) == tree


@pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc (device-tree-compiler) is not installed")
def test_dtc_finds_nothing_to_say():
    """No error, and of the warnings only those the PAPR binding itself causes."""
    run = subprocess.run(
        ["dtc", "-I", "dtb", "-O", "dts"],
        input=build_pseries_tree(CONFIG).to_dtb(),
        capture_output=True,
        text=False,
    )
    assert run.returncode == 0
    unexpected = [
        line
        for line in run.stderr.decode().splitlines()
        # The vty's interrupt is in the partition-wide numbering, without a controller of its own to point to.
        if "interrupt" not in line
    ]
    assert unexpected == []


@pytest.mark.skipif(
    shutil.which("dtc") is None or not DTS.exists(), reason="dtc or the proven trees are not here"
)
@pytest.mark.parametrize("name", ["pseries-power8-hpt", "pseries-power9-radix"])
def test_has_what_the_proven_trees_have(name):
    """Every node and property of the trees Linux was booted with, but those we do not offer."""
    source = (DTS / f"{name}.dts").read_bytes()
    proven = Tree.from_dtb(
        subprocess.run(["dtc", "-q"], input=source, capture_output=True, check=True).stdout
    )
    radix = name.endswith("radix")
    config = replace(CONFIG, vmx=2, dfp=True, radix=radix, isa="3.0" if radix else "2.07")
    ours = build_pseries_tree(replace(config, cpu_name="PowerPC,POWER9" if radix else "PowerPC,POWER8")).root

    def compare(theirs, mine) -> None:
        assert set(theirs.properties) - {"phandle"} <= set(mine.properties), theirs.name
        for child in theirs.children:
            compare(child, mine[child.name])

    compare(proven.root, ours)


@pytest.mark.skipif(build.missing(qemu.SYSTEM) is not None or not (IMAGES / "pseries64be").exists(), reason="QEMU or the guest image is not here")
def test_the_kernel_boots_with_it_under_qemu():
    """QEMU's hypervisor, no firmware: our tree, RTAS stub and tokens, and loader; to power-off."""
    output = qemu.boot("pseries64be", 512 << 20).output
    assert "2c7ab85a893283e98c931e9511add182  -" in output
    assert "reboot: Power down" in output
