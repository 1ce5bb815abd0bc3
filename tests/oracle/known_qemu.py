"""What random sequences leave out when they are compared with QEMU 7.2, and why.

Two kinds: results that the manual leaves undefined ("boundedly undefined", Book I 1.9.2), where any answer is right, and
QEMU's own errors. The single-instruction sweeps compare many of these as far as they are defined.
"""

from __future__ import annotations

import re

# mnemonic pattern -> reason
LEFT_OUT: dict[str, str] = {
    r"t[wd]i?": "a trap ends the sequence (SIGTRAP)",
    r"div[wd]eu?": "undefined when the quotient overflows (I 3.3.8), which is almost always; QEMU 7.2 misses overflows of divde",
    r"cbcdtd|cdtbcd|addg6s": "defined for decimal digits only (I 3.3.15)",
    r"lmw": "would load r31, which the harness keeps",
    r"lsw[ix]|stswx": "the register count depends on XER, and loads reach r31; an invalid form if RA is in the range (I 3.3.7)",
    r"lq|stq|lqarx|stqcx\.|l[bh]arx|st[bh]cx\.": "QEMU 7.2 serialises quadword reservations; byte and halfword forms: the sweep has them",
    r"fres?|frsqrtes?": "an estimate: any value of the required accuracy (I 4.6.6)",
    r"x[sv]r(sqrt)?e[sd]p|vrefp|vrsqrtefp|vlogefp|vexptefp": "estimates too (I 6.10.5, 7.6.1)",
    r"fctiwu?z?": "bits 0:31 of the result are undefined (I 4.6.7)",
    r"fcti[dw].*|fcfidu?s?": "QEMU 7.2 does not set FPRF; the values are compared by the sweep",
    r"lxsd|lxssp": "doubleword 1 of the VR is undefined (I 7.6.1)",
    r"mtvscr": "QEMU 7.2 keeps reserved bits of VSCR",
    r"xs(add|sub|mul|div|sqrt|n?m(add|sub)[am])sp": "QEMU 7.2 rounds to double precision first (I 7.6.1)",
    r"xvcv[ds]p[su]x[dw]s": "QEMU 7.2: an element that is a NaN spoils those after it (I 7.6.1)",
    r"xscv[su]xdsp": "QEMU 7.2 rounds to double precision first (I 7.6.1)",
    r"xs(max|min)cdp": "QEMU 7.2 gives the first of zeros of unlike sign: x > y ? x : y is the second (I 7.6.1.8 of 3.0)",
    r"xs(max|min)jdp": "QEMU 7.2 does not look at the second operand when the first is a NaN: no VXSNAN for it (I 7.6.1.8 of 3.0)",
    r"xs\w+qpo": "QEMU 7.2 rounds to zero, not to odd, what is below the least denormal (I 7.3.2.6)",
    r"m[tf]fs.*|mcrfs|mtfsb[01]": "FPSCR is kept lazily; the sweep compares what is defined",
    r"lfdpx|stfdpx": "QEMU 7.2 raises SIGILL for them",
    r"mftb|darn": "reads a clock, a random number",
    r"bctar|bcl?r|bcctr|b|bc": "branches are generated apart, so that a sequence ends",
    r"addpcis": "says where it stands",
    # QEMU 7.2: docs/divergences.md, and the sweeps' known errors
    r"vrldmi|bcd.*|vmul10e?c?uq": "QEMU 7.2's own errors, and digits that are none",
    r"vmaddfp|vnmsubfp": "QEMU 7.2 flushes what rounds up to the least normal number under VSCR[NJ] (I 6.3.2)",
    r"xststdcsp": "QEMU 7.2 takes any denormal single for a match (I 7.6.3)",
    r"drdpq|drsp|dctfixq?|denbcdq?|ddedpdq?|diexq?|dscl?r?iq?": "the sweep of tests/decimal compares them",
    r"lfiwzx|ftdiv|ftsqrt|fcpsgn|lfdp.*|stfdp.*": "absent from the 32-bit processor of qemu-ppc (I 1.3.5 categories)",
    r"fsqrts?|fsel": "absent from some 32-bit processors",
}
ONLY_LE = {r"stmw|stswi": "an alignment interrupt in little-endian mode (I 3.3.6, 3.3.7)"}
ONLY_32 = {r"lfiwzx|ftdiv|ftsqrt|fcpsgn|lfdp.*|stfdp.*", r"fsqrts?|fsel"}  # left out in 32-bit runs alone
# high half of the result undefined in 64-bit mode, and so CR0 (I 3.3.8): the sequence clears it, and has no record form
HIGH_UNDEFINED = re.compile(r"mulhwu?|divwu?|mod[su]w")
# doubleword 1 of the result undefined (I 7.6.1): the sequence writes registers of which that is not compared
HALF_UNDEFINED = re.compile(r"lxs.*|mtvsr(d|w[az])|xs(n?abs|neg|cpsgn|iexp)dp")
# QEMU 7.2 negates before it rounds: wrong where RN is 2 or 3 (I 4.6.6.2)
DIRECTED = re.compile(r"(f|x[sv])nm(add|sub).*")
# undefined for a zero divisor, or an overflowing quotient (I 3.3.8): the sequence makes the divisor small and odd
DIVISION = re.compile(r"div[wd]u?|mod[su][wd]")


def left_out(name: str, bits: int, little: bool) -> bool:
    """Whether sequences leave an instruction out."""
    if little and any(re.fullmatch(p, name) for p in ONLY_LE):
        return True
    return any(re.fullmatch(p, name) for p in LEFT_OUT if bits == 32 or p not in ONLY_32)
