"""What a call scenario is written against: phones and a carrier round a switch, and what each of them saw.

The real world (SIPp phones on a real switch) and the simulated one implement the same protocols, so that one scenario
runs on both:

    with world:
        world.phone("acme.example", "100-ip_phone", secret, answers())
        carrier = world.carrier(5090)
        result = world.call(carrier.caller("+6531234567"), "+6564291310", hangup_after=0.2)
        assert result.answered
        assert rang(world) == {"100-ip_phone"}
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Protocol, Self

from bizpbx.errors import BizpbxError


class TestbedError(BizpbxError):
    """A phone, a carrier or a switch of the testbed did not do what it was started for."""

    code = "testbed"
    __test__ = False  # not a test case, whatever its name looks like to a collector


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a phone does with a call. Make one with the functions and values below."""

    code: int | None
    """Final SIP response to the INVITE: 200 answers, 486 is busy; None rings until it is cancelled."""
    after: float | None = 0.0
    """Seconds from the INVITE to that response; None: when it is told to, see Phone.answer."""
    talks: float | None = None
    """Seconds after which it hangs up; None leaves that to the other side."""
    rings: bool = True
    """Sends 180 Ringing first."""
    registers: bool = True
    """False: the phone is switched off."""
    as_dialled: bool = False
    """The response is the last three digits of the number that was dialled, in place of `code`."""
    keys: str = ""
    """Keyed in once it has answered, see World.place; `talks` counts from the last key on."""


def answers(after: float | None = 0.1, talks: float | None = None, keys: str = "") -> Behaviour:
    """Rings for `after` seconds (None: until it is told to answer), answers, keys in `keys`, and hangs up `talks`
    seconds later (None: never of its own accord)."""
    return Behaviour(200, after, talks, keys=keys)


def refuses(code: int, after: float | None = 0.0) -> Behaviour:
    """Turns the call down with this SIP code; rings first only if `after` is more than nothing, or None: until it is
    told to answer."""
    return Behaviour(code, after, rings=after is None or after > 0)


FIRST_KEY: Final = 0.3
"""Seconds from early media, or from the answer, to the first key."""
BETWEEN_KEYS: Final = 0.1
COMMA: Final = 1.0

