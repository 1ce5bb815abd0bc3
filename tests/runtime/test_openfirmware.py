"""Open Firmware's client interface, called as a kernel calls it: argument blocks of big-endian words in memory."""

from __future__ import annotations

import struct

import pytest

from runtime.hypercalls.openfirmware import ENTRY_STUB, H_OF_CLIENT, OpenFirmware
from runtime.hypercalls.rtas import ENTRY_STUB as RTAS_STUB
from runtime.machines.pseries_tree import PseriesConfig, build_pseries_tree

BLOCK, TEXT, BUFFER = 0x4000, 0x5000, 0x6000
FAILED = 0xFFFF_FFFF
PVR = 0x004D0200


class Client:
    """Makes calls; strings are put into memory."""

    def __init__(self, vm) -> None:
        self.vm = vm
        tree = build_pseries_tree(PseriesConfig(memory=512 << 20, hpt_log2=22, instantiate_rtas=True, bootargs="quiet"))
        vm.firmware = self.firmware = OpenFirmware(vm, tree, PVR, [(0, 0x1000), (0x3000, 0x8000)])

    def __call__(self, name: str, *arguments: int | str, nret: int = 1) -> list[int] | int:
        at = TEXT
        words = []
        for value in (name, *arguments):
            if isinstance(value, str):
                self.vm.write(at, value.encode() + b"\0")
                words.append(at)
                at += len(value) + 1
            else:
                words.append(value & FAILED)
        head, *rest = words
        self.vm.write(BLOCK, struct.pack(f">{3 + len(rest) + nret}I", head, len(rest), nret, *rest, *[0x5555_5555] * nret))
        if self.vm.call(H_OF_CLIENT, BLOCK):
            return -1
        results = list(struct.unpack(f">{nret}I", self.vm.read(BLOCK + 12 + 4 * len(rest), 4 * nret)))
        return results[0] if nret == 1 else results

    def buffer(self, size: int) -> bytes:
        return self.vm.read(BUFFER, size)


@pytest.fixture
def of(vm) -> Client:
    return Client(vm)


def test_a_kernel_walks_the_whole_tree(of: Client) -> None:
    """child, peer, nextprop and getprop together give the tree as it is."""

    def copy(handle: int) -> tuple:
        properties, previous = {}, ""
        while of("nextprop", handle, previous, BUFFER) == 1:
            previous = of.buffer(64).split(b"\0")[0].decode()
            size = of("getproplen", handle, previous)
            assert of("getprop", handle, previous, BUFFER, size) == size
            properties[previous] = of.buffer(size)
        assert of("package-to-path", handle, BUFFER, 256) > 0
        path = of.buffer(256).split(b"\0")[0].decode()
        children, child = [], of("child", handle)
        while child:
            assert of("parent", child) == handle
            children.append(copy(child))
            child = of("peer", child)
        return path, properties, children

    def expected(node, path: str) -> tuple:
        name = node.name.split("@")[0].encode() + b"\0"
        children = [expected(c, path.rstrip("/") + "/" + c.name) for c in node.children]
        return path, {"name": name, **node.properties}, children

    assert copy(of("peer", 0)) == expected(of.firmware.tree.root, "/")


def test_finding_devices(of: Client) -> None:
    chosen = of("finddevice", "/chosen")
    assert of("getprop", chosen, "bootargs", BUFFER, 3) == 6  # the whole length, as much as there is room for
    assert of.buffer(4) == b"qui\0"
    assert of("finddevice", "/cpus/PowerPC,POWER8") == of("finddevice", "/cpus/PowerPC,POWER8@0") != FAILED
    assert of("finddevice", "/nowhere") == FAILED
    assert of("getprop", chosen, "nothing", BUFFER, 4) == FAILED and of("getproplen", chosen, "nothing") == FAILED
    assert of("setprop", chosen, "linux,new", TEXT, 4) == 4 and of("getproplen", chosen, "linux,new") == 4


def test_the_terminal(of: Client) -> None:
    console = of("open", "/vdevice/vty")
    of.vm.write(BUFFER, b"hello")
    assert of("write", console, BUFFER, 5) == 5
    assert of.vm.console.output == b"hello"
    assert of("instance-to-package", console) == of("finddevice", "/vdevice/vty@71000000")
    assert of("instance-to-path", console, BUFFER, 64) == len("/vdevice/vty@71000000")
    assert of("write", of("open", "/chosen"), BUFFER, 5) == FAILED
    assert of("open", "/nothing") == 0
    of("close", console, nret=0)
    assert of("write", console, BUFFER, 5) == -1


def test_claims_do_not_overlap(of: Client) -> None:
    assert of("claim", 0x1000, 0x1000, 0) == 0x1000
    assert of("claim", 0x1800, 0x10, 0) == FAILED  # taken
    assert of("claim", 0, 0x1000, 0x1000) == 0x2000  # the first place that is free
    assert of("claim", 0xF000, 0x2000, 0) == FAILED  # past the end of RAM
    of("release", 0x1000, 0x1000, nret=0)
    assert of("claim", 0x1800, 0x10, 0) == 0x1800
    assert of("claim", 0x9000, 0, 0) == FAILED


def test_rtas_is_placed_by_the_guest(of: Client) -> None:
    rtas = of("open", "/rtas")
    assert of("call-method", "instantiate-rtas", rtas, 0x9000, nret=2) == [0, 0x9000]
    assert of.vm.read(0x9000, len(RTAS_STUB)) == RTAS_STUB != ENTRY_STUB
    assert of("call-method", "instantiate-toaster", rtas, 0x9000, nret=2) == [FAILED, 0]


@pytest.mark.parametrize(
    ("processors", "answer"),
    [
        ([(0xFFFF0000, 0x004D0000), (0xFFFFFFFE, 0x0F000001)], 0),  # POWER8, and what ends the list
        ([(0xFFFF0000, 0x004E0000), (0xFFFFFFFF, PVR), (0xFFFFFFFE, 0x0F000001)], 0),
        ([(0xFFFF0000, 0x004E0000), (0xFFFFFFFE, 0x0F000001), (0xFFFF0000, 0x004D0000)], FAILED),  # after the end
    ],
)
def test_client_architecture_support(of: Client, processors: list[tuple[int, int]], answer: int) -> None:
    of.vm.write(BUFFER, b"".join(struct.pack(">2I", *p) for p in processors))
    root = of("open", "/")
    assert of("call-method", "ibm,client-architecture-support", root, BUFFER, nret=2) == [0, answer]


def test_nonsense_is_refused(of: Client) -> None:
    assert of("interpret", "2 2 +", nret=2) == -1  # no such service
    assert of("getprop", 0x1234, "name", BUFFER, 4) == -1  # no such node
    assert of("peer") == -1 and of("finddevice", 0xFFFF_FF00) == -1  # too few arguments; outside RAM
    assert of.vm.call(H_OF_CLIENT, 0xFFFF_0000) == -1
    of.vm.write(BLOCK, struct.pack(">3I", TEXT, 1 << 20, 1))
    assert of.vm.call(H_OF_CLIENT, BLOCK) == -1
    assert of("test", "getprop") == 0 and of("test", "dance") == FAILED
    of.vm.firmware = None
    assert of("finddevice", "/") == -1


def test_the_end(of: Client) -> None:
    of("quiesce", nret=0)
    of("exit", nret=0)
    assert of.vm.requests == [("panic", "the kernel returned to Open Firmware")]
