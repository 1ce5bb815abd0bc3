"""Why a vCPU does not run: values of its `halted` field. 0 is running."""

from __future__ import annotations

from typing import Final

CEDED: Final = 1  # until an interrupt is pending (H_CEDE)
STOPPED: Final = 2  # until another vCPU starts it (RTAS stop-self, start-cpu)
