"""The guard's limits as a file writes them (a number, or `off`), as they are stored, and as calls see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bizpbx.policy.settings import Guard

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow

OFF: Final = "off"
STORED_OFF: Final = -1
MOST: Final = 1000
LIMITS: Final = ("concurrent_calls", "new_country_calls")
STANDARD: Final[Mapping[str, int]] = {"concurrent_calls": 4, "new_country_calls": 3}
"""What an organisation has that says nothing."""


def document(row: AnyRow) -> dict[str, Any]:
    """As an export writes them. Null, of an extension: those of its organisation."""
    stored = {name: getattr(row, f"guard_{name}") for name in LIMITS}
    return {name: OFF if limit == STORED_OFF else limit for name, limit in stored.items()}


def columns(written: Mapping[str, Any]) -> dict[str, int | None]:
    return {f"guard_{name}": STORED_OFF if written[name] == OFF else written[name] for name in LIMITS}


def of_organisation(row: AnyRow) -> Guard:
    return Guard(**{name: _limit(getattr(row, f"guard_{name}")) for name in LIMITS})


def of_extension(row: AnyRow, organisation: Guard) -> Guard:
    """Its own, each where it has one, else the organisation's."""
    stored = {name: getattr(row, f"guard_{name}") for name in LIMITS}
    own = {name: limit for name, limit in stored.items() if limit is not None}
    return Guard(**{name: _limit(own[name]) if name in own else getattr(organisation, name) for name in LIMITS})


def changed(stored: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """An organisation's after a file: what the file does not speak of stays, null is the standard."""
    if given is None:
        return dict(STANDARD)
    told = {name: STANDARD[name] if limit is None else limit for name, limit in given.items()}
    return {**stored, **told}


def _limit(stored: int) -> int | None:
    return None if stored == STORED_OFF else stored
