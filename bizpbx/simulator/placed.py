"""A call as the one who placed it sees it."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import gevent

from bizpbx.simulator import causes
from bizpbx.simulator.channel import Channel, Profile
from bizpbx.simulator.core import Core
from bizpbx.simulator.endpoint import press
from bizpbx.simulator.switch import Switch
from bizpbx.testbed.world import CallResult, EndedBy, TestbedError

PATIENCE = 20.0
"""Seconds until a caller who is told to hang up can."""

_PHRASES = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
}


class SimulatedCall:
    """Implements world.PlacedCall. Made in the switch's thread, used from anywhere."""

    def __init__(self, switch: Switch, channel: Channel) -> None:
        self._switch = switch
        self._clock = switch.clock
        self._channel = channel
        self._rang_at: float | None = None
        self._by_caller = False
        self._talks = False
        """Answered, and all keys pressed."""
        channel.ringing.rawlink(self._note_ringing)

    def run(self, hangup_after: float | None, cancel_after: float | None, keys: str = "", talking: str = "") -> None:
        """Act as the caller does, in greenlets of its own."""
        gevent.spawn(self._act, hangup_after, cancel_after, talking)
        if keys:
            gevent.spawn(self._key_in, keys)

    def wait_for(self, code: int, timeout: float = 20.0) -> None:
        self._switch.run(lambda _: self._wait_for(code, timeout))

    def result(self, timeout: float = 30.0) -> CallResult:
        return self._switch.run(lambda _: self._result(timeout))

    def heard(self) -> array[int]:
        return self._switch.run(lambda _: self._channel.heard[:])

    def wait_until_said(self, timeout: float = 30.0) -> None:
        self._until(lambda: self._channel.has_spoken, timeout, "said all of it")

    def hang_up(self) -> None:
        self._until(lambda: self._talks, PATIENCE, "talked")
        self.bye()

    def press(self, keys: str) -> None:
        def press(_: Core) -> None:
            for key in keys:
                self._channel.key_in(key)

        self._switch.run(press)

    def final(self, timeout: float = 30.0) -> int:
        """Final SIP code as soon as there is one. Raises TestbedError if it does not come in time."""
        if not self._switch.run(lambda _: self._settled(timeout)):
            raise TestbedError(f"There was no final response within {timeout} s.")
        return self._so_far().code

    def cancel(self) -> None:
        """The caller gives up."""
        self._by_caller = True
        self._switch.run(lambda _: self._channel.hang_up("ORIGINATOR_CANCEL", 487))

    def _until(self, true: Callable[[], bool], timeout: float, what: str) -> None:
        def wait(_: Core) -> None:
            deadline = self._clock.now() + timeout
            while not true():
                if self._clock.now() > deadline or self._channel.ended.is_set():
                    raise TestbedError(f"The caller has not {what}; so far: {self._so_far()}")
                gevent.sleep(0.001)

        self._switch.run(wait)

    def bye(self) -> None:
        """The caller hangs up."""
        self._by_caller = True
        self._switch.run(lambda _: self._channel.hang_up("NORMAL_CLEARING", 200))

    def stop(self) -> None:
        """Drop the call, if it still is one."""
        self._switch.run(lambda _: self._channel.hang_up("NORMAL_CLEARING"))

    def _wait_for(self, code: int, timeout: float) -> None:
        deadline = self._clock.now() + timeout
        while not self._heard(code):
            if self._clock.now() > deadline or (self._channel.ended.is_set() and not self._heard(code)):
                raise TestbedError(f"The caller did not receive {code}; so far: {self._so_far()}")
            gevent.sleep(0.001)

    def _result(self, timeout: float) -> CallResult:
        if not self._channel.wait(timeout):
            so_far = self._so_far()
            self._channel.hang_up("NORMAL_CLEARING")
            raise TestbedError(f"The call did not end within {timeout} s; so far: {so_far}.")
        gevent.sleep(0)
        return self._so_far()

    def _act(self, hangup_after: float | None, cancel_after: float | None, talking: str) -> None:
        channel = self._channel
        if cancel_after is not None and not self._settled(cancel_after):
            self._by_caller = channel.up
            channel.hang_up("ORIGINATOR_CANCEL", 487)
            return
        self._settled(None)
        if channel.answered.is_set():
            press(channel, talking)
            self._talks = True
        if hangup_after is not None and channel.answered.is_set() and not channel.wait(hangup_after):
            self._by_caller = True
            channel.hang_up("NORMAL_CLEARING", 200)

    def _key_in(self, keys: str) -> None:
        channel = self._channel
        gevent.wait([channel.early, channel.ended], count=1)
        press(channel, keys)

    def _settled(self, seconds: float | None) -> bool:
        """Wait for the final response; whether it came in time."""
        channel = self._channel
        timeout = None if seconds is None else seconds / self._clock.speed
        gevent.wait([channel.answered, channel.ended], timeout, count=1)
        return channel.answered.is_set() or channel.ended.is_set()

    def _note_ringing(self, _: object) -> None:
        self._rang_at = self._clock.now()

    def _heard(self, code: int) -> bool:
        so_far = self._so_far()
        return code in so_far.provisional or code == so_far.code

    def _so_far(self) -> CallResult:
        channel = self._channel
        answered, over = channel.answered.is_set(), channel.ended.is_set()
        code = 200 if answered else (487 if self._by_caller else channel.final_code()) if over else 0
        talked = (channel.hung_up_at if over else self._clock.now()) - channel.answered_at if answered else 0.0
        ended_by = EndedBy.NOBODY
        if answered and over:
            ended_by = EndedBy.CALLER if self._by_caller else EndedBy.CALLEE
        return CallResult(
            code=code,
            reason=_PHRASES.get(code, ""),
            provisional=(
                100,
                *((183,) if channel.early.is_set() else ()),
                *((180,) if channel.ringing.is_set() else ()),
            ),
            time_to_ring=self._rang_at - channel.created if self._rang_at else None,
            time_to_answer=channel.answered_at - channel.created if answered else None,
            duration=talked,
            ended_by=ended_by,
            cause=causes.reason(channel.cause) if over and not self._by_caller else None,
        )


def refused(core: Core, code: int) -> Channel:
    """A call that was turned down before it became one: no dialplan saw it."""
    channel = Channel(core.bus, core.clock, "sofia/internal/refused", Profile())
    channel.sip_refusal = code
    channel.hang_up("CALL_REJECTED")
    return channel
