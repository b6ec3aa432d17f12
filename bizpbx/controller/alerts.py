"""What somebody ought to hear of at once: a line in the log and a counter. Mails are queued where it is recorded."""

from __future__ import annotations

import structlog

from bizpbx.calls.metering import Charged
from bizpbx.controller import metrics
from bizpbx.metering.terms import Denied

log = structlog.get_logger(__name__)


def guard_refused(charged: Charged, country: str, denied: Denied) -> None:
    """The guard against toll fraud refused a call. Only the first of its kind for a day is a warning: an attack is one
    thing to hear of, however many calls it tries."""
    metrics.GUARD_REFUSED.labels(charged.organisation, denied.reason.value).inc()
    (log.warning if denied.alert else log.info)(
        "guard.refused",
        organisation=charged.organisation,
        extension=charged.extension,
        country=country,
        number=charged.number,
        reason=denied.reason.value,
        call=charged.call,
    )
