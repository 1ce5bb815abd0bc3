"""Run the benchmarks (bench/): `ppcdbt bench --help` is theirs."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import UserError


def pass_through(arguments: Sequence[str]) -> int:
    """Everything after `bench` is for the bench package, which parses it itself."""
    try:
        from bench.cli import main
    except ModuleNotFoundError as e:
        if e.name not in ("bench", "bench.cli"):
            raise
        raise UserError("the benchmarks are not part of this installation: use a checkout of the project") from None
    return int(main(list(arguments)) or 0)