rings_only: Final = Behaviour(None)
busy: Final = refuses(486)
declines: Final = refuses(603)
refuses_as_dialled: Final = Behaviour(0, rings=False, as_dialled=True)
silent: Final = Behaviour(None, rings=False)
unregistered: Final = Behaviour(None, rings=False, registers=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """How a REGISTER ended. `code` is the SIP response; 0 means that none was sent, 408 that none came back."""

    code: int
    reason: str = ""

    @property
    def registered(self) -> bool:
        return self.code == 200


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call as the phone or carrier that received it saw it."""

    number: str
    """User of the From header: the number a display shows."""
    display_name: str
    to_user: str
    """User of the request URI: for a carrier, the number that was dialled."""
    diversion: str | None = None
    """User of the first Diversion header."""
    privacy: str | None = None
    """The Privacy header, such as `id`."""
    pai: str | None = None
    """User of the first P-Asserted-Identity header."""
    rang: bool = False
    answered: bool = False
    cancelled: bool = False
    cancel_reason: str | None = None
    """The Reason header of the CANCEL, such as `SIP;cause=200;text="Call completed elsewhere"`."""
    ended: bool = False
    """Whether the call is over for this phone."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """All headers of the INVITE in order, as (name, value)."""

    def header(self, name: str) -> str | None:
        """The first value of this header, whatever the case of its name; None if it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class EndedBy(StrEnum):
    """Who sent the BYE of an answered call."""

    CALLER = "caller"
    CALLEE = "callee"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call as the one who placed it saw it. Times are seconds from its first INVITE."""

    code: int
    """Final SIP response to the INVITE; 0 if none came."""
    reason: str = ""
    """Its reason phrase."""
    provisional: tuple[int, ...] = ()
    """1xx responses in order."""
    time_to_ring: float | None = None
    """To the first 180 or 183."""
    time_to_answer: float | None = None
    duration: float = 0.0
    """Seconds from answer to BYE."""
    ended_by: EndedBy = EndedBy.NOBODY
    cause: str | None = None
    """The Reason header of what ended the call, such as `Q.850;cause=17;text="USER_BUSY"`."""

    @property
    def answered(self) -> bool:
        return self.code == 200


class Callee(Protocol):
    """Who takes calls, and can be told what to do with the newest one that is not over. What it is told is done once
    it can be; TestbedError is raised where it cannot within a few seconds. Where a scenario waits for something before
    it goes on, telling is what keeps its order on a machine that is busy."""

    @property
    def incoming(self) -> Sequence[Incoming]:
        """The calls it saw since it was made or last told to forget, in order."""

    def forget(self) -> None:
        """Let `incoming` start anew."""

    def answer(self) -> None:
        """Give the final response of a behaviour that waits to be told."""

    def press(self, keys: str) -> None:
        """Key in digits, `*` and `#`, once the call is answered and its behaviour has no more keys. Returns when the
        last one has been taken. Not for one that `talks` for a time."""

    def hang_up(self) -> None:
        """End the call, once it is answered and its behaviour has no more keys."""


class Phone(Callee, Protocol):
    """A device of an extension. Registered, or refused, by the time World.phone returns it."""

    @property
    def domain(self) -> str: ...

    @property
    def username(self) -> str: ...

    @property
    def registration(self) -> Registration: ...

    def caller(
        self, *, display_name: str = "", claims: str | None = None, headers: Mapping[str, str] | None = None
    ) -> PhoneCaller:
        """This phone as a caller that says something unusual: `claims` is another user in its From header."""


class Carrier(Callee, Protocol):
    """The far end of a trunk: takes calls for any number, and places calls from the port it listens on."""

    @property
    def port(self) -> int: ...

    def caller(
        self,
        number: str | None,
        *,
        display_name: str = "",
        withheld: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> CarrierCaller:
        """Somebody outside who calls through this carrier.

        Withheld: From is anonymous, `Privacy: id` is set, and the number, if given, is in P-Asserted-Identity.
        """


@dataclass(frozen=True, slots=True)
class PhoneCaller:
    """A phone that places a call, and what it says of itself."""

    phone: Phone
    display_name: str = ""
    claims: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CarrierCaller:
    """Somebody outside who calls through a carrier."""

    carrier: Carrier
    number: str | None
    display_name: str = ""
    withheld: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


SAMPLE_RATE: Final = 8000


@dataclass(frozen=True, slots=True)
class Speech:
    """A tone, in place of what a caller says after the beep of a voicemail."""

    frequency: float
    """Hz."""
    seconds: float


Caller = Phone | PhoneCaller | CarrierCaller


class PlacedCall(Protocol):
    """A call under way."""

    def wait_for(self, code: int, timeout: float = 20.0) -> None:
        """Return once the caller has received this SIP code. Raises TestbedError if it does not come in time."""

    def result(self, timeout: float = 30.0) -> CallResult:
        """Wait for the end of the call. Raises TestbedError after `timeout` seconds; the call is then given up."""

    def heard(self) -> array[int]:
        """What the caller has heard so far of a call that was placed with `listens` or `says`: samples at SAMPLE_RATE.
        Where nothing was sent there is nothing."""

    def wait_until_said(self, timeout: float = 30.0) -> None:
        """Return once all that the call was placed to say has been said. Raises TestbedError if it has not in time."""

    def press(self, keys: str) -> None:
        """Key in digits, `*` and `#`. In a call that was placed with `listens` or `says`, and is heard by now, as RTP
        events; returns at once. In another one, once it is answered and has no more keys of `talking`; returns when the
        last one has been taken."""

    def hang_up(self) -> None:
        """End the call, once it is answered and has no more keys of `talking`. Raises TestbedError where that is not
        within a few seconds."""


class World(Protocol):
    """Phones and carriers round one switch. A context manager: leaving it ends everything that it started."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def phones(self) -> Sequence[Phone]: ...

    @property
    def carriers(self) -> Sequence[Carrier]: ...

    def phone(self, domain: str, username: str, password: str, behaviour: Behaviour = rings_only) -> Phone:
        """A device with its own credentials. It takes the place of an earlier phone with the same name."""

    def carrier(self, port: int, behaviour: Behaviour = answers()) -> Carrier:  # noqa: B008 — a frozen value
        """A trunk's far end that listens on 127.0.0.1:`port`; it takes the place of an earlier one there."""

    def close(self, carrier: Carrier) -> None:
        """Take a carrier away: nobody listens on its port any more."""

    def place(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        says: Speech | None = None,
        listens: bool = False,
    ) -> PlacedCall:
        """Start a call and go on.

        The caller hangs up `hangup_after` seconds after the answer (None: the callee does), and gives up when there is
        neither an answer nor any more progress within `cancel_after` seconds (None: it waits for the switch).
        `keys` are keyed in once there is early media, `talking` once there is an answer: digits, `*` and `#`; a comma
        waits for a second, and the time to the hang-up begins with the last key. `says` is said after the beep of a
        voicemail; with `listens` what is heard is kept.
        """

    def call(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        timeout: float = 30.0,
    ) -> CallResult:
        """Place a call, wait until it has ended for everybody, and tell how it went for the caller."""

    def forget(self) -> None:
        """Let what every phone and carrier saw start anew."""


def rang(world: World, domain: str | None = None) -> set[str]:
    """User names of the phones that rang since the last `forget`; with `domain`, of that organisation's only."""
    return {
        phone.username
        for phone in world.phones
        if (domain is None or phone.domain == domain) and any(call.rang for call in phone.incoming)
    }


def answered(world: World, domain: str | None = None) -> set[str]:
    """User names of the phones that answered since the last `forget`; with `domain`, of that organisation's only."""
    return {
        phone.username
        for phone in world.phones
        if (domain is None or phone.domain == domain) and any(call.answered for call in phone.incoming)
    }


def as_caller(caller: Caller) -> PhoneCaller | CarrierCaller:
    """A bare phone is a caller that says nothing unusual."""
    return caller if isinstance(caller, PhoneCaller | CarrierCaller) else PhoneCaller(caller)
