"""Takes recordings from the switch's disk into the store, tells them by mail, and deletes what is old.

Any controller beside a switch may do it, and several at once: each recording is claimed by one. A file is deleted when
the database says that the store has it, never before; whoever dies in between is made up for by the next look.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import gevent
import structlog
from gevent.threadpool import ThreadPool
from sqlalchemy.exc import DBAPIError

from bizpbx.controller import faults, metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.errors import InvalidText, StoreError
from bizpbx.freeswitch.esl import EslError
from bizpbx.freeswitch.monitor import Monitor
from bizpbx.freeswitch.recordings import Recordings
from bizpbx.voicemail import collecting
from bizpbx.voicemail.audio import Unusable, examined
from bizpbx.voicemail.collecting import Claimed, Due
from bizpbx.voicemail.record import Note, VoicemailState
from bizpbx.voicemail.store import Store

INTERVAL: Final = 1.0
"""Seconds between two looks."""
PATIENCE: Final = 5.0
"""Seconds until a database that was away is asked again."""
TIDY: Final = timedelta(minutes=1)
"""Between two looks at the whole folder, and at what is old."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Collector:
    """One greenlet. A recording without a file is left alone, unless its switch is on this machine: none was made."""

    def __init__(
        self,
        queries: Queries,
        changes: Changes,
        recordings: Recordings,
        store: Store,
        switches: Sequence[Monitor],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queries = queries
        self._changes = changes
        self._recordings = recordings
        self._store = store
        self._switches = [switch for switch in switches if switch.address.host in LOOPBACK]
        self._now = now
        self._names: dict[str, str] = {}
        """Of the switches on this machine: what they call themselves."""
        self._tidied: datetime | None = None
        self._threads = ThreadPool(1)
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        try:
            self._recordings.prepare()
        except OSError as error:
            log.error("voicemail.no_folder", folder=str(self._recordings.folder), reason=str(error))
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """What is being collected is taken up once its claim has expired."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._threads.kill()
        self._changes.close()

    def _run(self) -> None:
        while True:
            try:
                pause = 0.0 if self.look() else INTERVAL
            except (DBAPIError, DatabaseSilent, OSError) as error:
                log.warning("voicemail.waiting", reason=str(error).splitlines()[0][:300])
                pause = PATIENCE
            except Exception:
                log.exception("voicemail.failed")
                pause = PATIENCE
            gevent.sleep(pause)

    def look(self) -> bool:
        """Do what is due about one voicemail. Returns whether there was one that we can do something about. Raises what
        the database or the disk does; nothing is lost then."""
        now = self._now()
        self._tidy(now)
        waiting = self._queries.ask(lambda session: collecting.due(session, now))
        metrics.VOICEMAILS_WAITING.set(len(waiting))
        ours = next((one for one in waiting if self._ours(one)), None)
        if ours is None:
            return False
        token = str(uuid.uuid4())
        mine = self._changes.make(lambda session: collecting.claim(session, ours, token, now))
        if mine is None:
            return True
        if ours.state is VoicemailState.DELETED:
            self._erase(mine)
        else:
            self._collect(mine)
        return True

    def _ours(self, found: Due) -> bool:
        if found.state is VoicemailState.DELETED:
            return True
        try:
            return self._recordings.path(found.call).is_file() or found.switch in self._local()
        except InvalidText:
            return True

    def _local(self) -> frozenset[str]:
        for switch in self._switches:
            if switch.address.name not in self._names and switch.connected:
                try:
                    self._names[switch.address.name] = switch.ask("switchname").strip()
                except EslError as error:
                    log.warning("voicemail.switch_silent", switch=switch.address.name, reason=str(error))
        return frozenset(self._names.values())

    def _collect(self, mine: Claimed) -> None:
        try:
            path = self._recordings.path(mine.call)
            seconds = self._threads.apply(examined, (path, mine.longest))
        except Unusable as unusable:
            self._reject(mine, unusable.note)
            return
        except (FileNotFoundError, InvalidText):
            self._reject(mine, Note.NOTHING_RECORDED)
            return
        try:
            kept = self._store.put(mine.key, path)
        except StoreError as error:
            self._later(mine, error)
            return
        faults.reach(faults.Point.IN_STORE)
        now = self._now()
        if self._changes.make(lambda session: collecting.stored(session, mine, kept.sha256, kept.bytes, seconds, now)):
            faults.reach(faults.Point.COLLECTED)
            self._recordings.remove(mine.call)
            metrics.VOICEMAILS_STORED.inc()
            log.info("voicemail.stored", organisation=mine.domain, extension=mine.extension, seconds=seconds)

    def _reject(self, mine: Claimed, note: Note) -> None:
        now = self._now()
        if not self._changes.make(lambda session: collecting.rejected(session, mine, note, now)):
            return
        if note is Note.UNREADABLE:
            self._recordings.put_aside(mine.call)
        elif note is not Note.NOTHING_RECORDED:
            self._recordings.remove(mine.call)
        metrics.VOICEMAILS_REJECTED.labels(note.value).inc()
        tell = log.error if note is Note.UNREADABLE else log.info
        tell("voicemail.rejected", organisation=mine.domain, extension=mine.extension, reason=note.value)

    def _erase(self, mine: Claimed) -> None:
        try:
            if mine.store_key is not None:
                self._store.delete(mine.store_key)
        except StoreError as error:
            self._later(mine, error)
            return
        self._changes.make(lambda session: collecting.erased(session, mine))

    def _later(self, mine: Claimed, error: StoreError) -> None:
        now = self._now()
        self._changes.make(lambda session: collecting.put_back(session, mine, now))
        metrics.STORE_FAILED.inc()
        log.warning("voicemail.store_failed", organisation=mine.domain, tries=mine.tries, reason=str(error))

    def _tidy(self, now: datetime) -> None:
        if self._tidied is not None and now - self._tidied < TIDY:
            return
        self._tidied = now
        calls = self._recordings.calls() if self._recordings.folder.is_dir() else []
        for start in range(0, len(calls), 500):
            part = calls[start : start + 500]
            for call in self._queries.ask(lambda session, part=part: collecting.finished(session, part)):  # type: ignore[misc]
                self._recordings.remove(call)
        if self._queries.ask(lambda session: collecting.old(session, now)):
            count = self._changes.make(lambda session: collecting.expire(session, now))
            log.info("voicemail.expired", count=count)
