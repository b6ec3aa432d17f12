"""When wrong passcodes lock a passcode, and for how long (product §1). Pure: the clock is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_WRONG = 5
WINDOW = timedelta(minutes=15)
"""So many wrong ones within this time lock the passcode."""

FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)

FORGIVEN = timedelta(hours=24)
"""Time without a lock after which the next one is a first one again."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """What is remembered of an extension's wrong passcodes."""

    wrong: tuple[datetime, ...] = ()
    """When they were keyed in, oldest first; as far as they still count."""
    locked_until: datetime | None = None
    lockouts: int = 0
    """How often in a row it was locked."""

    def locked(self, now: datetime) -> bool:
        """A lock that ends later than any can was set by a clock that was wrong, and has since been put right."""
        return self.locked_until is not None and now < self.locked_until <= now + LONGEST_LOCK


def after_wrong(state: Lockout, now: datetime) -> Lockout:
    """The state after one more wrong passcode. While it is locked nothing is counted, so that a lock ends."""
    if state.locked(now):
        return state
    wrong = (*recent(state, now), now)
    if len(wrong) < MOST_WRONG:
        return replace(state, wrong=wrong)
    lockouts = 0 if state.locked_until is not None and now - state.locked_until >= FORGIVEN else state.lockouts
    return Lockout((), now + lock_time(lockouts), lockouts + 1)


def after_right(state: Lockout, now: datetime) -> Lockout:
    """The state after the right passcode: the next lock is a first one again. What was wrong before still counts."""
    return state if state.locked(now) else Lockout(recent(state, now))


def recent(state: Lockout, now: datetime) -> tuple[datetime, ...]:
    """The wrong ones that still count. Clocks of controllers differ a little; one further ahead was wrong itself."""
    return tuple(at for at in state.wrong if abs(now - at) < WINDOW)


def lock_time(lockouts: int) -> timedelta:
    """How long a lock lasts after so many before it: 15 min, 30 min, 1 h … 24 h."""
    # 15 minutes doubled seven times are more than 24 hours.
    doubled: timedelta = FIRST_LOCK * 2 ** min(lockouts, 7)
    return min(doubled, LONGEST_LOCK)
