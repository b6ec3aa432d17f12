"""Processes that kill themselves in the middle of a step of the ledger, at each point that there is in it.

`python -m tests.metering.dying URL ORGANISATION` prints how many points each step has, or fails with what went wrong.
It is a program of its own since a process that has threads, or SQLite open, is not to be forked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import NamedTuple

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bizpbx.directory.database import Database
from bizpbx.metering.lease import Charge, Lease, LeaseGrant
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, RATE, Ledger, minutes

PATIENCE = 30.0
BEGIN = MIDNIGHT - timedelta(seconds=200)
ALLOWANCE = minutes(300)


class Step(NamedTuple):
    """What was done before, and what is done when the process is killed. Both with a leg and the extension of it."""

    before: Callable[[Ledger, str, str], object]
    done: Callable[[Ledger, str, str], object]


def nothing(_ledger: Ledger, _leg: str, _extension: str) -> None:
    pass


def take(ledger: Ledger, leg: str, extension: str) -> None:
    # It may fall into two months.
    ledger.take(leg, ALLOWANCE, BEGIN, rate=RATE, extension=extension)


def renew(ledger: Ledger, leg: str, _extension: str) -> None:
    ledger.renew(leg, BEGIN, ALLOWANCE, BEGIN + timedelta(seconds=300))


def settle(ledger: Ledger, leg: str, _extension: str) -> None:
    ledger.settle(leg, 400, BEGIN)


def presume(ledger: Ledger, leg: str, _extension: str) -> None:
    ledger.presume(leg, BEGIN + timedelta(seconds=350), BEGIN + timedelta(seconds=300), BEGIN)


def take_and_presume(ledger: Ledger, leg: str, extension: str) -> None:
    take(ledger, leg, extension)
    presume(ledger, leg, extension)


STEPS = {
    "take": Step(nothing, take),
    "renew": Step(take, renew),
    "settle": Step(take, settle),
    "correct": Step(take_and_presume, settle),
}


def books(ledger: Ledger, leg: str, extension: str) -> object:
    """All that is written of a leg, whose extension makes no other calls. It adds up."""
    ledger.check()
    with ledger.database.reading() as session:
        lease = session.execute(
            select(Lease.id, Lease.state, Lease.granted_seconds, Lease.answered_at, Lease.renew_at, Lease.ended_at)
            .where(Lease.leg == leg)
        ).one_or_none()  # fmt: skip
        parts = [
            sorted(
                session.execute(
                    select(table.month, table.seconds, table.amount).where(table.lease_id == lease.id)
                ).tuples()
            )
            for table in (LeaseGrant, Charge)
            if lease is not None
        ]
    return lease and lease[1:], parts, ledger.usage(MARCH, extension), ledger.usage(APRIL, extension)


def killed_at(point: int, database: Database) -> None:
    """Let this process be killed before its statement number `point`, before the commit if there is none, or after."""
    passed = count()

    def pass_by(*_arguments: object) -> None:
        if next(passed) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "before_cursor_execute", pass_by)
    event.listen(database.engine, "commit", pass_by)
    event.listen(Session, "after_commit", pass_by)


def in_a_process(ledger: Ledger, work: Callable[[], object], point: int) -> bool:
    """Whether it came to its end."""
    # No connection is shared; the statements that are compiled by now are.
    ledger.database.close()
    child = os.fork()
    if child == 0:
        try:
            killed_at(point, ledger.database)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert os.waitstatus_to_exitcode(status) == 0, "it failed by itself"
    return True


def points(ledger: Ledger, number: int, step: Step) -> int:
    """How many points a step was killed at."""
    histories = []
    for point in count():
        leg, extension = f"{number}-{point}", f"{number}{point:02}"
        step.before(ledger, leg, extension)
        before = books(ledger, leg, extension)
        ended = in_a_process(ledger, partial(step.done, ledger, leg, extension), point)
        after = books(ledger, leg, extension)
        step.done(ledger, leg, extension)
        histories.append((before, after, books(ledger, leg, extension)))
        if ended:
            break
    was, done, again = histories[-1]
    assert was != done
    assert done == again
    for point, (before, after, finally_) in enumerate(histories):
        # All of it is done or nothing, and done again it is what it would have been.
        assert before == was, point
        assert after in (was, done), (point, after)
        assert finally_ == done, (point, finally_)
    killed = [after == done for _, after, _ in histories[:-1]]
    # Only the last kill comes after the commit.
    assert killed == [False] * (len(killed) - 1) + [True], killed
    return len(killed)


if __name__ == "__main__":
    acme = Ledger(Database(sys.argv[1], PATIENCE), int(sys.argv[2]))
    print(json.dumps({name: points(acme, number, step) for number, (name, step) in enumerate(STEPS.items(), 1)}))
