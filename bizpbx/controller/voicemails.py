"""Enters recordings for calls, in the database, before they are made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bizpbx.calls.call import Arrival
from bizpbx.controller import faults
from bizpbx.controller.changes import Changes
from bizpbx.policy.plan import Plan, Record
from bizpbx.voicemail import keeping


def utc_now() -> datetime:
    return datetime.now(UTC)


class StoredVoicemails:
    """Implements `bizpbx.calls.voicemail.Voicemails`."""

    def __init__(self, changes: Changes, now: Callable[[], datetime] = utc_now) -> None:
        self._changes = changes
        self._now = now

    def begin(self, arrival: Arrival, plan: Plan, step: Record) -> None:
        kept = step.kept
        if kept is None or plan.organisation is None:
            raise ValueError("A recording has to be somebody's.")
        domain, now = plan.organisation, self._now()
        self._changes.make(
            lambda session: keeping.begin(session, domain, arrival.switch, arrival.id, kept, step.longest, now)
        )
        faults.reach(faults.Point.RECORDING)
