"""Tables of the interrupt controllers that compiled code and Python share: which doubleword of an entry is what."""

from __future__ import annotations

from typing import Final

SOURCE_WORDS: Final = 8
SOURCE_BYTES: Final = 8 * SOURCE_WORDS

# XICS (xics.py)
IPI_NUMBER: Final = 2  # the one that every server has
MASKED_PRIORITY: Final = 0xFF
NUMBER, LEVEL, SERVER, PRIORITY, SAVED_PRIORITY, ASSERTED, WAITING, PRESENTED = range(8)

# XIVE (xive.py): a source by its logical number. PQ are its event state buffer's two bits, EISN what it puts into the queue of the server
# and priority that it goes to. Sources that nothing raises have VALID 0.
PQ, LSI, XIVE_SERVER, XIVE_PRIORITY, EISN, LINE, VALID, MASKED = range(8)
# An event queue: real address, log2 of its bytes (0: none), place of the next event, generation bit, whether it is enabled, whether each event
# notifies, and its own PQ if not.
QUEUE, QUEUE_LOG2, QUEUE_INDEX, GENERATION, ENABLED, NOTIFY_ALWAYS, QUEUE_PQ = range(7)
PRIORITIES: Final = 8  # of which a partition may use those below RESERVED
RESERVED: Final = 7
PQ_RESET, PQ_OFF, PQ_PENDING, PQ_QUEUED = range(4)

# Real addresses (those of QEMU's pseries machine) and their pages of 64 KiB. Sources have a page to trigger and one to manage each; the
# queues follow, whose second page would be for escalations.
PAGE_SHIFT: Final = 16
ESB_BASE: Final = 0x0006_0100_0000_0000
TIMA_BASE: Final = 0x0006_0302_0318_0000
TIMA_END: Final = TIMA_BASE + (4 << PAGE_SHIFT)
TIMA_USER, TIMA_OS = TIMA_BASE + (3 << PAGE_SHIFT), TIMA_BASE + (2 << PAGE_SHIFT)
XIVE_SOURCES: Final = 0x1200
END_BASE: Final = ESB_BASE + (XIVE_SOURCES << PAGE_SHIFT + 1)
NO_ACCESS: Final = (1 << 64) - 1  # what compiled code says of an access that a page does not have
