"""A month's usage as a picture: one bar an extension, in SVG that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH = 760
LEFT = 200
BAR = 380
ROW = 26
TOP = 64
GREEN, AMBER, RED, GREY = "#2e7d32", "#ef6c00", "#c62828", "#e0e0e0"


class Bar(NamedTuple):
    """One line. `share` is what is used of the limit; None without one: then `talked` is shown against the longest."""

    name: str
    text: str
    """Beside the bar, such as `75:20 of 300 min`."""
    share: float | None
    talked: int
    """Seconds."""


def chart(title: str, bars: Sequence[Bar]) -> str:
    """A whole SVG document."""
    longest = max((bar.talked for bar in bars), default=0) or 1
    height = TOP + ROW * max(1, len(bars)) + 16
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="32" font-size="18" fill="#212121">{_text(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        y = TOP + number * ROW
        length = round(BAR * min(1.0, bar.talked / longest if bar.share is None else bar.share))
        track = GREY if bar.share is not None else "none"
        lines += [
            f'<text x="{LEFT - 12}" y="{y + 13}" text-anchor="end" fill="#212121">{_text(_short(bar.name))}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{BAR}" height="18" rx="3" fill="{track}"/>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="18" rx="3" fill="{_colour(bar.share)}"/>',
            f'<text x="{LEFT + BAR + 12}" y="{y + 13}" fill="#424242">{_text(bar.text)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _colour(share: float | None) -> str:
    if share is None:
        return "#1565c0"
    return RED if share >= 1 else AMBER if share >= 0.8 else GREEN


def _short(name: str) -> str:
    return name if len(name) <= 26 else name[:25] + "…"


def _text(text: str) -> str:
    # XML 1.0 has no place for most control characters.
    return escape("".join(character if character.isprintable() else " " for character in text))
