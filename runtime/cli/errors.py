"""Exit statuses, and the error a command raises for a mistake in what it was given."""

from __future__ import annotations

BAD, BROKEN, LATE, INTERRUPTED = 2, 70, 124, 130


class UserError(Exception):
    """One line that says what is wrong with an option or a file, and what would be right."""
