"""Free text that is shown to people: names of callers, extensions and rules."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 64

_VARIABLE = re.compile(r"\$+(?=\{)")
_SYNTAX = re.compile(r"[^\w .+-]")


def clean_name(text: str) -> str:
    """A free text that can be shown: one line without control, format and unassigned characters (Unicode C*, Zl, Zp),
    without the `${` that a switch would expand, at most 64 characters."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Zl", "Zp") or char in "\t\r\n" else char for char in text[:1024]
    )
    kept = "".join(char for char in kept if not unicodedata.category(char).startswith("C"))
    return _VARIABLE.sub("", " ".join(kept.split()))[:LONGEST].strip()


def in_sentence(text: str) -> str:
    """A name as it stands in a reason: letters, digits, spaces and `.+-_` of it, as reasons are written to channels."""
    return _SYNTAX.sub("", clean_name(text)).strip()
