"""The table of interrupt sources that compiled code and Python share: which doubleword of a source is what."""

from __future__ import annotations

from typing import Final

IPI_NUMBER: Final = 2  # of XICS: the one that every server has
MASKED_PRIORITY: Final = 0xFF

# XICS (runtime/devices/xics.py)
NUMBER, LEVEL, SERVER, PRIORITY, SAVED_PRIORITY, ASSERTED, WAITING, PRESENTED = range(8)
SOURCE_WORDS: Final = 8
SOURCE_BYTES: Final = 8 * SOURCE_WORDS
