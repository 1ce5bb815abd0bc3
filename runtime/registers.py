"""Registers of a vCPU, and fields of the machine record, by name for Python: plain ints."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, MutableSequence
from typing import Any

from dbt import shared
from dbt.backend.objects import view_memory
from dbt.state import JUMP_CACHE, SLOTS, Slot, slot

_C: dict[int, Any] = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}


# name -> (C type, offset), for the single registers: exits read and write dozens of them
_SCALARS: dict[str, tuple[Any, int]] = {n: (_C[s.type.bits], s.offset) for n, s in SLOTS.items() if s.count == 1 and s.type.bits <= 64}


def read(address: int, s: Slot) -> int:
    """The register `s` of the record at a host address."""
    if s.type.bits == 128:
        return int.from_bytes(ctypes.string_at(address + s.offset, 16), "little")
    return int(_C[s.type.bits].from_address(address + s.offset).value)


def write(address: int, s: Slot, value: int) -> None:
    """Set it; a value that is too wide is cut."""
    value &= s.type.mask
    if s.type.bits == 128:
        ctypes.memmove(address + s.offset, value.to_bytes(16, "little"), 16)
    else:
        _C[s.type.bits].from_address(address + s.offset).value = value


def cell(address: int, name: str) -> Any:
    """A scalar register of the record at a host address as a C number: its `value` costs a tenth of an attribute."""
    found = slot(name)
    return _C[found.type.bits].from_address(address + found.offset)


def views(address: int) -> tuple[memoryview, memoryview, memoryview]:
    """The registers of the record at a host address as doublewords, as words and as bytes: indexed by offset / 8, / 4 and / 1."""
    record = view_memory(address, JUMP_CACHE)
    return record.cast("Q"), record.cast("I"), record


class MachineRecord:
    """The machine record at a host address: `record["ram_size"]`. KeyError for a field there is not."""

    def __init__(self, address: int) -> None:
        self._address = address

    def cell(self, name: str) -> Any:
        """A field as a C number."""
        return ctypes.c_uint64.from_address(self._address + shared.OFFSETS[name])

    def __getitem__(self, name: str) -> int:
        return int(self.cell(name).value)

    def __setitem__(self, name: str, value: int) -> None:
        self.cell(name).value = value


class Bank(MutableSequence[int]):
    """A register file: `vcpu.gpr[3]`."""

    def __init__(self, address: int, name: str) -> None:
        self._address, self._slot = address, SLOTS[name]
        made = _C.get(self._slot.type.bits)  # hypercalls read and write many of these
        places = range(address + self._slot.offset, address + self._slot.offset + self._slot.count * self._slot.stride, self._slot.stride)
        self._cells = [] if made is None else [made.from_address(place) for place in places]

    def __len__(self) -> int:
        return self._slot.count

    def __getitem__(self, i: Any) -> Any:
        if type(i) is int and i >= 0 and self._cells:
            return self._cells[i].value
        if isinstance(i, slice):
            return [self[n] for n in range(*i.indices(len(self)))]
        return read(self._address, self._slot.element(i))

    def __setitem__(self, i: Any, value: Any) -> None:
        if self._cells and i >= 0:
            self._cells[i].value = int(value)  # what is too wide is cut
            return
        write(self._address, self._slot.element(i), int(value))

    def __iter__(self) -> Iterator[int]:
        return (self[i] for i in range(len(self)))

    def insert(self, index: int, value: int) -> None:
        """A register file has a fixed size: TypeError."""
        raise TypeError("registers cannot be inserted")

    def __delitem__(self, i: Any) -> None:
        raise TypeError("registers cannot be deleted")


class Registers:
    """Attribute access to the scalar registers of a record: `vcpu.lr`, `vcpu.msr`; `vcpu["gpr3"]` by any name."""

    _address: int

    def __getattr__(self, name: str) -> Any:
        found = SLOTS.get(name)
        if found is None or "_address" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no register or attribute {name!r}")
        if name == "fpscr":
            self.settle_fpscr()
        if found.count > 1:
            bank = self.__dict__[name] = Bank(self._address, name)
            return bank
        return read(self._address, found)

    def settle_fpscr(self) -> None:
        """Bring FPSCR up to date: a vCPU keeps it lazily."""

    def __setattr__(self, name: str, value: Any) -> None:
        found = SLOTS.get(name)
        if name == "fpscr":
            self.settle_fpscr()
        if found is None or found.count > 1:
            object.__setattr__(self, name, value)
        else:
            write(self._address, found, value)

    def __getitem__(self, name: str) -> int:
        """A register by name, "gpr3", "srr0", also "cr" and "xer" as the architecture packs them. KeyError if there is none."""
        if name == "cr":
            return sum(read(self._address, slot(f"cr{i}")) << (28 - 4 * i) for i in range(8))
        if name == "xer":
            bits = self["so"] << 31 | self["ov"] << 30 | self["ca"] << 29
            return bits | self["ov32"] << 19 | self["ca32"] << 18 | self["xer_count"]
        if name == "pc":
            name = "nia"
        if name == "fpscr":
            self.settle_fpscr()
        return read(self._address, slot(name))

    def __setitem__(self, name: str, value: int) -> None:
        if name == "cr":
            for i in range(8):
                write(self._address, slot(f"cr{i}"), value >> (28 - 4 * i) & 15)
        elif name == "xer":
            for part, shift in (("so", 31), ("ov", 30), ("ca", 29), ("ov32", 19), ("ca32", 18)):
                write(self._address, slot(part), value >> shift & 1)
            write(self._address, slot("xer_count"), value & 0x7F)
        else:
            if name == "fpscr":
                self.settle_fpscr()
            write(self._address, slot("nia" if name == "pc" else name), value)
