"""Machines of a test are closed when it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .rig import Rig


@pytest.fixture(autouse=True)
def close_machines() -> Iterator[None]:
    """Give their memory back."""
    yield
    while Rig.live:
        Rig.live.pop().vm.close()
