"""What tests of Debian's kernel share."""

from __future__ import annotations

from pathlib import Path

import pytest

from guests import debian
from guests.fetch import FetchError


@pytest.fixture(scope="session")
def files() -> tuple[Path, Path]:
    """Kernel and busybox; skips where they cannot be downloaded."""
    try:
        return debian.fetch()
    except FetchError as e:
        pytest.skip(str(e))
