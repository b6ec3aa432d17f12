"""Each call that a switch hands over: decide, carry out, and say so in one log line."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from bizpbx.calls.call import Arrival, CallGone, CallMoved
from bizpbx.calls.flow import run
from bizpbx.calls.mailboxes import NO_MAILBOXES, Mailboxes
from bizpbx.calls.metering import Meter
from bizpbx.calls.passcode import Passcodes
from bizpbx.calls.transfer import transfer
from bizpbx.calls.voicemail import Voicemails
from bizpbx.controller import faults
from bizpbx.freeswitch.attended import AttendedTalk
from bizpbx.freeswitch.esl import OutboundSession
from bizpbx.freeswitch.media import Media
from bizpbx.freeswitch.session import FreeSwitchCall
from bizpbx.freeswitch.talk import FreeSwitchTalk, is_attended, is_talk
from bizpbx.policy.plan import Plan, Reason
from bizpbx.policy.transfer import goes_through

log = structlog.get_logger(__name__)


class CallHandler:
    """The application behind `OutboundESLServer`: one instance a call, as greenswitch expects it."""

    def __init__(
        self,
        session: OutboundSession,
        decide: Callable[[Arrival], Plan],
        passcodes: Passcodes,
        meter: Meter,
        media: Media,
        voicemails: Voicemails,
        mailboxes: Mailboxes = NO_MAILBOXES,
    ) -> None:
        self._session = session
        self._decide = decide
        self._passcodes = passcodes
        self._meter = meter
        self._media = media
        self._voicemails = voicemails
        self._mailboxes = mailboxes

    def run(self) -> None:
        """Carry the call to its end. A fault of ours is logged, and the dialplan goes on: the caller is not dropped."""
        began = time.monotonic()
        if self._session.session_data is not None and is_talk(self._session.session_data):
            self._transfer()
            return
        try:
            call = FreeSwitchCall(self._session, self._media)
        except CallGone:
            log.info("call", ended="caller hung up")
            return
        decided: list[Plan] = []

        def decide(arrival: Arrival) -> Plan:
            plan = self._decide(arrival)
            decided.append(plan)
            return plan

        ended = "done"
        reasons: tuple[Reason, ...] | None = None
        try:
            reasons = run(call, decide, self._passcodes, self._meter, self._voicemails, self._mailboxes)
        except CallMoved:
            ended = "transferred"
        except CallGone:
            ended = "caller hung up"
        except BaseException:
            ended = "fault"
            raise
        finally:
            if reasons is None and decided:
                reasons = decided[0].reasons
            arrival = call.arrival
            log.info(
                "call",
                organisation=arrival.organisation,
                dialled=arrival.request.dialled[:64],
                resumed_from=arrival.stage.value,
                callee=decided[0].callee if decided else None,
                rules=[reason.rule for reason in reasons] if reasons is not None else None,
                ended=ended,
                seconds=round(time.monotonic() - began, 3),
            )

    def _transfer(self) -> None:
        """What a user wants who has keyed in a code. A fault of ours is logged, and the two talk on."""
        attended = is_attended(self._session.session_data or {})
        talk = (AttendedTalk if attended else FreeSwitchTalk)(self._session, self._media.prompts)
        reasons: tuple[Reason, ...] = ()
        ended = "done"

        def decide(arrival: Arrival) -> Plan:
            plan = self._decide(arrival)
            if goes_through(plan):
                faults.reach(faults.Point.TRANSFERRING)
            return plan

        try:
            reasons = transfer(talk, decide)
        except CallGone:
            ended = "hung up"
        finally:
            log.info(
                "transfer",
                organisation=talk.own.organisation,
                attended=attended,
                rules=[reason.rule for reason in reasons],
                ended=ended,
            )
