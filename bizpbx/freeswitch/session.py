"""One call on FreeSWITCH: the Call interface on a sync outbound socket.

Sync means that `execute` comes back when the application has ended, and that FreeSWITCH goes on with the next dialplan
action when this controller goes away. Everything the next controller needs is on the channel before each step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from greenswitch.esl import NotConnectedError, OutboundSessionHasGoneAway

from bizpbx.calls.call import Arrival, CallGone, CallMoved, Talked, Unanswered
from bizpbx.calls.metering import leg_of
from bizpbx.freeswitch.arrival import ENDED_BY, arrival_of, transfers_of
from bizpbx.freeswitch.consulting import CONSULTING, Consulting, leg_name
from bizpbx.freeswitch.dial_string import Legs, dial_string, is_leased
from bizpbx.freeswitch.display_name import display_name
from bizpbx.freeswitch.esl import OutboundSession
from bizpbx.freeswitch.kept import ACTION, kept_variables
from bizpbx.freeswitch.media import Media
from bizpbx.freeswitch.ring_end import DISPOSITION, ENDING, FAILED_GATEWAY, ring_end
from bizpbx.freeswitch.told import CALLEE, told_before
from bizpbx.freeswitch.transfer_keys import BOUND
from bizpbx.policy.plan import Cause, GatewayTarget, Kept, Plan, Reason, Ring, Stage
from bizpbx.policy.prompt import Prompt

RESPONSE_MARGIN: Final = 10.0
"""Seconds that FreeSWITCH may take beyond the ring time before the call is given up as lost."""

TALK_LIMIT: Final = 24 * 3600.0
"""Seconds after which a reply to a bridge is no longer waited for: longer than any call we allow."""

RINGS: Final = (Stage.RING, Stage.NO_ANSWER, Stage.BACK)

ANNOUNCEMENT_LIMIT: Final = 60.0
"""Seconds that an announcement may last."""

MESSAGE_LIMIT: Final = 330.0
"""Seconds that a message may last: five minutes, and what the switch may take beyond. A voicemail with what is said
before it is shorter."""

ENTRY_LIMIT: Final = 120.0
"""Seconds that keying in may last: the prompt, MOST_KEYS and the silence after each."""

MOST_KEYS: Final = 16
"""Of one entry. Twice as many as a passcode has at most: with eight nobody would wait for the `#` after them,
which then began the next entry."""

RINGBACK: Final = "%(1000,3000,425)"
"""A second of 425 Hz, three of silence: the ringing tone that ITU-T E.180 recommends."""

RINGBACKS: Final = ("ringback", "transfer_ringback")
"""Which of them is heard depends on whether the call has been answered."""

NOTHING: Final = "silence_stream://10"

DIGITS: Final = "bizpbx_digits"
"""Variable that what is keyed in is read from, and that is unset at once."""

ANSWER_LIMIT: Final = 10.0
"""Seconds that an answer may take."""

SETTLING: Final = "300"
"""Milliseconds from the answer to the first word, which would be lost before both sides have agreed on the way."""

REACTION: Final = 0.3
"""Seconds that a key takes until we are told of it; nobody presses one sooner for what he hears."""

BEEP: Final = "tone_stream://%(400,100,1000)"

DIVERSION: Final = "_nolocal_sip_h_Diversion"
"""Exported: the prefix keeps it off the caller's own leg. Legs of every later ring have it, too, until it is unset."""

TERMINATORS: Final = "playback_terminators"
"""Keys that end what is played or recorded; without it FreeSWITCH takes `*`."""

SILENCE: Final = 5
"""Seconds of silence that end a recording."""

SILENCE_LEVEL: Final = 100
"""Mean of the samples' amounts, of 32767, below which FreeSWITCH takes 20 ms for silence."""

EARLY_MEDIA: Final = "ignore_early_media"
ENDED_TOGETHER: Final = "fail_on_single_reject"

