"""Figures as a table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

Row = dict[str, object]


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows under the columns that they name."""
    print(f"\n{title}")
    if not rows:
        print("  not measured: FreeSWITCH and SIPp are needed")
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]
    for line in [columns, *cells]:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def met(value: float, most: float) -> str:
    """Whether a goal is reached, in a word."""
    return "met" if value <= most else "missed"
