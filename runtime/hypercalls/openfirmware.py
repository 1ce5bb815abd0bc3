"""Open Firmware's client interface (IEEE 1275, chapter 6.3), as much of it as a kernel needs to come up through it.

The client calls the entry point with r3 = real address of an argument array of 32-bit big-endian words:

    address of the service's name, nargs, nret, nargs arguments, nret results

The entry point is five instructions that pass it on to the private hypercall H_OF_CLIENT. A service is one function that takes its arguments
and returns its results, all as unsigned 32-bit integers; -1 stands for failure. The bindings are those of LoPAPR: `ibm,client-architecture-support`
and `instantiate-rtas`. Once the client calls `quiesce` and goes its own way, nothing of this is left in its memory but what it claimed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.registry import UNKNOWN, Result, hypercall, note
from runtime.hypercalls.rtas import ENTRY_STUB as RTAS_STUB
from runtime.hypercalls.table import H_SUCCESS

if TYPE_CHECKING:
    from runtime.machines.fdt import Node, Tree

H_OF_CLIENT: Final = 0xF005
# mr r4,r3; lis r3,0; ori r3,r3,0xf005; sc 1; blr
ENTRY_STUB: Final = struct.pack(">5I", 0x7C641B78, 0x3C600000, 0x6063F005, 0x44000022, 0x4E800020)
FAILED: Final = 0xFFFF_FFFF
_U32: Final = (1 << 32) - 1
_U64: Final = (1 << 64) - 1
_MAX_WORDS: Final = 32
_MAX_TEXT: Final = 1024
_MAX_VALUE: Final = 1 << 20
_MAX_SET: Final = 16 << 20  # bytes of the host's memory that a client can fill with properties of its own
_MAX_HELD: Final = 1024  # instances, and claimed ranges
_TICKS_PER_MS: Final = 512_000
_FIRST_INSTANCE: Final = 0x8000

Service = Callable[..., "tuple[int, ...]"]
SERVICES: Final[dict[str, Service]] = {}


def service(name: str) -> Callable[[Service], Service]:
    """Register the decorated function: it gets the firmware and the arguments, and returns the results."""

    def register(fn: Service) -> Service:
        SERVICES[name] = fn
        return fn

    return register


class OpenFirmware:
    """The firmware's state: the tree with its handles, open instances, claimed memory. `first`: what is claimed from the start."""

    def __init__(self, vm: Machine, tree: Tree, pvr: int, first: list[tuple[int, int]]) -> None:
        self.vm, self.tree, self.pvr = vm, tree, pvr
        self.claimed = sorted(first)
        self.nodes: dict[int, Node] = {}
        self.parents: dict[int, Node] = {}  # by id of the child
        for node in tree.root.walk():
            for child in node.children:
                self.parents[id(child)] = node
        taken = [node.cells("phandle")[0] for node in tree.root.walk() if "phandle" in node.properties]
        fresh = max(taken, default=0x1000) + 1
        for n, node in enumerate(tree.root.walk()):
            self.nodes[node.cells("phandle")[0] if "phandle" in node.properties else fresh + n] = node
        self.handles = {id(node): handle for handle, node in self.nodes.items()}
        self.instances: dict[int, Node] = {}
        self.room = _MAX_SET

    # -- the tree
    def find(self, path: str) -> Node | None:
        """The node at a path; a component without a unit address takes the first of its name."""
        node = self.tree.root
        for part in path.split(":")[0].strip("/").split("/"):
            if part:
                same = [c for c in node.children if c.name == part] or [c for c in node.children if c.name.split("@")[0] == part]
                if not same:
                    return None
                node = same[0]
        return node

    def path(self, node: Node) -> str:
        """The full path of a node."""
        names = []
        while (parent := self.parents.get(id(node))) is not None:
            names.append(node.name)
            node = parent
        return "/" + "/".join(reversed(names))

    def open(self, path: str) -> int:
        """A new instance of a device; 0 if there is no such device, or too many instances."""
        node = self.find(path)
        if node is None or len(self.instances) >= _MAX_HELD:
            return 0
        handle = next(h for h in count(_FIRST_INSTANCE) if h not in self.instances)
        self.instances[handle] = node
        return handle

    def property(self, node: Node, name: str) -> bytes | None:
        """A property; every node has a `name`."""
        if name == "name" and "name" not in node.properties:
            return node.name.split("@")[0].encode() + b"\0"
        return node.properties.get(name)

    def names(self, node: Node) -> list[str]:
        """The names of a node's properties, in order."""
        return ["name", *(name for name in node.properties if name != "name")]

    # -- memory
    def text(self, address: int) -> str:
        """The NUL-terminated string at a real address. ValueError outside RAM."""
        out = bytearray()
        while len(out) < _MAX_TEXT and (byte := self.vm.read(address + len(out), 1)) != b"\0":
            out += byte
        return out.decode("latin-1")

    def free(self, base: int, size: int) -> bool:
        """Whether a range is RAM that nobody has claimed."""
        return base + size <= self.vm.memory_size and all(base >= end or base + size <= start for start, end in self.claimed)

    def claim(self, base: int, size: int, align: int) -> int:
        """Claim memory at `base`, or with `align` where there is room; where it is, or FAILED."""
        if size == 0 or len(self.claimed) >= _MAX_HELD:
            return FAILED
        if align:
            candidates = sorted({-(-end // align) * align for _, end in self.claimed} | {0})
            base = next((at for at in candidates if self.free(at, size)), FAILED)
        if base == FAILED or not self.free(base, size):
            return FAILED
        self.claimed.append((base, base + size))
        return base


@hypercall("H_OF_CLIENT", H_OF_CLIENT)
def h_of_client(vm: Machine, vcpu: Processor, block: int) -> Result:
    """What the entry stub calls: r3 = 0, or -1 where the service does not exist or the arguments cannot be read."""
    firmware: OpenFirmware | None = getattr(vm, "firmware", None)
    if firmware is None:
        return _U64
    block &= _U32
    stats: Any = getattr(vm, "stats", None)
    try:
        name_at, nargs, nret = struct.unpack(">3I", vm.read(block, 12))
        if nargs + nret > _MAX_WORDS:
            return _U64
        arguments = struct.unpack(f">{nargs}I", vm.read(block + 12, 4 * nargs)) if nargs else ()
        name = firmware.text(name_at)
        found = SERVICES.get(name)
        if stats is not None:
            note(stats, f"of {name}" if found is not None else f"{UNKNOWN}of {name!r}")
        if found is None:
            return _U64
        results = found(firmware, *arguments)
        words = [*results[:nret], *(0 for _ in range(nret - len(results)))]
        if words:
            vm.write(block + 12 + 4 * nargs, struct.pack(f">{len(words)}I", *(w & _U32 for w in words)))
    except (ValueError, TypeError, KeyError):  # outside RAM, a wrong number of arguments, an unknown handle
        return _U64
    return H_SUCCESS


# -- the device tree


@service("finddevice")
def finddevice(f: OpenFirmware, path: int) -> tuple[int, ...]:
    node = f.find(f.text(path))
    return (FAILED if node is None else f.handles[id(node)],)


@service("peer")
def peer(f: OpenFirmware, handle: int) -> tuple[int, ...]:
    """The next sibling; of 0, the root."""
    if handle == 0:
        return (f.handles[id(f.tree.root)],)
    node = f.nodes[handle]
    up = f.parents.get(id(node))
    if up is None:
        return (0,)
    place = next(n for n, c in enumerate(up.children) if c is node)
    return (f.handles[id(up.children[place + 1])] if place + 1 < len(up.children) else 0,)


@service("child")
def child(f: OpenFirmware, handle: int) -> tuple[int, ...]:
    children = f.nodes[handle].children
    return (f.handles[id(children[0])] if children else 0,)


@service("parent")
def parent(f: OpenFirmware, handle: int) -> tuple[int, ...]:
    up = f.parents.get(id(f.nodes[handle]))
    return (0 if up is None else f.handles[id(up)],)


@service("getproplen")
def getproplen(f: OpenFirmware, handle: int, name: int) -> tuple[int, ...]:
    value = f.property(f.nodes[handle], f.text(name))
    return (FAILED if value is None else len(value),)


@service("getprop")
def getprop(f: OpenFirmware, handle: int, name: int, buffer: int, size: int) -> tuple[int, ...]:
    """As much of a property as there is room for; its whole length."""
    value = f.property(f.nodes[handle], f.text(name))
    if value is None:
        return (FAILED,)
    f.vm.write(buffer, value[:size])
    return (len(value),)


@service("nextprop")
def nextprop(f: OpenFirmware, handle: int, previous: int, buffer: int) -> tuple[int, ...]:
    """The name of the property after `previous` (empty: of the first); 1, or 0 if there is no further one."""
    names = f.names(f.nodes[handle])
    before = f.text(previous) if previous else ""
    place = names.index(before) + 1 if before else 0
    if place == len(names):
        f.vm.write(buffer, b"\0")
        return (0,)
    f.vm.write(buffer, names[place].encode() + b"\0")
    return (1,)


@service("setprop")
def setprop(f: OpenFirmware, handle: int, name: int, buffer: int, size: int) -> tuple[int, ...]:
    properties, text = f.nodes[handle].properties, f.text(name)
    more = size + (len(text) if text not in properties else -len(properties[text]))
    if size > _MAX_VALUE or more > f.room:
        return (FAILED,)
    properties[text] = f.vm.read(buffer, size)
    f.room -= more
    return (size,)


@service("package-to-path")
def package_to_path(f: OpenFirmware, handle: int, buffer: int, size: int) -> tuple[int, ...]:
    path = f.path(f.nodes[handle]).encode()
    f.vm.write(buffer, (path + b"\0")[:size])
    return (len(path),)


@service("instance-to-path")
def instance_to_path(f: OpenFirmware, instance: int, buffer: int, size: int) -> tuple[int, ...]:
    return package_to_path(f, f.handles[id(f.instances[instance])], buffer, size)


@service("instance-to-package")
def instance_to_package(f: OpenFirmware, instance: int) -> tuple[int, ...]:
    return (f.handles[id(f.instances[instance])],)


@service("canon")
def canon(f: OpenFirmware, path: int, buffer: int, size: int) -> tuple[int, ...]:
    node = f.find(f.text(path))
    return (FAILED,) if node is None else package_to_path(f, f.handles[id(node)], buffer, size)


# -- devices and memory


@service("open")
def open_(f: OpenFirmware, path: int) -> tuple[int, ...]:
    return (f.open(f.text(path)),)


@service("close")
def close(f: OpenFirmware, instance: int) -> tuple[int, ...]:
    f.instances.pop(instance, None)
    return ()


@service("write")
def write(f: OpenFirmware, instance: int, address: int, size: int) -> tuple[int, ...]:
    """To the terminal: the one device that can be written to."""
    if f.instances[instance].properties.get("device_type") != b"serial\0" or size > _MAX_VALUE:
        return (FAILED,)
    f.vm.console.write(f.vm.read(address, size))
    return (size,)


@service("read")
def read(f: OpenFirmware, instance: int, address: int, size: int) -> tuple[int, ...]:
    """From the terminal; -2 if nothing was typed."""
    if f.instances[instance].properties.get("device_type") != b"serial\0":
        return (FAILED,)
    data = f.vm.console.read(min(size, _MAX_VALUE))
    f.vm.write(address, data)
    return (len(data) or FAILED - 1,)


@service("claim")
def claim(f: OpenFirmware, base: int, size: int, align: int) -> tuple[int, ...]:
    return (f.claim(base, size, align),)


@service("release")
def release(f: OpenFirmware, base: int, size: int) -> tuple[int, ...]:
    f.claimed = [c for c in f.claimed if c != (base, base + size)]
    return ()


@service("call-method")
def call_method(f: OpenFirmware, method: int, instance: int, *arguments: int) -> tuple[int, ...]:
    """(0, results of the method) or (-1,) where the device has no such method."""
    name, node = f.text(method), f.instances[instance]
    if name == "ibm,client-architecture-support" and node is f.tree.root and len(arguments) == 1:
        return 0, 0 if supported(f, arguments[0]) and f.vm.negotiate(option_vector(f, arguments[0], 5)) else FAILED
    if name == "instantiate-rtas" and node.name == "rtas" and len(arguments) == 1:
        f.vm.write(arguments[0], RTAS_STUB)
        return 0, arguments[0]
    return (FAILED,)


def processors(f: OpenFirmware, vector: int) -> Iterator[tuple[int, int]]:
    """The client's list of processors (mask, value). The last one's value has a bit that its mask has not."""
    for n in range(64):
        mask, value = struct.unpack(">2I", f.vm.read(vector + 8 * n, 8))
        yield mask, value
        if value & ~mask:
            return


def supported(f: OpenFirmware, vector: int) -> bool:
    """Whether the client's list of processors has this one."""
    return any(f.pvr & mask == value & mask for mask, value in processors(f, vector))


def option_vector(f: OpenFirmware, vector: int, number: int) -> bytes:
    """Option vector `number` (from 1) after the list of processors; its byte 0 stands for the length. Empty if the client gives none."""
    vector += 8 * sum(1 for _ in processors(f, vector))
    vectors = f.vm.read(vector, 1)[0] + 1
    vector += 1
    for n in range(1, vectors + 1):
        length = f.vm.read(vector, 1)[0] + 2
        if n == number:
            return f.vm.read(vector, length)
        vector += length
    return b""


# -- control


@service("milliseconds")
def milliseconds(f: OpenFirmware) -> tuple[int, ...]:
    return (f.vm.timebase() // _TICKS_PER_MS,)


@service("test")
def test(f: OpenFirmware, name: int) -> tuple[int, ...]:
    return (0 if f.text(name) in SERVICES else FAILED,)


@service("quiesce")
def quiesce(f: OpenFirmware) -> tuple[int, ...]:
    """Devices are at rest: the client takes over."""
    return ()


@service("exit")
def exit_(f: OpenFirmware) -> tuple[int, ...]:
    """The client gives up."""
    f.vm.guest_panic("the kernel returned to Open Firmware")
    return ()


@service("boot")
def boot(f: OpenFirmware, arguments: int) -> tuple[int, ...]:
    f.vm.request_reset()
    return ()
