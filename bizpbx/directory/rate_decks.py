"""Decks in memory: each is read once for each change of its organisation's rates, and of no other setting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from sqlalchemy.orm import Session

from bizpbx.directory import rates
from bizpbx.metering.decks import RateDeck

MOST_PREFIXES = 2_000_000
"""In memory together, some 100 bytes each; the decks that were asked for longest ago go first."""


class RateDecks:
    """Shared by all calls of a process. A deck costs a query when its version is new, and none after that."""

    def __init__(self, pause: Callable[[], object] | None = None, most_prefixes: int = MOST_PREFIXES) -> None:
        """`pause` is called while a deck is read, so that others get their turn."""
        self._pause = pause
        self._most = most_prefixes
        self._reading = Lock()
        self._decks: OrderedDict[int, tuple[int, RateDeck]] = OrderedDict()

    def of(self, session: Session, organisation_id: int, version: int) -> RateDeck:
        """The deck of an organisation at this version of its rates."""
        known = self._decks.get(organisation_id)
        if known is None or known[0] != version:
            # One reads, and the calls that come meanwhile wait for it.
            with self._reading:
                known = self._decks.get(organisation_id)
                if known is None or known[0] != version:
                    known = (version, rates.deck(session, organisation_id, self._pause))
                    self._decks[organisation_id] = known
                    self._make_room()
        if organisation_id in self._decks:
            self._decks.move_to_end(organisation_id)
        return known[1]

    def _make_room(self) -> None:
        together = sum(len(deck) for _, deck in self._decks.values())
        while together > self._most and len(self._decks) > 1:
            _, (_, deck) = self._decks.popitem(last=False)
            together -= len(deck)
