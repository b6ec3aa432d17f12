"""Keeps the leases of a switch and its legs in step: renews those that talk, arms what is not armed as it should be,
and settles those whose leg is gone without a record.

Any controller does this for any leg: what it has to know is in the database and on the switch. Nothing here stands in
the way of a call, which the switch ends by itself when what was granted has run out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import gevent
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bizpbx.controller import faults, metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.metering import utc_now
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import NotFound
from bizpbx.freeswitch.arming import rearming
from bizpbx.freeswitch.esl import EslError
from bizpbx.freeswitch.live_legs import LegState, leg_state, live_legs
from bizpbx.freeswitch.monitor import Monitor
from bizpbx.metering.allowance import Allowance, allowance_of
from bizpbx.metering.lease import Lease
from bizpbx.metering.renewal import answered, due, open_on, renew, seen
from bizpbx.metering.settling import presume
from bizpbx.metering.terms import Settlement
from bizpbx.metering.usage_alerts import watch
from bizpbx.policy.prompt import Prompt
from bizpbx.prompts import Prompts

INTERVAL: Final = 1.0
"""Seconds between two looks for leases to renew."""

FEW: Final = 500
"""Legs in one statement."""

RECONCILED: Final = timedelta(minutes=1)
"""Between two comparisons of all open leases with all legs; there is one on every connection, too."""

log = structlog.get_logger(__name__)


class Leases:
    """The leases of one switch. One greenlet."""

    def __init__(
        self,
        switch: Monitor,
        queries: Queries,
        changes: Changes,
        reader: SettingsReader,
        prompts: Prompts,
        grace: timedelta,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """The record of a leg may take so long after the leg is gone. A lease is taken before its leg is made, too."""
        self._switch = switch
        self._queries = queries
        self._changes = changes
        self._reader = reader
        self._prompts = prompts
        self._grace = grace
        self._now = now
        self._name = ""
        self._reconciled: datetime | None = None
        self._seen: dict[str, datetime] = {}
        """When a leg that talks was seen last."""
        self._missing: dict[str, datetime] = {}
        """Since when a leg with an open lease is not there."""
        self._armed: dict[str, int] = {}
        """Legs known to be armed as their lease says."""
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except (OperationalError, DatabaseSilent, EslError) as error:
                log.warning("leases.waiting", switch=self._switch.address.name, reason=str(error).splitlines()[0][:300])
                self._reconciled = None
            except Exception:
                log.exception("leases.failed", switch=self._switch.address.name)
            gevent.sleep(INTERVAL)

    def look(self) -> None:
        """Renew what is due, and compare everything where that is due. Raises what the switch or the database does."""
        if not self._switch.connected:
            self._reconciled = None
            return
        now = self._now()
        if self._reconciled is None:
            self._name = self._switch.ask("switchname").strip()
        if self._reconciled is None or now - self._reconciled >= min(RECONCILED, self._grace):
            self.reconcile(now)
            self._reconciled = now
        for lease in self._queries.ask(lambda session: _detached(session, due(session, self._name, now))):
            self._renew(lease, now)

    def reconcile(self, now: datetime) -> None:
        """Compare open leases with the legs of the switch."""
        leases = self._queries.ask(lambda session: _detached(session, open_on(session, self._name)))
        live = live_legs(self._switch.ask("show channels as json")) if leases else frozenset()
        legs = {lease.leg for lease in leases}
        for known in (self._seen, self._missing, self._armed):
            for leg in known.keys() - legs:
                del known[leg]
        for lease in leases:
            if lease.leg not in live:
                self._gone(lease, now)
            elif lease.answered_at is None or self._armed.get(lease.leg) != lease.granted_seconds:
                self._arm(lease, now)
            else:
                self._seen[lease.leg] = now
        talking = [leg for leg, at in self._seen.items() if at == now]
        for start in range(0, len(talking), FEW):
            few = talking[start : start + FEW]
            self._changes.make(partial(_seen, self._name, few, now))

    def _renew(self, lease: Lease, now: datetime) -> None:
        state = self._state(lease, now)
        if state is None or state.answered is None:
            return
        since = state.answered
        allowance = self._queries.ask(lambda session: self._allowance(session, lease))
        extended = self._changes.make(lambda session: renew(session, lease.switch, lease.leg, since, allowance, now))
        if extended is None or extended.seconds is None:
            return
        faults.reach(faults.Point.RENEWED)
        if extended.more:
            metrics.LEASES_RENEWED.inc()
        else:
            log.info("lease.not_renewed", extension=lease.extension, leg=lease.leg, seconds=extended.seconds)
        self._rearm(lease.leg, state, extended.seconds)

    def _arm(self, lease: Lease, now: datetime) -> None:
        """See to it that a leg is armed with what it was granted: a controller may have died between the two."""
        state = self._state(lease, now)
        if state is None or state.answered is None:
            return
        since = state.answered
        if lease.answered_at is None:
            self._changes.make(lambda session: answered(session, lease.switch, lease.leg, since))
        if lease.granted_seconds is not None:
            self._rearm(lease.leg, state, lease.granted_seconds)

    def _state(self, lease: Lease, now: datetime) -> LegState | None:
        state = leg_state(self._switch.ask(f"uuid_dump {lease.leg} json"))
        if state is None:
            self._gone(lease, now)
        elif state.answered is not None:
            self._seen[lease.leg] = now
            self._missing.pop(lease.leg, None)
        return state

    def _rearm(self, leg: str, state: LegState, seconds: int) -> None:
        if state.answered is not None and state.armed != {seconds}:
            warning = str(self._prompts.path(Prompt.ALLOWANCE_ENDING))
            for command in rearming(leg, state.answered, state.armed, seconds, warning):
                self._switch.ask(command)
        self._armed[leg] = seconds

    def _gone(self, lease: Lease, now: datetime) -> None:
        """Its record settles the lease. Without one, what was seen of the leg last does."""
        if now - self._missing.setdefault(lease.leg, now) < self._grace:
            return
        until = self._seen.get(lease.leg) or lease.seen_at or lease.answered_at
        settled = self._changes.make(partial(_presumed, lease, until, now))
        del self._missing[lease.leg]
        if settled is None:
            return
        metrics.LEASES_PRESUMED.inc()
        log.warning(
            "lease.presumed",
            extension=lease.extension,
            leg=lease.leg,
            seconds=settled.seconds,
            reason="the leg is gone, and there is no record of it",
        )

    def _allowance(self, session: Session, lease: Lease) -> Allowance:
        organisation = session.get(Organisation, lease.organisation_id)
        try:
            tenant = self._reader.tenant(session, organisation.domain if organisation is not None else "")
        except NotFound:
            return allowance_of(None)
        extension = tenant.extension(lease.extension)
        return allowance_of(extension.usage_limit if extension is not None else None)


def _seen(switch: str, legs: list[str], now: datetime, session: Session) -> None:
    seen(session, switch, legs, now)


def _presumed(lease: Lease, until: datetime | None, now: datetime, session: Session) -> Settlement | None:
    settled = presume(session, lease.switch, lease.leg, now, lease.answered_at, until)
    if settled is not None:
        watch(session, (settled,), now)
    return settled


def _detached(session: Session, leases: list[Lease]) -> list[Lease]:
    """To be read after the question is over."""
    for lease in leases:
        session.expunge(lease)
    return leases
