"""One leg of a call: its variables, its profile, its state, and the data about it that events carry."""

from __future__ import annotations

import re
import uuid as uuids
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace

from gevent.event import Event as Flag
from gevent.queue import Empty, Queue

from bizpbx.simulator import causes
from bizpbx.simulator.clock import Clock
from bizpbx.simulator.codes import Codes
from bizpbx.simulator.events import EventBus
from bizpbx.simulator.text import expand, is_true
from bizpbx.testbed.world import Speech


@dataclass(frozen=True)
class Profile:
    """What the dialplan matches on (FreeSWITCH: caller profile)."""

    username: str = ""
    caller_id_name: str = ""
    caller_id_number: str = ""
    network_addr: str = "127.0.0.1"
    destination_number: str = ""
    context: str = "default"
    dialplan: str = "XML"
    rdnis: str = ""
    callee_id_name: str = ""
    callee_id_number: str = ""

    def field(self, name: str) -> str | None:
        """A field by the dialplan's name for it; None if there is no such field."""
        fixed = {"ani": self.caller_id_number, "source": "mod_sofia", "aniii": ""}
        value = fixed.get(name) if name in fixed else getattr(self, name, None)
        return value if isinstance(value, str) else None


class Channel:
    """A leg. `ended` is set by the hang-up; everything that waits on a leg waits on that, too."""

    def __init__(
        self,
        bus: EventBus,
        clock: Clock,
        name: str,
        profile: Profile,
        direction: str = "inbound",
        uuid: str | None = None,
    ) -> None:
        self.uuid = uuid or str(uuids.uuid4())
        self.name = name
        self.profile = profile
        self.direction = direction
        self.cause = "NONE"
        self.answered = Flag()
        self.ended = Flag()
        self.busy = False
        """An application runs in the middle of its conversation."""
        self.broken = Flag()
        """Set by `uuid_break`: the running application is to end."""
        self.sent_on = Flag()
        """Set by a transfer: the leg has a new destination, so that the actions of the old one are void."""
        self.fetched = Flag()
        """Set by another leg that is to talk with this one: it leaves what it does to that one."""
        self.loose = Flag()
        """It has done so."""
        self.let_go = Flag()
        """Set by a key that ends the conversation, and neither leg."""
        self.codes = Codes()
        """Codes of keys that are listened for."""
        self.wanted: Queue[tuple[str, str]] = Queue()
        """Applications that codes have led to, with their arguments, for the one who runs the bridge."""
        self.passed_on = ""
        """Keys of the other side that have reached the far end."""
        self.ringing = Flag()
        self.early = Flag()
        """The caller hears the switch, before an answer."""
        self.keyed: Queue[str] = Queue()
        """Keys that no application has taken yet."""
        self.says: Speech | None = None
        """What the caller says once a recording of it has begun."""
        self.speaks_since: float | None = None
        self.heard: array[int] = array("h")
        """What the switch has played to it."""
        self.hides_number = False
        self.call_uuid = self.uuid
        self.partner: Channel | None = None
        """The leg it talks with."""
        self.other: Channel | None = None
        """The leg it talked with last, or that called it."""
        self.clock = clock
        self.created = clock.now()
        self.answered_at = self.hung_up_at = 0.0
        self.rang_at = self.heard_at = 0.0
        self.sip_refusal: int | None = None
        """Final code that `respond` asked for."""
        self.on_answer: list[Callable[[Channel], None]] = []
        """Called when the leg is answered."""
        self.on_hangup: list[Callable[[Channel], None]] = []
        """Called at the hang-up, before anything that waits for it goes on."""
        self.on_report: list[Callable[[Channel], None]] = []
        """Called when the leg is over for good, before the listeners are told."""
        self._bus = bus
        self._recorded = False
        self._pressed = ""
        self._variables: dict[str, str] = {"direction": direction, "uuid": self.uuid, "channel_name": name}

    @property
    def has_spoken(self) -> bool:
        """Whether all that the caller says has been said."""
        return (
            self.says is not None
            and self.speaks_since is not None
            and self.clock.now() >= self.speaks_since + self.says.seconds
        )

    # Variables

    def get(self, name: str) -> str | None:
        """A variable, else the profile's field of that name, as `${name}` reads it."""
        if name == "privacy_hide_number":
            return str(self.hides_number).lower()
        value = self._variables.get(name)
        return value if value is not None else self.profile.field(name)

    def set(self, name: str, value: str | None) -> None:
        """Set a variable; empty or None takes it away."""
        if value:
            self._variables[name] = value
        else:
            self._variables.pop(name, None)

    def push(self, name: str, value: str) -> None:
        """Add to a variable; from the second value on it is an array."""
        old = self._variables.get(name)
        if old is None:
            self._variables[name] = value
        else:
            self._variables[name] = ("" if old.startswith("ARRAY::") else "ARRAY::") + f"{old}|:{value}"

    def is_true(self, name: str) -> bool:
        return is_true(self.get(name))

    def expand(self, text: str) -> str:
        """Put variables in place of `${…}`, and unescape, by FreeSWITCH's rules."""
        return expand(text, self.get)

    @property
    def variables(self) -> dict[str, str]:
        """A copy of all variables."""
        return dict(self._variables)

    # Life

    @property
    def up(self) -> bool:
        return not self.ended.is_set()

    def answer(self) -> None:
        """Answer an incoming leg, or mark an outgoing one as answered by its far end."""
        if self.up and not self.answered.is_set():
            self.answered_at = self.clock.now()
            self.answered.set()
            self.set("endpoint_disposition", "ANSWER")
            self.fire("CHANNEL_ANSWER")
            for watcher in self.on_answer:
                watcher(self)

    def ring(self) -> None:
        """The far end rings."""
        if self.up and not self.ringing.is_set() and not self.answered.is_set():
            self.rang_at = self.clock.now()
            self.ringing.set()
            self.fire("CHANNEL_PROGRESS")

    def pre_answer(self) -> None:
        """Let the caller hear the switch."""
        if self.up and not self.early.is_set() and not self.answered.is_set():
            self.heard_at = self.clock.now()
            self.early.set()
            self.set("endpoint_disposition", "EARLY MEDIA")
            self.fire("CHANNEL_PROGRESS_MEDIA")

    def key_in(self, key: str) -> None:
        """The far end presses a key. In a conversation it reaches the other side, unless an application waits for it;
        so do those that a code began with."""
        through, wanted = self.codes.feed(key, self.clock.now())
        self._go_through(through)
        if wanted is not None:
            self.wanted.put(wanted)

    def key_overdue(self) -> None:
        """Let keys through that a code began with, once it is clear that they are none."""
        self._go_through(self.codes.overdue(self.clock.now()))

    def _go_through(self, keys: str) -> None:
        if self.partner is not None and not self.busy:
            if any(key in (self.get("bridge_terminate_key") or "") for key in keys):
                self.let_go.set()
                return
            self.partner.passed_on += keys
            return
        for key in keys:
            self.keyed.put(key)

    def key(self, seconds: float) -> str | None:
        """The next key; None if none is pressed in time, or the leg ends. An event tells it, unless it is sensitive."""
        deadline = self.clock.now() + seconds
        while self.up and (left := deadline - self.clock.now()) > 0:
            try:
                # In steps: a hang-up ends the waiting, too.
                pressed = self.keyed.get(timeout=min(left, 0.1) / self.clock.speed)
            except Empty:
                continue
            if not self.is_true("sensitive_dtmf"):
                self._pressed += pressed
                self.fire("DTMF", ("DTMF-Digit", pressed), ("DTMF-Source", "RTP"))
            return pressed
        return None

    def hang_up(self, cause: str, sip_code: int | None = None) -> None:
        """End the leg, once. `sip_code` is what the far end said or got, if it was a SIP message that ended it."""
        if not self.up:
            return
        self.cause = cause
        self.hung_up_at = self.clock.now()
        self.set("hangup_cause", cause)
        if sip_code is not None:
            self.set("proto_specific_hangup_cause", f"sip:{sip_code}")
        for watcher in self.on_hangup:
            watcher(self)
        self.ended.set()
        self.fire("CHANNEL_HANGUP")

    @property
    def moved(self) -> bool:
        """Whether a transfer has given it a new destination."""
        return self.sent_on.is_set()

    @property
    def taken(self) -> bool:
        """Whether the actions that it carries out are void, for a transfer or another leg that fetches it."""
        return self.moved or self.fetched.is_set()

    def complete(self) -> None:
        """Tell the listeners, once, that the leg is over for good, and has been put on record."""
        if self._recorded:
            return
        self._recorded = True
        self.set("billsec", str(int(self.hung_up_at - self.answered_at) if self.answered_at else 0))
        self.set("duration", str(int(self.hung_up_at - self.created)))
        for name, moment in (
            ("start", self.created),
            ("progress", self.rang_at),
            ("progress_media", self.heard_at),
            ("answer", self.answered_at),
            ("end", self.hung_up_at),
        ):
            self.set(f"{name}_uepoch", _stamp(moment))
        profile = self.profile
        self.set("caller_id", f'"{profile.caller_id_name}" <{profile.caller_id_number}>')
        masked = re.sub(self.get("digits_dialed_filter") or r"\Z", lambda found: "X" * len(found[0]), self._pressed)
        self.set("digits_dialed", masked or "none")
        for report in self.on_report:
            report(self)
        self.fire("CHANNEL_HANGUP_COMPLETE")
        self.fire("CHANNEL_DESTROY")

    def wait(self, seconds: float | None) -> bool:
        """Let time pass until the leg ends; whether it did."""
        return self.clock.wait(self.ended, seconds)

    def send_to(self, destination: str, context: str, dialplan: str = "XML") -> None:
        """Give the leg another destination: what `transfer` does. The hunt follows when the application has ended."""
        self.profile = replace(
            self.profile,
            rdnis=self.profile.destination_number,
            destination_number=destination,
            context=context,
            dialplan=dialplan,
        )
        self.sent_on.set()
        if self.partner is not None:
            self.partner.set("signal_bond", None)
        self.set("signal_bond", None)

    # What events tell

    @property
    def state(self) -> tuple[str, str, str]:
        """Name and number of the state, and the call's state. A hang-up changes the number first."""
        if self._recorded:
            return "CS_REPORTING", "11", "HANGUP"
        call_state = "ACTIVE" if self.answered.is_set() else "RINGING"
        name, number = "CS_EXECUTE", "4"
        if self.direction == "outbound":
            name, number = ("CS_EXCHANGE_MEDIA", "7") if self.partner else ("CS_CONSUME_MEDIA", "8")
        return name, number if self.up else "10", call_state

    def data(self) -> list[tuple[str, str]]:
        """Headers about the channel and all of its variables."""
        state, number, call_state = self.state
        answer_state = "hangup" if not self.up else "answered" if self.answered.is_set() else "ringing"
        headers = [
            ("Channel-State", state),
            ("Channel-Call-State", call_state),
            ("Channel-State-Number", number),
            ("Channel-Name", self.name),
            ("Unique-ID", self.uuid),
            ("Call-Direction", self.direction),
            ("Presence-Call-Direction", self.direction),
            ("Channel-HIT-Dialplan", "true" if self.direction == "inbound" else "false"),
            ("Channel-Call-UUID", self.call_uuid),
            ("Answer-State", answer_state),
        ]
        if not self.up:
            headers.append(("Hangup-Cause", self.cause))
        headers += self.profile_headers("Caller")
        if self.other is not None:
            kind = "originatee" if self.direction == "inbound" else "originator"
            headers += [("Other-Type", kind), *self.other.profile_headers("Other-Leg")]
        return headers + [(f"variable_{name}", value) for name, value in self._variables.items()]

    def profile_headers(self, prefix: str) -> list[tuple[str, str]]:
        """The profile, as `Caller-…` or with another prefix."""
        profile, hidden = self.profile, str(self.hides_number).lower()
        values = [
            ("Direction", self.direction),
            ("Logical-Direction", self.direction),
            ("Username", profile.username),
            ("Dialplan", profile.dialplan),
            ("Caller-ID-Name", profile.caller_id_name),
            ("Caller-ID-Number", profile.caller_id_number),
            ("Orig-Caller-ID-Name", profile.caller_id_name),
            ("Orig-Caller-ID-Number", profile.caller_id_number),
            ("Callee-ID-Name", profile.callee_id_name),
            ("Callee-ID-Number", profile.callee_id_number),
            ("Network-Addr", profile.network_addr),
            ("ANI", profile.caller_id_number),
            ("RDNIS", profile.rdnis),
            ("Destination-Number", profile.destination_number),
            ("Unique-ID", self.uuid),
            ("Source", "mod_sofia"),
            ("Context", profile.context),
            ("Channel-Name", self.name),
            ("Profile-Index", "1"),
            ("Profile-Created-Time", _stamp(self.created)),
            ("Channel-Created-Time", _stamp(self.created)),
            ("Channel-Answered-Time", _stamp(self.answered_at)),
            ("Channel-Hangup-Time", _stamp(self.hung_up_at)),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", hidden),
            ("Privacy-Hide-Number", hidden),
        ]
        return [(f"{prefix}-{name}", value) for name, value in values if value]

    def fire(self, name: str, *more: tuple[str, str]) -> None:
        """Send an event about this channel."""
        self._bus.fire(name, [*self.data(), *more])

    def final_code(self) -> int:
        """SIP code that the caller of an unanswered leg gets: what `respond` said, else what the last far end said,
        else the cause's own. Set `sip_ignore_remote_cause` to leave the far end out."""
        if self.answered.is_set():
            return 200
        remote = "" if self.is_true("sip_ignore_remote_cause") else self.get("last_bridge_proto_specific_hangup_cause")
        if self.sip_refusal is not None:
            return self.sip_refusal
        if remote and remote.startswith("sip:") and remote[4:].isdigit() and int(remote[4:]):
            return int(remote[4:])
        return causes.sip_code(self.cause)


def _stamp(seconds: float) -> str:
    return str(int(seconds * 1_000_000))
