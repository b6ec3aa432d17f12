"""A text that is to be spoken, and what has been made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Speech:
    """`language` as `en` or `en-GB`; `gender`: female or male; `pitch` and `rate`: 0 to 9, 5 is as the voice is."""

    language: str
    pitch: int
    rate: int
    gender: str
    text: str

    def fields(self) -> dict[str, Any]:
        """As the settings file writes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Made:
    """A sound that is in the store. `digest` names it in its organisation; `source` is what it was made from or by."""

    digest: str
    source: str
    milliseconds: int


class Speaker(Protocol):
    """Speaks messages, each once: what was made before is found again by its digest."""

    def planned(self, speech: Speech) -> Made:
        """What `spoken` would make; its length is not known yet. Raises NotSpoken if it would be refused."""

    def spoken(self, domain: str, speech: Speech) -> Made:
        """Make the sound of an organisation's message and put it into the store. Raises NotSpoken, StoreError."""
