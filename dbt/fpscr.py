"""Floating point's shared vocabulary: FPSCR bits, and a number for each operation (Book I 4.2.2, 4.4, 4.6).

Front end, compiled helpers and tests read these; nothing else about floating point is written in two places.
"""

from __future__ import annotations

# FPSCR (Book I 4.2.2), as bits of the 64-bit register
FX, FEX, VX, OX, UX, ZX, XX = (1 << n for n in (31, 30, 29, 28, 27, 26, 25))
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXVC = (1 << n for n in (24, 23, 22, 21, 20, 19))
FR, FI = 1 << 18, 1 << 17
FPRF, FPCC = 0x1F000, 0xF000
VXSOFT, VXSQRT, VXCVI = 1 << 10, 1 << 9, 1 << 8
VE, OE, UE, ZE, XE, NI, RN = 0x80, 0x40, 0x20, 0x10, 8, 4, 3
DRN = 0x7 << 32
INVALID = VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI
STICKY = OX | UX | ZX | XX | INVALID  # setting one of them sets FX
ENABLES = VE | OE | UE | ZE | XE
UNUSUAL = ENABLES | RN  # with any of these the exact path computes; NI is ignored, as POWER7 and later do
IMPLEMENTED = 0xFFFF_F7FF | DRN  # bit 52 is reserved
FP_ENABLED = 0x0010_0000  # SRR1 of the program interrupt
FE = 0x900  # MSR[FE0], MSR[FE1]: any of them means precise

# x86's MXCSR
MXCSR_DEFAULT = 0x1F80  # everything masked, to nearest, denormals are numbers
MXCSR_ZE, MXCSR_OE, MXCSR_UE, MXCSR_PE = 4, 8, 16, 32
MXCSR_FLAGS = 0x3F

SIGN, INFINITY, QUIET = 1 << 63, 0x7FF << 52, 1 << 51
DEFAULT_NAN = INFINITY | QUIET
SINGLE_BITS = 0xFFFF_FFFF_E000_0000  # the bits of a double that a single has too

# Operations. fp_op remembers the last one with its operands: FPRF, FR and FI are worked out when they are read.
HELD = 0  # nothing remembered: FPSCR holds them
ADD, SUB, MUL, DIV, SQRT, MADD, MSUB, NMADD, NMSUB, RE, RSQRTE, RSP = range(1, 13)
FROM_S64, FROM_U64 = 13, 14
TO_S64, TO_U64, TO_S32, TO_U32 = 15, 16, 17, 18
RIN, RIZ, RIP, RIM, RIC = 19, 20, 21, 22, 23
RHP, WIDEN = 24, 25  # to a half; from a shorter format, which the operand has been widened from
CMPU, CMPO = 26, 27
MAX, MIN, MAXC, MINC, MAXJ, MINJ = 28, 29, 30, 31, 32, 33  # these, and masks of truth: neither FPRF nor FR and FI
EQ, GT, GE = 34, 35, 36
FROM_DOUBLE, TO_DOUBLE, TO_EXTENDED, TO_INTEGRAL = 37, 38, 39, 40  # of quads: frontend/isa/vsx_quad.py
TRUNCATE = 0x40  # with TO_*: towards zero whatever RN says
SINGLE = 0x80  # the result is rounded to single precision
ODD, INEXACT = 0x40, 0x80  # of quads: round to odd; TO_INTEGRAL that tells whether it was inexact
# Where an instruction's operands are: with the operation in what Exit.FLOAT carries, never in fp_op
FORM = 0xFFF00
CLASSIC = 0  # FRA, FRB, FRC to FRT
VSX = 0x100  # XA, XB to XT; XB is also the factor
ADDEND = 0x200  # XT = XA * XB + XT
FACTOR = 0x300  # XT = XA * XT + XB
VECTOR = 0x1000  # with one of these: doubles in every lane, or singles (SINGLE); else doubleword 0
# Elements that are no doublewords (frontend/isa/vsx_convert.py)
FROM_WORD, FROM_HALF, TO_WORD, TO_HALF = 0x10000, 0x20000, 0x40000, 0x80000
# beside the operation in fp_op: FPCC was set by a comparison since
COMPARED, CC_SHIFT = 0x1000, 8
