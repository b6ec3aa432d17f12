"""Languages as settings name them, and as those who make voices do."""

from __future__ import annotations

from typing import Final

_OWN_NAMES: Final = {"zh-HK": "yue", "zh-MO": "yue", "zh": "cmn", "no": "nb"}
"""Voices are of a language that is spoken: of Mandarin (cmn) or Cantonese (yue), not of Chinese as it is written."""


def spoken(language: str) -> tuple[str, str]:
    """(language, region) of a setting such as `en-GB`, as voices are named; "" without a region."""
    base, _, region = language.partition("-")
    own = _OWN_NAMES.get(language) or _OWN_NAMES.get(base)
    return own or base, region
