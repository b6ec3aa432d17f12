"""Puts leg records into the database: from the folder that a switch on this machine writes to, which is what counts,
and from the events of the switches, which are faster and come from other machines, too.

While files come, events are for legs that cost something alone: a lease is closed at once, and all the rest is cheaper
to read from files, for the switch and for us (docs/performance.md)."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

import gevent
import structlog
from gevent.event import Event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from bizpbx.controller import faults, metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import DatabaseSilent
from bizpbx.freeswitch import records
from bizpbx.freeswitch.records import UnreadableRecord
from bizpbx.freeswitch.spool import LOW, Spool, Waiting
from bizpbx.metering.ingest import Outcome, ingest
from bizpbx.metering.leg import LegRecord
from bizpbx.voicemail.keeping import keep

INTERVAL = 0.5
"""Seconds between two looks at the folder."""
GATHERED = 0.25
"""Seconds from an event to its transaction: the other legs of the call, and of others, come with it."""
YOUNG = 1.0
"""Seconds that a file waits for the event of its leg, so that one leg is not read twice."""
SOON = 0.4
"""The same, where most legs have no event that anybody has asked for."""
BATCH = 200
"""Legs in one transaction. Calls wait meanwhile, where the database is SQLite."""
MOST_FILES = 20_000
"""Files that are seen in one look at the folder. The oldest come first: legs of a call come together, and make its row
once."""
YIELD_AFTER = 10
"""Files that are read before calls get their turn."""
MOST_EVENTS = 10_000
"""Events that are kept for a database that is away; beyond it the oldest are left to their files."""
REMEMBERED = 10_000
"""Legs that came in by an event, whose files need no question to the database any more."""
TIDY = 60.0
"""Seconds between two looks for what has been kept for long enough."""
PATIENCE = 5.0
"""Seconds until a database that was away is tried again."""

log = structlog.get_logger(__name__)

Leg = tuple[str, str]


class Records:
    """One greenlet. Nothing is taken from the folder before it is committed."""

    def __init__(
        self,
        changes: Changes,
        spool: Spool | None,
        days: int,
        clock: Callable[[], float] = time.time,
        hear: Callable[[bool], None] = lambda every: None,
    ) -> None:
        """Files that are on record are kept for so many days. Without a spool only events are taken. `hear` is told
        when the events of every leg are wanted, which is so at first, and when those of charged legs will do."""
        self._changes = changes
        self._spool = spool
        self._days = days
        self._clock = clock
        self._events: deque[LegRecord] = deque(maxlen=MOST_EVENTS)
        self._heard = Event()
        self._files: deque[Waiting] = deque()
        self._more_files = False
        self._known: OrderedDict[str, None] = OrderedDict()
        self._hear = hear
        self._files_come = False
        self._by_files = False
        self._tidied = 0.0
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._spool is not None:
            try:
                self._spool.prepare()
            except OSError as error:
                log.error("records.no_spool", folder=str(self._spool.folder), reason=str(error))
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """What was not committed is taken up by the next start, or by another controller."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._changes.close()

    def heard(self, headers: Mapping[str, str]) -> None:
        """A switch has told the end of a leg."""
        faults.reach(faults.Point.HANGING_UP)
        try:
            record = records.from_event(headers)
        except UnreadableRecord as error:
            metrics.RECORDS_FAILED.labels("event").inc()
            log.warning("records.event_unreadable", reason=str(error))
            return
        if record.organisation is not None:
            self._events.append(record)
            self._heard.set()

    def _run(self) -> None:
        while True:
            try:
                busy = self.look()
            except (OperationalError, DatabaseSilent, OSError) as error:
                log.warning("records.waiting", reason=str(error).splitlines()[0][:300])
                gevent.sleep(PATIENCE)
                continue
            except Exception:
                log.exception("records.failed")
                gevent.sleep(PATIENCE)
                continue
            if busy:
                gevent.sleep(0)
            elif self._heard.wait(INTERVAL):
                gevent.sleep(GATHERED)

    def look(self) -> bool:
        """Take a batch of what there is. Returns whether there may be more. Raises what the database or the disk does;
        nothing is lost then."""
        self._heard.clear()
        more = self._take_events()
        if self._spool is not None:
            try:
                more = self._look_at_files(self._spool) or more
            except OSError:
                self._files_come = False
                self._rely(False)
                raise
        return more

    def _look_at_files(self, spool: Spool) -> bool:
        more = False
        with spool.claimed() as mine:
            if mine:
                more = self._take_files(spool)
                self._tidy(spool)
        self._rely(self._files_come and spool.free() >= LOW)
        return more

    def _rely(self, on_files: bool) -> None:
        """Files are relied on as long as they come and the disk has room for more. A switch whose disk is full leaves
        them out, without a word."""
        if on_files != self._by_files:
            self._by_files = on_files
            self._hear(not on_files)

    def _take_events(self) -> bool:
        batch = [self._events.popleft() for _ in range(min(BATCH, len(self._events)))]
        if not batch:
            return False
        try:
            outcome = self._ingest(batch)
        except BaseException:
            self._events.extendleft(reversed(batch))
            raise
        metrics.RECORDS_INGESTED.labels("event").inc(len(outcome.added))
        for record in batch:
            if (record.switch, record.leg) not in outcome.unknown:
                self._remember(record.leg)
        return bool(self._events)

    def _take_files(self, spool: Spool) -> bool:
        now = self._clock()
        if not self._files:
            seen = sorted(spool.waiting(MOST_FILES, lambda: gevent.sleep(0)), key=lambda one: one.written)
            metrics.RECORDS_LAG.set(max(0.0, now - seen[0].written) if seen else 0.0)
            # A clock that was set back must not make files wait: the future is not young.
            young = SOON if self._by_files else YOUNG
            self._files.extend(one for one in seen if abs(now - one.written) >= young)
            self._more_files = len(seen) == MOST_FILES
        waiting = [self._files.popleft() for _ in range(min(BATCH, len(self._files)))]
        read: dict[Leg, tuple[Waiting, LegRecord]] = {}
        today = self._moment().date()
        for count, one in enumerate(waiting, 1):
            if count % YIELD_AFTER == 0:
                gevent.sleep(0)
            if one.leg in self._known:
                self._put_away(spool, one, today)
                continue
            try:
                record = spool.read(one, now)
            except UnreadableRecord as error:
                self._refuse(spool, one, f"{error} [{error.code}]")
                continue
            if record is None:
                continue
            read[record.switch, record.leg] = (one, record)
        if read:
            outcome = self._put_on_record(spool, read)
            for name, (one, _) in read.items():
                if name in outcome.unknown:
                    self._refuse(spool, one, "The organisation of the call does not exist here. [not-found]")
                else:
                    self._put_away(spool, one, today)
            metrics.RECORDS_INGESTED.labels("file").inc(len(outcome.added))
        return bool(self._files) or (self._more_files and bool(read))

    def _put_on_record(self, spool: Spool, read: dict[Leg, tuple[Waiting, LegRecord]]) -> Outcome:
        """Together; or one by one, if the database refuses one of them, which is put aside then."""
        try:
            return self._ingest([record for _, record in read.values()])
        except OperationalError:
            raise
        except DBAPIError as error:
            log.warning("records.batch_refused", reason=str(error.orig)[:300])
        nothing = Outcome(frozenset(), frozenset(), frozenset())
        outcomes = [nothing, *(one for name in list(read) if (one := self._alone(spool, name, read)) is not None)]
        return Outcome(*(frozenset[Leg]().union(*parts) for parts in zip(*map(_parts, outcomes), strict=True)))

    def _alone(self, spool: Spool, name: Leg, read: dict[Leg, tuple[Waiting, LegRecord]]) -> Outcome | None:
        waiting, record = read[name]
        try:
            return self._ingest([record])
        except OperationalError:
            raise
        except DBAPIError as error:
            del read[name]
            self._refuse(spool, waiting, f"The database refuses it: {error.orig}")
            return None

    def _ingest(self, batch: Sequence[LegRecord]) -> Outcome:
        return self._changes.make(partial(_ingested, batch, self._moment()))

    def _put_away(self, spool: Spool, waiting: Waiting, today: date) -> None:
        faults.reach(faults.Point.ON_RECORD)
        spool.put_away(waiting.path, today)
        self._files_come = True

    def _refuse(self, spool: Spool, waiting: Waiting, reason: str) -> None:
        metrics.RECORDS_FAILED.labels("file").inc()
        log.error("records.refused", file=waiting.path.name, reason=reason)
        try:
            spool.put_aside(waiting.path, reason)
        except OSError as trouble:
            log.error("records.left_in_place", file=waiting.path.name, reason=str(trouble))

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _remember(self, leg: str) -> None:
        self._known[leg] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _tidy(self, spool: Spool) -> None:
        now = self._clock()
        if now - self._tidied < TIDY:
            return
        self._tidied = now
        metrics.SPOOL_FREE.set(spool.free())
        spool.prune(self._moment().date(), self._days)


def _ingested(batch: Sequence[LegRecord], now: datetime, session: Session) -> Outcome:
    outcome = ingest(session, batch, now)
    nobodys = [leg for leg in batch if leg.kept is not None and (leg.switch, leg.leg) in outcome.added]
    if nobodys:
        keep(session, nobodys, now)
    faults.reach(faults.Point.SETTLING)
    return outcome


def _parts(outcome: Outcome) -> Sequence[frozenset[Leg]]:
    return outcome.added, outcome.nobodys, outcome.unknown
