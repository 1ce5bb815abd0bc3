"""Tables for people: with rich on a terminal, in plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass
class Table:
    """Columns with a heading, rows of cells. The first column is text, the others are numbers; None is shown as a dash."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)  # a rule before these rows

    def add(self, *cells: Cell) -> None:
        """One more row."""
        self.rows.append(cells)

    def rule(self) -> None:
        """Separate what follows."""
        self.breaks.append(len(self.rows))

    def plain(self) -> str:
        """As text."""
        cells = [list(self.columns), *([shown(c) for c in row] for row in self.rows)]
        widths = [max(len(row[n]) for row in cells) for n in range(len(self.columns))]

        def line(row: list[str]) -> str:
            return "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [self.title, line(cells[0]), rule]
        for n, row in enumerate(cells[1:]):
            lines += [rule] if n in self.breaks else []
            lines.append(line(row))
        return "\n".join([*lines, *self.notes]) + "\n"

    def show(self) -> None:
        """Print it."""
        if not sys.stdout.isatty():
            print(self.plain(), flush=True)
            return
        from rich.console import Console
        from rich.table import Table as Rich

        rich = Rich(title=self.title, title_justify="left")
        for n, column in enumerate(self.columns):
            rich.add_column(column, justify="left" if n == 0 else "right")
        for n, row in enumerate(self.rows):
            if n in self.breaks:
                rich.add_section()
            rich.add_row(*(shown(c) for c in row))
        console = Console()
        console.print(rich)
        for note in self.notes:
            console.print(note, highlight=False, markup=False)


def shown(cell: Cell) -> str:
    """A cell as text: numbers with three or more significant digits."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{round(cell):,}"
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}" if abs(cell) >= 0.1 else f"{cell:.3f}"
