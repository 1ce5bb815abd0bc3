"""The Debian root file system, for tests."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from guests.packages import FetchError
from guests.rootfs import rootfs


@lru_cache(maxsize=1)
def _found() -> Path | str:
    try:
        return rootfs()
    except FetchError as e:
        return str(e)


def debian() -> Path:
    """Its place; fetched first if need be. Skips the test if it cannot be."""
    found = _found()
    if isinstance(found, str):
        pytest.skip(found)
    return found
