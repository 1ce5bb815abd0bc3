"""Bar charts as SVG, written by hand: a group of bars a row, a colour a series, every bar with its number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from .table import shown

COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#9c755f", "#e15759", "#76b7b2")
LEFT, RIGHT, TOP, BAR, GAP, PLOT = 120, 90, 74, 13, 10, 640


def chart(title: str, unit: str, series: Sequence[str], groups: Sequence[tuple[str, Mapping[str, float | None]]],
          note: str = "", logarithmic: bool = False) -> str:  # fmt: skip
    """An SVG of horizontal bars: `groups` are (label, {series: value}); what has no value has no bar."""
    values = [v for _, row in groups for v in row.values() if v is not None and v > 0]
    low, high = _bounds(values, logarithmic)

    def place(value: float) -> float:
        part = (math.log10(value / low) / math.log10(high / low)) if logarithmic else value / high
        return PLOT * max(0.0, min(1.0, part))

    def text(x: float, y: float, what: str, *, size: int = 11, anchor: str = "start", colour: str = "#222", bold: bool = False) -> str:
        weight = ' font-weight="bold"' if bold else ""
        return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(what)}</text>'

    lines = [text(12, 24, title, size=16, bold=True), text(12, 41, note, colour="#666")]
    at = float(LEFT)
    for n, name in enumerate(series):
        lines.append(f'<rect x="{at:.1f}" y="52" width="11" height="11" fill="{COLOURS[n % len(COLOURS)]}"/>')
        lines.append(text(at + 15, 62, name))
        at += 34 + 6.6 * len(name)
    y = float(TOP)
    bars: list[str] = []
    for label, row in groups:
        present = [(n, name, row[name]) for n, name in enumerate(series) if row.get(name)]
        bars.append(text(LEFT - 8, y + BAR * max(1, len(present)) / 2 + 4, label, anchor="end"))
        for n, name, value in present:
            assert value is not None
            width = max(1.0, place(value))
            bars.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{width:.1f}" height="{BAR - 2}" fill="{COLOURS[n % len(COLOURS)]}">'
                        f"<title>{escape(f'{label}, {name}: {shown(value)} {unit}')}</title></rect>")  # fmt: skip
            bars.append(text(LEFT + width + 4, y + BAR - 4, shown(value), size=10, colour="#444"))
            y += BAR
        y += GAP if present else BAR + GAP
    for tick in _ticks(low, high, logarithmic):
        x = LEFT + place(tick)
        lines.append(f'<line x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(text(x, y + 13, f"{tick:g}", anchor="middle", colour="#666"))
    scale = f"{unit} (logarithmic)" if logarithmic else unit
    lines.append(text(LEFT + PLOT / 2, y + 31, scale, anchor="middle", colour="#444"))
    width, height = LEFT + PLOT + RIGHT, y + 42
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" '
            'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">')  # fmt: skip
    return "\n".join([head, f'<rect width="{width}" height="{height:.0f}" fill="white"/>', *lines, *bars, "</svg>\n"])


def _bounds(values: Sequence[float], logarithmic: bool) -> tuple[float, float]:
    if not values:
        return 1.0, 10.0
    if not logarithmic:
        return 0.0, max(values)
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    return low, high if high > low else low * 10


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    if logarithmic:
        first, last = round(math.log10(low)), round(math.log10(high))
        return [m * 10.0**e for e in range(first, last) for m in (1, 2, 5)] + [10.0**last]
    step = 10 ** math.floor(math.log10(high))
    step = next(s for s in (step / 5, step / 2, step, step * 2) if high / s <= 8)
    return [step * n for n in range(int(high / step + 1e-9) + 1)]
