"""Progress on a terminal and elsewhere; the bar goes away whatever happens."""

from __future__ import annotations

import pytest

from .test_terminal import Session

REPORT = """
import sys
from runtime.cli import main, progress, run
def work(options):
    progress.compiling("handlers: reading", 0, 2)
    progress.compiling("handlers: reading", 1, 2)
    if options.program == "fail":
        raise ValueError("broken")
    if options.program == "stop":
        raise KeyboardInterrupt
    progress.compiling("handlers", 2, 2)
    return 0
run.run = work
sys.exit(main(["run", sys.argv[1]]))
"""


@pytest.mark.parametrize(("how", "status", "text"), [("well", 0, b"compiled the handlers in 0 s"), ("fail", 2, b"ppcdbt: broken"), ("stop", 130, b"interrupted")])
def test_the_cursor_comes_back(how: str, status: int, text: bytes) -> None:
    s = Session("-c", REPORT, how)
    try:
        s.until(text)
        s.until(b"\x1b[?25h")  # the cursor is shown again
        assert s.end() == status and s.output.count(b"\x1b[?25l") == s.output.count(b"\x1b[?25h")
    finally:
        s.close()
