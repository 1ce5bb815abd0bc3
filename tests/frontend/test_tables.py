"""The committed tables are what the declarations say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbt.frontend.tables import documents

DIRECTORY = Path(__file__).parents[2] / "docs" / "generated"


@pytest.mark.parametrize("name", ["isa.md", "ops.md"])
def test_generated_documents_are_current(name: str) -> None:
    held = DIRECTORY / name
    assert held.exists() and held.read_text() == documents()[name], "run: python -m dbt.frontend.tables"
