"""Flattened device trees: build, serialise, parse, print.

Source: Devicetree Specification v0.4, chapter 5 (DTB format version 17); chapter 6 (source format, for
`to_dts`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from runtime.loader.errors import LoadError

MAGIC: Final = 0xD00DFEED
VERSION: Final = 17
LAST_COMPATIBLE: Final = 16

_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9
_HEADER = struct.Struct(">10I")
_U32 = struct.Struct(">I")

# Real trees are a few levels deep and smaller than the 2 MB Linux accepts; the limits bound hostile files.
_MAX_DEPTH = 64
_MAX_BYTES = 16 << 20

Value = None | bytes | str | int | Sequence[int] | Sequence[str]


def encode(value: Value) -> bytes:
    """A property's bytes: None is empty, an int one 32-bit cell, a str NUL-terminated, sequences of either
    joined.

    Raises ValueError for a cell outside 0..2**32-1 (use `cells64`) or a string that contains NUL.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int | str):
        return _encode_one(value)
    return b"".join(_encode_one(item) for item in value)


def _encode_one(item: int | str) -> bytes:
    if isinstance(item, str):
        raw = item.encode("utf-8")
        if b"\0" in raw:
            raise ValueError(f"a device tree string cannot contain NUL: {item!r}")
        return raw + b"\0"
    if not 0 <= item <= 0xFFFFFFFF:
        raise ValueError(f"{item:#x} does not fit a 32-bit device tree cell")
    return _U32.pack(item)


def cells64(*values: int) -> list[int]:
    """64-bit numbers as pairs of cells, high part first."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFFFFFF)]


@dataclass
class Node:
    """A node; properties and children keep the order in which they were added, so that output is
    deterministic."""

    name: str
    properties: dict[str, bytes] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def set(self, name: str, value: Value = None) -> None:
        """Add or replace a property; see `encode` for the types of values."""
        self.properties[name] = encode(value)

    def add(self, name: str, **properties: Value) -> Node:
        """Add a child with these properties and return it. Raises ValueError if there is a child of that
        name."""
        if any(child.name == name for child in self.children):
            raise ValueError(f"node {self.name or '/'} already has a child {name}")
        child = Node(name)
        for key, value in properties.items():
            child.set(key, value)
        self.children.append(child)
        return child

    def __getitem__(self, path: str) -> Node:
        """The node at `path` below this one ("cpus/PowerPC,POWER8@0"). Raises KeyError."""
        node = self
        for part in path.strip("/").split("/"):
            if part:
                found = next((child for child in node.children if child.name == part), None)
                if found is None:
                    raise KeyError(path)
                node = found
        return node

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def cells(self, name: str) -> tuple[int, ...]:
        """A property as 32-bit cells. Raises KeyError (absent) or ValueError (not a multiple of 4 bytes
        long)."""
        raw = self.properties[name]
        if len(raw) % 4:
            raise ValueError(f"property {name} has {len(raw)} bytes: not cells")
        return struct.unpack(f">{len(raw) // 4}I", raw)

    def strings(self, name: str) -> tuple[str, ...]:
        """A property as a list of strings. Raises KeyError (absent) or ValueError (not NUL-terminated
        text)."""
        raw = self.properties[name]
        if not raw.endswith(b"\0"):
            raise ValueError(f"property {name} is not text")
        return tuple(part.decode("utf-8") for part in raw[:-1].split(b"\0"))


@dataclass
class Tree:
    """A whole device tree: the root (its name is empty), memory reservations (address, size) and the boot
    CPU."""

    root: Node = field(default_factory=lambda: Node(""))
    reservations: list[tuple[int, int]] = field(default_factory=list)
    boot_cpu: int = 0

    def phandle(self, node: Node) -> int:
        """The node's phandle, given out in the order of asking (1, 2, ...) unless it has one."""
        if "phandle" not in node.properties:
            used = [n.cells("phandle")[0] for n in self.root.walk() if "phandle" in n.properties]
            node.set("phandle", max(used, default=0) + 1)
        return node.cells("phandle")[0]

    def to_dtb(self) -> bytes:
        """The flattened tree (version 17)."""
        strings = _Strings()
        body = bytearray()
        _flatten(self.root, body, strings)
        body += _U32.pack(_END)
        reserved = b"".join(struct.pack(">QQ", *entry) for entry in (*self.reservations, (0, 0)))
        # The header's 40 bytes and the 16-byte reservations keep each block aligned as section 5.6 asks.
        structure = _HEADER.size + len(reserved)
        text = structure + len(body)
        total = text + len(strings.data)
        header = _HEADER.pack(
            MAGIC, total, structure, text, _HEADER.size, VERSION, LAST_COMPATIBLE,
            self.boot_cpu, len(strings.data), len(body),
        )  # fmt: skip
        return header + reserved + bytes(body) + bytes(strings.data)

    def to_dts(self) -> str:
        """The tree in source form, as `dtc` would accept it."""
        lines = ["/dts-v1/;"]
        lines += [f"/memreserve/ {address:#x} {size:#x};" for address, size in self.reservations]
        _print(self.root, lines, "")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_dtb(cls, data: bytes, source: object = "device tree") -> Tree:
        """Parse a flattened tree (any version compatible with 16 or 17). Raises LoadError naming `source`."""
        try:
            return _Parser(data).parse(cls)
        except (struct.error, UnicodeDecodeError):
            problem = "damaged device tree: it ends too early or has unreadable names"
            raise LoadError(source, problem) from None
        except _DamagedError as error:
            raise LoadError(source, f"damaged device tree: {error}") from None