UNSAID: Final = dict.fromkeys((*ENDING, ACTION, CALLEE, ENDED_TOGETHER), "") | {EARLY_MEDIA: "false"}
"""Values that need not be written where the channel has none: a variable more is copied by the switch dozens of times
in a call, and one that is taken off is looked for among two hundred."""

CANCELLED: Final = "ORIGINATOR_CANCEL"
"""Disposition of a ring that the caller has ended."""

T = TypeVar("T")


class FreeSwitchCall:
    """Implements `bizpbx.calls.call.Call`. Build it after `session.connect()`."""

    def __init__(self, session: OutboundSession, media: Media) -> None:
        self._session = session
        self._prompts = media.prompts
        self._media = media
        self._pending: dict[str, str] = {}
        data = session.session_data
        if data is None:
            raise CallGone
        self.arrival: Arrival = arrival_of(data)
        self._before = told_before(data, self.arrival)
        self._key = (data.get("variable_bizpbx_device") or data.get("variable_bizpbx_target", "")).partition("-")[0]
        self._attempt = self.arrival.attempt
        self._step = data.get("variable_bizpbx_step", "")
        self._speaks = data.get("Answer-State") in ("early", "answered")
        """The caller hears the switch: no phone of his makes a ringing tone any more."""
        self._answered = data.get("Answer-State") == "answered"
        # Not looked for on a new call, which has exported nothing: all that is known of it would be searched.
        self._diverted = self.arrival.stage is not Stage.NEW and bool(data.get(f"variable_{DIVERSION}"))
        self._absent = frozenset(name for name in UNSAID if not data.get(f"variable_{name}"))
        """What is known not to be on the channel, until the first application runs."""
        self._last = time.monotonic()
        """When an application ended last."""
        self._noted = False
        self._keys = True
        self._told = False
        """Whether the caller has heard why the call comes to nothing."""
        self._kept: Kept | None = None
        self._organisation = ""

    def note(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        plan: Plan,
        attempt: int = 0,
        kept: Kept | None = None,
        section: int = 0,
    ) -> None:
        """Kept back until the next command, so that noting costs no round trip of its own."""
        self._pending |= {
            "bizpbx_stage": stage.value,
            **self._before.variables(reasons, plan),
            "bizpbx_domain": plan.organisation or "",
        }
        step = str(section) if section else ""
        if step != self._step:
            # A call that was transferred here may bring along the step of another one.
            self._pending["bizpbx_step"] = self._step = step
        if attempt != self._attempt:
            self._pending["bizpbx_attempt"] = str(attempt)
            self._attempt = attempt
        self._organisation = plan.organisation or ""
        self._keys = plan.transfers
        if not self._noted or kept != self._kept:
            # Also where nothing is kept: a call that was transferred here may bring along what was.
            self._pending |= kept_variables(kept)
            self._kept = kept
        # Empty until this step has ended: that is how the next controller tells "asked" from "done".
        if stage in RINGS or (self.arrival.stage is Stage.NEW and not self._noted):
            self._pending |= dict.fromkeys(ENDING, "")
        if stage in ENDED_BY:
            self._pending[ENDED_BY[stage]] = ""
        if stage is Stage.PASSCODE:
            # Some key it in before they are asked.
            self._pending["sensitive_dtmf"] = "true"
        self._noted = True

    def ring(self, ring: Ring) -> Unanswered | Talked:
        variables = _ring_variables(ring)
        if self._speaks:
            variables |= dict.fromkeys(RINGBACKS, RINGBACK)
        if self.arrival.holds is not None:
            variables["hangup_after_bridge"] = "false"
        elif self.arrival.device and self._keys and not ring.insists:
            # Whoever answers an emergency call is not to be sent elsewhere.
            variables |= BOUND
        if ring.diverted_by:
            # The value is built from our own tokens.
            reason = "no-answer" if ring.stage is Stage.NO_ANSWER else "unconditional"
            header = f"<sip:{ring.diverted_by}@{ring.targets[0].domain}>;reason={reason}"
            self._tell(lambda: self._session.execute("export", f"{DIVERSION}={header}"))
            self._diverted = True
        elif self._diverted:
            variables[DIVERSION] = ""
            self._diverted = False
        began = time.monotonic()
        self._execute("bridge", dial_string(ring, self._legs(ring)), variables, TALK_LIMIT)
        data = self._tell(self._session.refresh)
        if transfers_of(data) != self.arrival.transfers:
            # In sync mode the switch goes on taking commands for the call as it was.
            raise CallMoved
        if self.arrival.holds is not None and data.get(f"variable_{DISPOSITION}") == CANCELLED:
            return Talked()  # By a key: the caller is here, and wants no more of it.
        return ring_end(data, round(time.monotonic() - began))

    def _legs(self, ring: Ring) -> Legs:
        """What the legs of a ring are told."""
        # The operator's file is looked for on the disk: only where there is somebody to warn.
        warning = str(self._prompts.path(Prompt.ALLOWANCE_ENDING)) if any(map(is_leased, ring.targets)) else ""
        arrival = self.arrival
        if arrival.holds is None:
            return Legs(warning, self._keys)
        names = [
            target.lease.leg
            if isinstance(target, GatewayTarget) and target.lease is not None
            else leg_name(leg_of(arrival.id, ring, position, arrival.transfers))
            for position, target in enumerate(ring.targets)
        ]
        return Legs(warning, self._keys, Consulting(arrival.holds, self._key), names)

    def play(self, sound: Prompt | str, answer: bool) -> None:
        if isinstance(sound, Prompt):
            path: Path | None = self._prompts.path(sound)
        else:
            path = self._media.message(self._organisation, sound)
        self._speaks = True
        if answer:
            self.answer()
        if path is not None:
            # `#` is for those who know the message; all other keys are nobody's.
            self._execute("playback", str(path), {TERMINATORS: "#"}, MESSAGE_LIMIT)

    def record(self, longest: int) -> None:
        self._execute("answer", "", {}, ANSWER_LIMIT)
        self._execute("playback", BEEP, {TERMINATORS: "none"}, ANNOUNCEMENT_LIMIT)
        path = self._media.recording(self.arrival.id)
        variables = {TERMINATORS: "#", "record_fill_cng": "true"}
        limits = f"{longest} {SILENCE_LEVEL} {SILENCE}"
        self._execute("record", f"{path} {limits}", variables, longest + RESPONSE_MARGIN)

    def announce(self, prompt: Prompt) -> None:
        """Early media (183), unless the call is answered."""
        self._speaks = self._told = True
        self._execute("playback", str(self._prompts.path(prompt)), {}, ANNOUNCEMENT_LIMIT)

    def ask_digits(self, prompt: Prompt, tries: int) -> str:
        # From here to its end the switch neither logs this call's digits nor makes events of them: what is keyed in
        # between two questions belongs to the passcode, too.
        # A caller who hangs up meanwhile leaves no file with all variables of the call in it.
        variables = {"sensitive_dtmf": "true", "bizpbx_tries": str(tries), "process_cdr": "false"}
        sound = str(self._prompts.path(prompt))
        self._speaks = True
        digits, key = "", ""
        # Key by key: the switch tells all variables with the end of a call, and none may hold what was keyed in until
        # then. Without a regular expression: the switch would log what it compares.
        while key != "#" and len(digits) < MOST_KEYS:
            self._execute("play_and_get_digits", f"1 1 1 5000 none {sound} {NOTHING} {DIGITS}", variables, ENTRY_LIMIT)
            variables, sound = {}, NOTHING
            key = self._tell(self._session.refresh).get(f"variable_{DIGITS}", "")
            if not key:
                break
            digits += key
        self._tell(lambda: self._session.set_variables({DIGITS: "", "process_cdr": ""}))
        return digits.removesuffix("#")

    def ask_key(self, sound: str | None, seconds: int) -> str:
        # A key that is pressed before an answer gets lost at many a carrier.
        self.answer()
        path = self._media.message(self._organisation, sound) if sound is not None else None
        asked = f"1 1 1 {seconds * 1000:d} # {path or NOTHING} {NOTHING} {DIGITS}"
        self._execute("play_and_get_digits", asked, {}, MESSAGE_LIMIT + seconds)
        key = self._tell(self._session.refresh).get(f"variable_{DIGITS}", "")
        self._tell(lambda: self._session.set_variables({DIGITS: ""}))
        return key

    def answer(self) -> None:
        """With a pause, so that the first word is heard."""
        self._speaks = True
        if not self._answered:
            self._execute("answer", "", {}, ANSWER_LIMIT)
            self._execute("sleep", SETTLING, {}, ANSWER_LIMIT)
            self._answered = True

    def say(self, sounds: Sequence[Prompt | Path]) -> None:
        self._execute("playback", self._joined(sounds), {TERMINATORS: "none"}, MESSAGE_LIMIT)

    def offer(self, sounds: Sequence[Prompt | Path], seconds: int, fresh: bool = False) -> str:
        # Without a terminator: `#` is a key like the others. FreeSWITCH takes 0 ms for ever.
        asked = f"1 1 1 {max(100, seconds * 1000):d} none {self._joined(sounds)} {NOTHING} {DIGITS}"
        began = time.monotonic()
        # What a caller sends while nothing is played is read once something is, no faster than it came.
        unread = began - self._last + REACTION if fresh else 0.0
        while True:
            self._execute("play_and_get_digits", asked, {}, MESSAGE_LIMIT + seconds)
            key = self._tell(self._session.refresh).get(f"variable_{DIGITS}", "")
            if key:
                self._tell(lambda: self._session.set_variables({DIGITS: ""}))
            if not key or self._last - began >= unread:
                return key

    def _joined(self, sounds: Sequence[Prompt | Path]) -> str:
        paths = (
            self._prompts.path(sound) if isinstance(sound, Prompt) else self._media.file(sound) for sound in sounds
        )
        return "file_string://" + "!".join(map(str, paths))

    def hang_up(self, cause: Cause) -> None:
        if self.arrival.holds is None:
            self._execute("hangup", cause.value, {}, None)
            return
        if cause is not Cause.NORMAL_CLEARING and not self._told:
            self.announce(Prompt.NOBODY_THERE)
        # The dialplan goes on with the way back.
        pending, self._pending = {**self._pending, CONSULTING: ""}, {}
        self._tell(lambda: self._session.set_variables(pending))

    def _execute(self, app: str, arg: str, variables: dict[str, str], deadline: float | None) -> None:
        """Run an application, with what was noted and these variables set before it in the same packet."""
        pending, self._pending = {**self._pending, **variables}, {}
        for name in self._absent:
            if pending.get(name) == UNSAID[name]:
                del pending[name]
        self._absent = frozenset()
        self._tell(lambda: self._session.execute(app, arg, variables=pending, deadline=deadline))
        self._last = time.monotonic()

    def _tell(self, command: Callable[[], T]) -> T:
        try:
            return command()
        except (OutboundSessionHasGoneAway, NotConnectedError):
            raise CallGone from None


def _ring_variables(ring: Ring) -> dict[str, str]:
    return {
        "call_timeout": str(ring.timeout),
        "effective_caller_id_name": "Anonymous" if ring.withheld else display_name(ring.caller_name),
        # With several targets ringing, one target's announcement must not become what the caller hears.
        EARLY_MEDIA: "true" if len(ring.targets) > 1 else "false",
        "sip_copy_custom_headers": "false",
        # Together with others a gateway that fails ends the ring, so that the next one is tried while there is time.
        # One who is cut off is told so; without a lease the call is over when its conversation is.
        "hangup_after_bridge": "false" if any(is_leased(target) for target in ring.targets) else "true",
        ENDED_TOGETHER: ",".join(FAILED_GATEWAY) if ring.patience and len(ring.targets) > 1 else "",
    }
