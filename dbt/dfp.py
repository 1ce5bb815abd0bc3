"""Decimal floating point's shared vocabulary: a number for each operation (Book I 5.6), and the formats' dimensions.

Front end, compiled helpers and tests read these.
"""

from __future__ import annotations

# Operations with a result
ADD, SUB, MUL, DIV = 1, 2, 3, 4
QUANTIZE, QUANTIZE_IMMEDIATE, REROUND, INTEGRAL_INEXACT, INTEGRAL = 5, 6, 7, 8, 9
WIDEN, NARROW, FROM_FIXED, TO_FIXED = 10, 11, 12, 13
# those from here on leave FPSCR alone, but for ENCODE
ENCODE, DECODE, EXTRACT_EXPONENT, INSERT_EXPONENT, SHIFT_LEFT, SHIFT_RIGHT = 16, 17, 18, 19, 20, 21
# Tests, whose result is a CR field
COMPARE_UNORDERED, COMPARE_ORDERED, TEST_CLASS, TEST_GROUP, TEST_EXPONENT = 1, 2, 3, 4, 5
TEST_SIGNIFICANCE, TEST_SIGNIFICANCE_IMMEDIATE = 6, 7

# A format is known by its number of declets, the groups of three digits of its trailing significand
SHORT, LONG, QUAD = 2, 5, 11
BIAS = {SHORT: 101, LONG: 398, QUAD: 6176}
CONTINUATION = {SHORT: 6, LONG: 8, QUAD: 12}  # bits of the combination field beside the five that say most

# Kinds of datum
FINITE, INFINITE, QUIET_NAN, SIGNALLING_NAN = 0, 1, 2, 3

# Rounding modes, as FPSCR[DRN]
NEAREST_EVEN, TO_ZERO, UPWARD, DOWNWARD, NEAREST_AWAY, NEAREST_TO_ZERO, AWAY, PREPARE_SHORTER = range(8)
