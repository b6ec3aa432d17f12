"""Mailboxes for calls: what is in them from the database, the recordings from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from bizpbx.calls.mailbox_words import MOST
from bizpbx.calls.mailboxes import Message
from bizpbx.calls.passcode import Passcodes
from bizpbx.controller import metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import Queries
from bizpbx.voicemail import hearing
from bizpbx.voicemail.hearing import Left

PATIENCE: Final = 5.0
"""Seconds that the caller waits for a recording out of the store."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Copies(Protocol):
    """Copies of recordings on the disk of the switch."""

    def recording(self, key: str, sha256: str, patience: float) -> Path | None:
        """The path of one, by its key in the store and its checksum; None if it cannot be had in so many seconds."""

    def forget(self, key: str) -> None:
        """Take it away. Raises OSError."""


class StoredMailboxes:
    """Implements `bizpbx.calls.mailboxes.Mailboxes`."""

    def __init__(
        self,
        queries: Queries,
        changes: Changes,
        copies: Copies,
        pins: Passcodes,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queries = queries
        self._changes = changes
        self._copies = copies
        self.pins = pins
        self._now = now
        self._listeners: Counter[int] = Counter()
        """How many calls hear a message now: the phones of an extension share its copy."""

    def messages(self, organisation: str, key: str) -> Sequence[Message]:
        found = self._queries.ask(lambda session: hearing.contents(session, organisation, key, MOST))
        zone = ZoneInfo(found.zone)
        today = self._now().astimezone(zone).date()
        return [*_told(found.new, zone, today, new=True), *_told(found.saved, zone, today, new=False)]

    @contextmanager
    def recording(self, organisation: str, key: str, message: int) -> Iterator[Path | None]:
        stored = self._queries.ask(lambda session: hearing.stored(session, organisation, key, message))
        path = None
        self._listeners[message] += 1
        try:
            path = self._copies.recording(*stored, PATIENCE) if stored is not None else None
            if path is None:
                metrics.VOICEMAILS_UNPLAYED.inc()
                log.warning("voicemail.not_played", organisation=organisation, extension=key, voicemail=message)
            yield path
        finally:
            self._listeners[message] -= 1
            if not self._listeners[message]:
                del self._listeners[message]
                if stored is not None and path is not None:
                    self._forget(stored[0])

    def _forget(self, stored: str) -> None:
        try:
            self._copies.forget(stored)
        except OSError as error:
            # It is deleted with what nobody asks for.
            log.warning("voicemail.copy_left", copy=stored, reason=str(error))

    def heard(self, organisation: str, key: str, message: int) -> None:
        now = self._now()
        self._changes.make(lambda session: hearing.heard(session, organisation, key, message, now))

    def delete(self, organisation: str, key: str, message: int, device: str) -> None:
        now = self._now()
        if self._changes.make(lambda session: hearing.delete(session, organisation, key, message, device, now)):
            log.info("voicemail.deleted", organisation=organisation, extension=key, voicemail=message, device=device)


def _told(found: Sequence[Left], zone: ZoneInfo, today: date, *, new: bool) -> Iterator[Message]:
    for one in found:
        began = one.began.astimezone(zone)
        yield Message(one.id, one.caller, (today - began.date()).days, began.hour, began.minute, new)
