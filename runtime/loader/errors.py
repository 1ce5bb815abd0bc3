"""The one error every loader raises."""

from __future__ import annotations


class LoadError(Exception):
    """A file given by the user cannot be used.

    `str()` of it is one line that names the file and what is wrong with it: the command line prints exactly
    that.
    """

    def __init__(self, source: object, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = str(source)
        self.problem = problem