class _Strings:
    """The strings block: every property name once, in order of first use."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._offsets: dict[str, int] = {}

    def offset(self, name: str) -> int:
        if name not in self._offsets:
            self._offsets[name] = len(self.data)
            self.data += name.encode("ascii") + b"\0"
        return self._offsets[name]


def _pad(body: bytearray) -> None:
    body += bytes(-len(body) % 4)


def _flatten(node: Node, body: bytearray, strings: _Strings) -> None:
    body += _U32.pack(_BEGIN_NODE) + node.name.encode("ascii") + b"\0"
    _pad(body)
    for name, value in node.properties.items():
        body += struct.pack(">III", _PROP, len(value), strings.offset(name)) + value
        _pad(body)
    for child in node.children:
        _flatten(child, body, strings)
    body += _U32.pack(_END_NODE)


class _DamagedError(Exception):
    """What is wrong with a flattened tree."""


class _Parser:
    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size or _U32.unpack_from(data)[0] != MAGIC:
            raise _DamagedError("not a flattened device tree (wrong magic number)")
        _, total, structure, strings, reserved, version, *rest = _HEADER.unpack_from(data)
        compatible, boot_cpu, size_strings, size_structure = rest
        if total > len(data):
            raise _DamagedError(f"{total} bytes by its header, but only {len(data)} are there")
        if total > _MAX_BYTES:
            raise _DamagedError(f"{total} bytes are more than the {_MAX_BYTES} accepted")
        if version < LAST_COMPATIBLE or compatible > VERSION:
            raise _DamagedError(f"version {version} is not supported")
        if version < VERSION:  # Version 16 does not say how long the structure is.
            size_structure = max(total - structure, 0)
        if structure % 4 or structure + size_structure > total or strings + size_strings > total:
            raise _DamagedError("a block is outside the tree")
        self._structure = data[structure : structure + size_structure]
        self._names = data[strings : strings + size_strings]
        self._reserved = data[reserved:total]
        self._boot_cpu = boot_cpu
        self._at = 0

    def parse(self, cls: type[Tree]) -> Tree:
        root = self._tree()
        return cls(root, list(self._reservations()), self._boot_cpu)

    def _reservations(self) -> Iterator[tuple[int, int]]:
        at = 0
        while (entry := struct.unpack_from(">QQ", self._reserved, at)) != (0, 0):
            yield entry[0], entry[1]
            at += 16

    def _tree(self) -> Node:
        stack: list[Node] = []
        while True:
            token = self._word()
            if token == _BEGIN_NODE:
                node = Node(self._name())
                if len(stack) == _MAX_DEPTH:
                    raise _DamagedError(f"nodes nest deeper than {_MAX_DEPTH}")
                if stack:
                    stack[-1].children.append(node)
                elif node.name:
                    raise _DamagedError(f"the root node has a name ({node.name!r})")
                stack.append(node)
            elif token == _PROP and stack:
                self._property(stack[-1])
            elif token == _END_NODE and stack:
                done = stack.pop()
                if len({child.name for child in done.children}) != len(done.children):
                    raise _DamagedError(f"node {done.name or '/'} has two children of one name")
                if not stack:
                    return self._end(done)
            elif token != _NOP:
                raise _DamagedError(f"unexpected token {token:#x} at offset {self._at - 4:#x}")

    def _end(self, root: Node) -> Node:
        while (token := self._word()) == _NOP:
            pass
        if token != _END:
            raise _DamagedError(f"token {token:#x} after the root node")
        return root

    def _property(self, node: Node) -> None:
        length, offset = self._word(), self._word()
        end = self._names.find(b"\0", offset)
        if offset >= len(self._names) or end < 0:
            raise _DamagedError(f"a property's name is outside the strings (offset {offset:#x})")
        name = self._names[offset:end].decode("ascii")
        if name in node.properties:
            raise _DamagedError(f"node {node.name or '/'} has two properties {name}")
        if self._at + length > len(self._structure):
            raise _DamagedError(f"property {name} is longer than the tree")
        node.properties[name] = self._structure[self._at : self._at + length]
        self._at += length + -length % 4

    def _name(self) -> str:
        end = self._structure.find(b"\0", self._at)
        if end < 0:
            raise _DamagedError("a node's name does not end")
        name = self._structure[self._at : end].decode("ascii")
        self._at = end + 1 + -(end + 1) % 4
        return name

    def _word(self) -> int:
        value: int = _U32.unpack_from(self._structure, self._at)[0]
        self._at += 4
        return value


def _print(node: Node, lines: list[str], indent: str) -> None:
    lines.append(f"{indent}{node.name or '/'} {{")
    inner = indent + "\t"
    for name, value in node.properties.items():
        lines.append(f"{inner}{name} = {_source(value)};" if value else f"{inner}{name};")
    for child in node.children:
        _print(child, lines, inner)
    lines.append(f"{indent}}};")


def _source(value: bytes) -> str:
    """A property's value as text: strings if it reads as such, else cells, else bytes (the file has no
    types)."""
    if value.endswith(b"\0"):
        parts = value[:-1].split(b"\0")
        if all(part and all(32 <= byte < 127 for byte in part) for part in parts):
            quoted = (part.decode("ascii").replace("\\", "\\\\").replace('"', '\\"') for part in parts)
            return ", ".join(f'"{text}"' for text in quoted)
    if len(value) % 4 == 0:
        return "<" + " ".join(f"{cell:#x}" for (cell,) in _U32.iter_unpack(value)) + ">"
    return "[" + value.hex(" ") + "]"
