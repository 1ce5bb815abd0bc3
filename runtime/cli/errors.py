"""Exit statuses, and the error a command raises for a mistake in what it was given."""

from __future__ import annotations

BAD, BROKEN, PANICKED, RESTARTED, LATE, INTERRUPTED = 2, 70, 71, 75, 124, 130


class UserError(Exception):
    """One line that says what is wrong with an option or a file, and what would be right."""
