"""Special-purpose registers of Book3S-64 up to ISA 3.0, one row each (Book III 4.4.4, and the implementation's own).

Access is written as the manual's table writes it: `u` anyone, `s` privileged state, `h` hypervisor, `-` undefined in this
direction. Problem state never reaches a number with bit 0x10 set: that is the architecture's own privilege bit, checked
before the table. `wide` registers hold 64 bits, the others 32: a write drops the high half, a read gives zeros there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...exits import Exit
from ...ir import ops
from ...ir.builder import Value
from ...ir.types import i1, i8, i32, i64
from ...state import slot
from ..context import PRIVILEGED, Context

Read = Callable[[Context], Value]
Write = Callable[[Context, Value], None]

# Facilities of problem state, as FSCR names them (Book III 6.2.12): bit of FSCR, and cause in FSCR[0:7] of the interrupt
DSCR, PM, TM, EBB, TAR = 2, 3, 5, 7, 8
FACILITY_UNAVAILABLE = 0xF60
MSR_HV, MSR_TM = 60, 32


class Spr(NamedTuple):
    """One number. `read` and `write` are what happens; without one the number is undefined in that direction."""

    number: int
    name: str
    access: str  # who may read, who may write
    read: Read | None
    write: Write | None
    wide: bool = True
    facility: int = -1  # FSCR bit that problem state needs
    sync: bool = False  # a write changes clocks or interrupts: leave, so that the machine looks again
    since: str = "PPC"


SPRS: dict[int, Spr] = {}


def facility_payload(cause: int) -> int:
    """What Exit.FACILITY carries for the facility unavailable interrupt: the vector, and the cause above it (for
    FSCR[0:7])."""
    return FACILITY_UNAVAILABLE | cause << 16


def completed(c: Context) -> Value:
    """Instructions completed before this one."""
    return c.ir.emit(ops.icount, (), imm=c.ir.at)


def time_base(c: Context) -> Value:
    """The time base (Book II 6.1): instructions completed, from an adjustable zero."""
    c.exit_if(c.reg("clock_exits") != 0, Exit.CLOCK)
    return completed(c) + c.reg("tb_offset")


def plain(name: str) -> tuple[Read, Write]:
    """Read and write of a register that is just storage."""
    slot(name)  # a name that does not exist fails here
    return (lambda c: c.reg(name).to(i64)), (lambda c, v: c.set_reg(name, v))


def translating(number: int, name: str) -> Write:
    """A write to a register that address translation or storage protection depends on."""

    def write(c: Context, v: Value) -> None:
        c.set_reg(name, v)
        c.call("translation_changed", number)

    return write


def define(number: int, name: str, access: str, read: Read | None = None, write: Write | None = None, *, held: str = "",
           wide: bool = True, facility: int = -1, sync: bool = False, translates: bool = False,
           since: str = "PPC") -> None:  # fmt: skip
    """One row of the table. `held`: the slot, if it is not called as the register is."""
    if number in SPRS:
        raise ValueError(f"SPR {number} is defined twice")
    if read is None and write is None:
        read, write = plain(held or name.lower())
        if translates:
            write = translating(number, held or name.lower())
    reader, writer = access[0], access[1]
    SPRS[number] = Spr(
        number, name, access, read if reader != "-" else None, write if writer != "-" else None, wide, facility, sync, since
    )


# -- problem state


def read_xer(c: Context) -> Value:
    """XER is kept in pieces; its reserved bits read as zero."""
    xer = (c.so.to(i64) << 31) | (c.ov.to(i64) << 30) | (c.ca.to(i64) << 29) | c.xer_count.to(i64)
    return xer | (c.ov32.to(i64) << 19) | (c.ca32.to(i64) << 18) if c.at_least("3.0") else xer


def write_xer(c: Context, v: Value) -> None:
    """SO, OV, CA and the string count, from ISA 3.0 on OV32 and CA32 too (Book I 3.2.2)."""
    c.so, c.ov, c.ca = ((v >> n).to(i1) for n in (31, 30, 29))
    c.xer_count = (v & 0x7F).to(i8)
    if c.at_least("3.0"):
        c.ov32, c.ca32 = ((v >> n).to(i1) for n in (19, 18))


def write_amr_user(c: Context, v: Value) -> None:
    """Problem state changes the bits that UAMOR allows (Book III 5.7.13.1)."""
    allowed = c.reg("uamor")
    c.set_reg("amr", (c.reg("amr") & ~allowed) | (v & allowed))
    c.call("translation_changed", 13)


def read_high(name: str) -> Read:
    """The high half of a register, in a number of its own."""
    return lambda c: c.reg(name) >> 32


def write_high(name: str) -> Write:
    """Set the high half."""
    return lambda c, v: c.set_reg(name, (c.reg(name) & 0xFFFF_FFFF) | (v << 32))


def change_bits(name: str, shift: int, set_them: bool) -> Write:
    """Set or clear the bits that are 1 in the source (BESCRS and relatives, Book II 7.2)."""

    def write(c: Context, v: Value) -> None:
        old, bits = c.reg(name), v << shift
        c.set_reg(name, old | bits if set_them else old & ~bits)

    return write


define(1, "XER", "uu", read_xer, write_xer)
define(3, "DSCR", "uu", facility=DSCR, since="2.05")
define(8, "LR", "uu")
define(9, "CTR", "uu")
define(13, "AMR", "uu", plain("amr")[0], write_amr_user, since="2.06")
define(128, "TFHAR", "uu", facility=TM, since="2.07")
define(129, "TFIAR", "uu", facility=TM, since="2.07")
define(130, "TEXASR", "uu", facility=TM, since="2.07")
define(131, "TEXASRU", "uu", read_high("texasr"), write_high("texasr"), wide=False, facility=TM, since="2.07")
define(136, "CTRL", "u-", wide=False)
define(256, "VRSAVE", "uu", wide=False)
define(259, "SPRG3", "u-", held="sprg3")
define(268, "TB", "u-", time_base)
define(269, "TBU", "u-", lambda c: time_base(c) >> 32, wide=False)
define(800, "BESCRS", "uu", plain("bescr")[0], change_bits("bescr", 0, True), facility=EBB, since="2.07")
define(801, "BESCRSU", "uu", read_high("bescr"), change_bits("bescr", 32, True), wide=False, facility=EBB, since="2.07")
define(802, "BESCRR", "uu", plain("bescr")[0], change_bits("bescr", 0, False), facility=EBB, since="2.07")
define(803, "BESCRRU", "uu", read_high("bescr"), change_bits("bescr", 32, False), wide=False, facility=EBB, since="2.07")
define(804, "EBBHR", "uu", facility=EBB, since="2.07")
define(805, "EBBRR", "uu", facility=EBB, since="2.07")
define(806, "BESCR", "uu", facility=EBB, since="2.07")
define(815, "TAR", "uu", facility=TAR, since="2.07")
define(896, "PPR", "uu", since="2.06")
define(898, "PPR32", "uu", read_high("ppr"), write_high("ppr"), wide=False, since="2.07")

# -- privileged state


LARGE_DECREMENTER, DECREMENTER_BITS = 17, 56  # bit of LPCR (LD), and how many bits a large decrementer has


def decrementer_value(c: Context, v: Value) -> Value:
    """A number as a decrementer holds it: 32 bits with a sign, of which mfspr shows no more; from ISA 3.0 on, where LPCR[LD] is 1,
    DECREMENTER_BITS with a sign that mfspr extends (Book III 7.3)."""
    small = v.to(i32).to(i64)
    if not c.at_least("3.0"):
        return small
    unused = 64 - DECREMENTER_BITS
    return ops.select((c.reg("lpcr") >> LARGE_DECREMENTER).to(i1), ops.sar(v << unused, unused), small)


def read_decrementer(expiry: str) -> Read:
    """A decrementer is the distance from the time base to its expiry."""
    return lambda c: decrementer_value(c, c.reg(expiry) - time_base(c))


def write_decrementer(expiry: str) -> Write:
    """A negative value has expired already, and asks for the interrupt at once."""

    def write(c: Context, v: Value) -> None:
        signed = v.to(i32).to(i64, signed=True)
        if c.at_least("3.0"):
            signed = ops.select((c.reg("lpcr") >> LARGE_DECREMENTER).to(i1), decrementer_value(c, v), signed)
        c.set_reg(expiry, time_base(c) + signed)

    return write


def read_count(name: str) -> Read:
    """A register that counts with the time base, from a zero of its own (PURR, SPURR, VTB)."""
    return lambda c: time_base(c) + c.reg(name)


def write_count(name: str) -> Write:
    """Set such a register."""
    return lambda c, v: c.set_reg(name, v - time_base(c))


def write_tb_low(c: Context, v: Value) -> None:
    """TBL: the low half of the time base (Book III 7.2.1)."""
    c.set_reg("tb_offset", ((time_base(c) >> 32 << 32) | (v & 0xFFFF_FFFF)) - completed(c))


def write_tb_high(c: Context, v: Value) -> None:
    """TBU: the high half."""
    c.set_reg("tb_offset", ((time_base(c) & 0xFFFF_FFFF) | (v << 32)) - completed(c))


def write_tb40(c: Context, v: Value) -> None:
    """TBU40: the upper 40 bits (Book III 7.2.1)."""
    c.set_reg("tb_offset", ((time_base(c) & 0xFF_FFFF) | (v >> 24 << 24)) - completed(c))


define(17, "DSCR", "ss", since="2.06")
define(18, "DSISR", "ss", wide=False)
define(19, "DAR", "ss")
define(22, "DEC", "ss", read_decrementer("dec_expiry"), write_decrementer("dec_expiry"), sync=True)
define(26, "SRR0", "ss")
define(27, "SRR1", "ss")
define(28, "CFAR", "ss", since="2.05")
define(29, "AMR", "ss", translates=True, since="2.05")
define(31, "ACOP", "ss", since="2.06")
define(48, "PID", "ss", wide=False, translates=True, since="2.06")
define(61, "IAMR", "ss", translates=True, since="2.07")
define(152, "CTRL", "-s", wide=False)
define(153, "FSCR", "ss", since="2.07")
define(157, "UAMOR", "ss", since="2.06")
define(159, "PSPB", "ss", wide=False, since="2.07")
define(176, "DPDES", "sh", since="2.07")
for _n in range(4):
    define(272 + _n, f"SPRG{_n}", "ss")
define(287, "PVR", "s-", wide=False)
define(308, "SPURR", "sh", read_count("spurr"), write_count("spurr"), since="2.05")
define(309, "PURR", "sh", read_count("purr"), write_count("purr"), since="2.03")
define(446, "TIR", "s-", since="2.07")
define(848, "IC", "sh", lambda c: completed(c) + c.reg("ic"), lambda c, v: c.set_reg("ic", v - completed(c)), since="2.07")
define(849, "VTB", "sh", read_count("vtb"), write_count("vtb"), since="2.07")
for _n in range(3):  # trigger registers: something outside the processor may watch them; nothing here does
    define(880 + _n, f"TRIG{_n}", "-s", write=lambda c, v: None, since="2.07")
define(888, "TACR", "ss", since="2.07")
define(889, "TCSCR", "ss", since="2.07")
define(890, "CSIGR", "ss", since="2.07")
define(895, "WORT", "ss", since="2.07")
define(1023, "PIR", "s-", wide=False)
define(144, "TIDR", "ss", since="3.0")
define(823, "PSSCR", "ss", since="3.0")

# -- performance monitor: the same registers twice, number + 16 for privileged state (Book III 9.4)

for _number, _name, _wide, _user in (
    (768, "SIER", True, "u-"),
    (769, "MMCR2", True, "uu"),
    (770, "MMCRA", True, "uu"),
    *((770 + n, f"PMC{n}", False, "uu") for n in range(1, 7)),
    (779, "MMCR0", False, "uu"),
    (780, "SIAR", True, "u-"),
    (781, "SDAR", True, "u-"),
    (782, "MMCR1", True, "u-"),
):
    _slot = f"pmc{int(_name[3]) - 1}" if _name.startswith("PMC") else _name.lower()
    define(_number, _name, _user, held=_slot, wide=_wide, facility=PM, since="2.07")
    define(_number + 16, _name, "ss", held=_slot, wide=_wide, since="2.07")
define(894, "MMCRS", "ss", wide=False, since="2.07")

# -- hypervisor: a guest, which runs with MSR[HV] = 0, gets the privileged-instruction interrupt

define(25, "SDR1", "hh", translates=True)
define(180, "DAWR0", "hh", translates=True, since="2.07")
define(187, "CIABR", "hh", translates=True, since="2.07")
define(188, "DAWRX0", "hh", wide=False, translates=True, since="2.07")
define(190, "HFSCR", "hh", since="2.07")
define(284, "TBL", "-h", write=write_tb_low, wide=False, sync=True)
define(285, "TBU", "-h", write=write_tb_high, wide=False, sync=True)
define(286, "TBU40", "-h", write=write_tb40, sync=True, since="2.05")
define(304, "HSPRG0", "hh", held="hsprg0")
define(305, "HSPRG1", "hh", held="hsprg1")
define(306, "HDSISR", "hh", wide=False)
define(307, "HDAR", "hh")
define(310, "HDEC", "hh", read_decrementer("hdec_expiry"), write_decrementer("hdec_expiry"), sync=True)
define(312, "RMOR", "hh", translates=True)
define(313, "HRMOR", "hh", translates=True)
define(314, "HSRR0", "hh")
define(315, "HSRR1", "hh")
define(318, "LPCR", "hh", translates=True, sync=True)
define(319, "LPIDR", "hh", wide=False, translates=True)
define(336, "HMER", "hh", plain("hmer")[0], lambda c, v: c.set_reg("hmer", c.reg("hmer") & v))  # a 0 clears the bit: 6.2.9
define(337, "HMEER", "hh")
define(338, "PCR", "hh", since="2.06")
define(339, "HEIR", "hh", wide=False, since="2.07")
define(349, "AMOR", "hh", translates=True, since="2.05")
define(464, "PTCR", "hh", translates=True, since="3.0")
define(816, "ASDR", "hh", since="3.0")
define(855, "PSSCR", "hh", since="3.0")
define(921, "TSCR", "hh", wide=False)
define(1008, "HID0", "hh", held="hid0")
define(1009, "HID1", "hh", held="hid1")
define(1012, "HID4", "hh", held="hid4")
define(1013, "DABR", "hh", translates=True)
define(1014, "HID5", "hh", held="hid5")
define(1015, "DABRX", "hh", translates=True)


# -- access, as mfspr and mtspr share it


def hypervisor_only(c: Context) -> None:
    """Outside hypervisor state a hypervisor resource raises the privileged-instruction interrupt (Book III 4.4.4)."""
    c.exit_if(~(c.msr >> MSR_HV).to(i1), Exit.PROGRAM, PRIVILEGED)


def check(c: Context, spr: Spr, write: bool) -> bool:
    """Whether translation goes on: privilege was dealt with before, hypervisor state and facilities are here."""
    if spr.access[write] == "h":
        hypervisor_only(c)
    if spr.facility == TM:  # in every state
        c.exit_if(~(c.msr >> MSR_TM).to(i1), Exit.FACILITY, facility_payload(TM))
    elif spr.facility == PM:
        # MMCR0[PMCC] = 0b00, the only setting provided for: problem state reads, and a write is illegal (9.4.4)
        if write and c.pr:
            c.illegal()
            return False
    elif spr.facility >= 0 and c.pr:
        c.exit_if(~(c.reg("fscr") >> spr.facility).to(i1), Exit.FACILITY, facility_payload(spr.facility))
    return True


def read(c: Context, spr: Spr) -> Value:
    """The register's value, in 64 bits."""
    assert spr.read is not None
    v = spr.read(c)
    return v if spr.wide else v & 0xFFFF_FFFF


def write(c: Context, spr: Spr, v: Value) -> None:
    """Set the register."""
    assert spr.write is not None
    spr.write(c, v if spr.wide else v & 0xFFFF_FFFF)
    if spr.sync:
        c.leave(Exit.SYNC, after=True)
