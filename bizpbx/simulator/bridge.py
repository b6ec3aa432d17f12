"""The `bridge` application: rings legs, connects the first to answer, and notes on the caller's channel how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event as Flag
from gevent.queue import Empty

from bizpbx.simulator.channel import Channel
from bizpbx.simulator.dial_string import Leg, parse
from bizpbx.simulator.legs import LegError, OutgoingLeg
from bizpbx.simulator.ringing import ring
from bizpbx.simulator.text import is_true

if TYPE_CHECKING:
    from bizpbx.simulator.session import Session

STEP = 0.05
"""Seconds after which a leg that talks is looked at for codes."""

PRE_BRIDGE = "execute_on_pre_bridge"

DEFAULT_TIMEOUT = 60.0
"""Seconds, where neither `call_timeout` nor `originate_timeout` says otherwise."""

_ALWAYS_GOES_ON = ("NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL")
_DIAL_STATUS = {
    "ORIGINATOR_CANCEL": "CANCEL",
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "DESTINATION_OUT_OF_ORDER": "INVALIDARGS",
    "INVALID_PROFILE": "INVALIDARGS",
    "CALL_REJECTED": "DONTCALL",
}


class Bridge:
    """One run of the application for one caller."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._legs = session.switch.legs
        self._clock = session.switch.clock
        self._caller = session.channel
        self._born = session.switch.add

    def run(self, text: str) -> None:
        """Ring, talk, and return when the application has ended."""
        dialled = parse(text)
        cause = "DESTINATION_OUT_OF_ORDER"
        for group in dialled.groups:
            fatal = tuple(filter(None, (self._caller.get("fail_on_single_reject") or "").split(",")))
            legs, failures = self._make(group, dialled.variables)
            try:
                fatal_failure = next((each for each in failures if each in fatal), None)
                if fatal_failure is not None:
                    # As on FreeSWITCH: the disposition is the one that was set before anything was tried.
                    self._caller.set("originate_disposition", "failure")
                    self._caller.set("originate_failed_cause", fatal_failure)
                    return
                cancel = self._caller.get("origination_cancel_key") or ""
                winner, refusal = ring(self._clock, self._caller, legs, self._timeout(dialled.variables), fatal, cancel)
                for leg in legs:
                    self._caller.push("originate_causes", f"{leg.channel.uuid};{leg.channel.cause}")
                if winner is not None:
                    self._disposition("SUCCESS")
                    self._talk(winner.channel)
                    return
            finally:
                for leg in legs:
                    if not leg.channel.moved:
                        leg.channel.hang_up("NORMAL_CLEARING")
            cause = refusal or (failures[-1] if failures else cause)
            if not self._caller.up:
                break
        self._disposition(cause)
        self._caller.set("originate_failed_cause", cause)
        if not self._goes_on(cause):
            self._caller.hang_up(cause)

    def fetch(self, leg: Channel, patience: float) -> bool:
        """Talk with a leg that is up and does something else; whether it came."""
        # It may be on its way out of another conversation.
        deadline = self._clock.now() + patience
        while leg.up and leg.partner is not None and self._clock.now() < deadline:
            gevent.sleep(0.01)
        leg.fetched.set()
        leg.broken.set()
        if not leg.up or not self._clock.wait(leg.loose, deadline - self._clock.now()) or not self._caller.up:
            return False
        leg.fetched.clear()
        leg.loose.clear()
        self._talk(leg)
        return True

    def _make(self, group: tuple[Leg, ...], variables: Mapping[str, str]) -> tuple[list[OutgoingLeg], list[str]]:
        """The legs that can be tried, and the causes of those that cannot."""
        made: list[OutgoingLeg] = []
        named: set[str] = set()
        failures: list[str] = []
        for part in self._legs.resolve(group, self._caller):
            try:
                if isinstance(part, LegError):
                    raise part
                leg = self._legs.make(part, self._caller, variables, named)
            except LegError as error:
                failures.append(error.cause)
                continue
            made.append(leg)
            self._caller.push("originated_legs", f"{leg.channel.uuid};Outbound Call;{part.address.split('/')[-1]}")
            leg.channel.on_hangup.append(self._note_end)
            self._born(leg.channel)
        return made, failures

    def _note_end(self, leg: Channel) -> None:
        self._caller.set("last_bridge_hangup_cause", leg.cause)
        said = leg.get("proto_specific_hangup_cause")
        if said:
            self._caller.set("last_bridge_proto_specific_hangup_cause", said)

    def _timeout(self, variables: Mapping[str, str]) -> float:
        text = variables.get("originate_timeout") or self._caller.get("call_timeout") or ""
        return float(text) if text.isdigit() and int(text) else DEFAULT_TIMEOUT

    def _disposition(self, cause: str) -> None:
        self._caller.set("originate_disposition", cause)
        self._caller.set("DIALSTATUS", _DIAL_STATUS.get(cause, cause))

    def _goes_on(self, cause: str) -> bool:
        value = self._caller.get("continue_on_fail")
        if value is None:
            return cause in _ALWAYS_GOES_ON
        return is_true(value) or cause in value.upper().split(",")

    def _talk(self, leg: Channel) -> None:
        caller = self._caller
        caller.answer()
        caller.partner = caller.other = leg
        leg.partner = caller
        for one, other in ((caller, leg), (leg, caller)):
            one.set("last_bridge_to", other.uuid)
            one.set("bridge_channel", other.name)
            one.set("bridge_uuid", other.uuid)
            one.set("signal_bond", other.uuid)
        pair = (("Bridge-A-Unique-ID", caller.uuid), ("Bridge-B-Unique-ID", leg.uuid))
        caller.fire("CHANNEL_BRIDGE", *pair)
        over = Flag()
        for channel in (caller, leg):
            channel.let_go.clear()
        for flag in (caller.ended, leg.ended, caller.sent_on, leg.sent_on, caller.let_go, leg.let_go):
            flag.rawlink(lambda _: over.set())
        called = gevent.spawn(self._listen, self._session.beside(leg), over)
        self._listen(self._session, over)
        called.join()
        if not caller.up and not leg.moved:
            leg.set("bridge_hangup_cause", caller.cause)
        caller.set("bridge_hangup_cause", leg.cause)
        caller.fire("CHANNEL_UNBRIDGE", *pair)
        caller.partner = leg.partner = None
        onward = leg.get("transfer_after_bridge")
        if onward and leg.up and not leg.moved:
            leg.set("transfer_after_bridge", None)
            destination, dialplan, context = onward.split(":")
            leg.send_to(destination, context, dialplan)
        if leg.moved:
            self._session.switch.resume(leg)
        else:
            leg.hang_up("NORMAL_CLEARING")
        if not caller.moved and caller.is_true("hangup_after_bridge"):
            caller.hang_up(leg.cause if not leg.up else "NORMAL_CLEARING")

    def _listen(self, session: Session, over: Flag) -> None:
        """Do for one leg of the conversation what is to be done at its beginning, and what its far end keys in codes
        for, until the conversation is over."""
        channel = session.channel
        for name, value in channel.variables.items():
            if name.startswith(PRE_BRIDGE):
                application, _, data = value.partition(" ")
                session.execute(application, data)
        if not channel.codes.realms:
            over.wait()
        while not over.is_set():
            channel.key_overdue()
            try:
                application, data = channel.wanted.get(timeout=STEP / self._clock.speed)
            except Empty:
                continue
            channel.busy = True
            session.execute(application, data)
            channel.busy = False
