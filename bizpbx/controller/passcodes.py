"""Judges passcodes and PINs for calls: argon2 in threads, wrong ones on record, an alert when one is locked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from gevent.threadpool import ThreadPool

from bizpbx.calls.passcode import Verdict
from bizpbx.controller import metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import Queries
from bizpbx.directory import passcodes
from bizpbx.directory.passcodes import PASSCODE, Secret

THREADS = 2
"""Each takes a core for about 50 ms, and 64 MiB."""

WRONG: Final = {"passcode": "passcode.wrong", "pin": "pin.wrong"}
LOCKED: Final = {"passcode": "passcode.locked", "pin": "pin.locked"}
"""Events of the log, written out: they are looked for by name."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class StoredPasscodes:
    """Implements `bizpbx.calls.passcode.Passcodes`, for one kind of digits."""

    def __init__(
        self,
        queries: Queries,
        changes: Changes,
        now: Callable[[], datetime] = utc_now,
        secret: Secret = PASSCODE,
    ) -> None:
        self._queries = queries
        self._secret = secret
        self._changes = changes
        self._now = now
        self._threads = ThreadPool(THREADS)

    def locked(self, organisation: str, key: str) -> bool:
        now = self._now()
        secret = self._secret
        return self._queries.ask(lambda session: passcodes.lockout(session, organisation, key, secret)).locked(now)

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        secret = self._secret
        stored = self._queries.ask(lambda session: passcodes.stored_hash(session, organisation, key, secret))
        right = stored is not None and self._threads.apply(passcodes.matches, (stored, digits))
        now = self._now()
        before, after = self._changes.make(
            lambda session: passcodes.count(session, organisation, key, right, now, secret)
        )
        if before.locked(now):
            return Verdict.LOCKED
        if right:
            return Verdict.RIGHT
        metrics.WRONG[secret.name].labels(organisation).inc()
        if not after.locked(now) or after.locked_until is None:
            log.info(WRONG[secret.name], organisation=organisation, extension=key, counted=len(after.wrong))
            return Verdict.WRONG
        metrics.LOCKED[secret.name].labels(organisation).inc()
        log.warning(
            LOCKED[secret.name],
            organisation=organisation,
            extension=key,
            until=after.locked_until.isoformat(timespec="seconds"),
            lockouts=after.lockouts,
        )
        return Verdict.LOCKED

    def close(self) -> None:
        self._threads.kill()
        self._changes.close()
