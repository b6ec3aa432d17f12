"""The plan of a call: what the switch does, step by step, and why. `explain` prints the object that is executed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import DeviceKind, NoAnswerAction


class Cause(StrEnum):
    """Hang-up causes in the switch's own spelling (Q.850 names). docs/calls.md lists the SIP code each becomes."""

    NORMAL_CLEARING = "NORMAL_CLEARING"
    USER_BUSY = "USER_BUSY"
    NO_ANSWER = "NO_ANSWER"
    CALL_REJECTED = "CALL_REJECTED"
    UNALLOCATED_NUMBER = "UNALLOCATED_NUMBER"
    INVALID_NUMBER_FORMAT = "INVALID_NUMBER_FORMAT"
    OUTGOING_CALL_BARRED = "OUTGOING_CALL_BARRED"
    USER_NOT_REGISTERED = "USER_NOT_REGISTERED"
    NORMAL_TEMPORARY_FAILURE = "NORMAL_TEMPORARY_FAILURE"


class Stage(StrEnum):
    """Where a call stands. Written to the channel before each step, so that another controller can go on from there."""

    NEW = "new"
    PASSCODE = "passcode"
    GATHER = "gather"
    RING = "ring"
    NO_ANSWER = "no_answer"
    MESSAGE = "message"
    RECORD = "record"
    MAILBOX = "mailbox"
    BACK = "back"
    """Nobody took a call that was transferred: it rings where it came from."""
    ANNOUNCE = "announce"
    KEEP = "keep"
    ONWARD = "onward"
    """Nothing is done there: the next section of a virtual line follows."""
    END = "end"


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """A registered device. `number` is the caller's number as this device is to show it."""

    extension: str
    kind: DeviceKind
    sip_user: str
    domain: str
    number: str
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Talk time that was granted to one leg before it is dialled."""

    leg: str
    """UUID that the switch is to give the leg."""
    seconds: int | None
    """From the answer on, after which the switch ends the leg by itself; None: nothing limits it."""


@dataclass(frozen=True, slots=True)
class GatewayTarget:
    """A number behind a gateway. `dial` is what the gateway is asked for, `number` the caller ID it is given."""

    gateway: str
    """Name on the switch."""
    dial: str
    number: str
    asserted: str | None = None
    """E.164 number of the organisation that answers for the call (P-Asserted-Identity), whatever `number` is."""
    domain: str = ""
    """The organisation's: whose number is asserted."""
    fallbacks: tuple[str, ...] = ()
    """Names on the switch of the gateways that are tried after this one, in order, as long as gateways fail."""
    charge: str | None = None
    """Key of the extension that pays; None: nobody does, the call is an emergency or goes to a mapped gateway."""
    lease: Lease | None = None
    """What it was granted; a plan has none yet."""


Target = DeviceTarget | GatewayTarget


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a call that nobody takes. It travels on the caller's channel into the switch's own record of the
    leg, so that it is kept whenever the caller hangs up, and whatever becomes of the controller."""

    action: NoAnswerAction
    """MISSED_CALL or VOICEMAIL."""
    mailbox: str
    """Key of the extension whose settings these are."""
    caller: str | None
    """Key, or number in E.164; None of a withheld caller."""
    name: str = ""
    """The caller's, cleaned."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring all targets together; the first answer wins and the call ends with that bridge."""

    stage: Stage
    targets: tuple[Target, ...]
    timeout: int
    """Seconds."""
    caller_name: str
    """Shown beside the number. Free text: goes through `set`, never into a dial string."""
    withheld: bool = False
    """The caller asked for privacy: neither number nor name is shown."""
    diverted_by: str | None = None
    """Number or key of the extension that forwarded the call; becomes the Diversion header."""
    attempt: int = 0
    """0 for the first gateway. A later attempt of a stage is made only if the gateway of the one before it failed."""
    patience: int | None = None
    """Seconds that the gateway may take until it rings or speaks, before the next attempt; None: there is no other."""
    insists: bool = False
    """Whether a later attempt is made whatever the gateway before it said, but busy and no answer (emergency calls)."""
    kept: Kept | None = None
    """What is kept of the call if it goes no further than this step; the same on the other steps. In a section None
    leaves what a step before kept."""
    section: int = 0
    """Step of a virtual line that this is part of, from 1 on; other calls have no sections."""


@dataclass(frozen=True, slots=True)
class AskPasscode:
    """Ask the caller for the passcode of an extension. Nothing that follows is done before it is right."""

    stage: Stage
    extension: str
    """Key. The passcode itself is in no plan, nor is what it is stored as."""
    tries: int = 3
    section: int = 0


@dataclass(frozen=True, slots=True)
class AskPin:
    """Answer, and ask for the PIN of a mailbox. Nothing that follows is done before it is right."""

    stage: Stage
    extension: str
    """Key. The PIN itself is in no plan, nor is what it is stored as."""
    tries: int = 3
    section: int = 0


@dataclass(frozen=True, slots=True)
class Listen:
    """Answer, and let the caller hear what is in a mailbox, and say what becomes of each message."""

    stage: Stage
    mailbox: str
    """Key of the extension."""
    section: int = 0


@dataclass(frozen=True, slots=True)
class Gather:
    """Answer the call and wait for one key, which says in which section it goes on. Keys are no secret here."""

    stage: Stage
    section: int
    sections: tuple[tuple[str, int], ...]
    """Key → section, all of them later ones."""
    otherwise: int
    """Section where the call goes on if none of these is pressed."""
    seconds: int
    """That the caller has for it, once the message is over."""
    tries: int
    sound: str | None = None
    """Content id of what is heard meanwhile; a key ends it."""
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """From here on the call is kept, unless somebody takes it."""

    stage: Stage
    kept: Kept
    section: int = 0


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on in a later section."""

    stage: Stage
    section: int
    to: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the caller something before the call ends. Without a prompt: what fits the way the last ring ended."""

    stage: Stage
    prompt: Prompt | None = None
    section: int = 0


@dataclass(frozen=True, slots=True)
class Play:
    """Let the caller hear the message of an extension, before the answer unless the step answers."""

    stage: Stage
    sound: Prompt | str
    """Content id of a sound, or one of the announcements."""
    answer: bool = False
    kept: Kept | None = None
    section: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Answer, beep, and record what the caller says."""

    stage: Stage
    longest: int
    """Seconds."""
    kept: Kept | None = None
    section: int = 0


PROMPT_FOR: Final = {
    Cause.OUTGOING_CALL_BARRED: Prompt.NOT_ALLOWED,
    Cause.NORMAL_TEMPORARY_FAILURE: Prompt.LINES_BUSY,
    Cause.UNALLOCATED_NUMBER: Prompt.NOT_IN_SERVICE,
}
"""Causes that a caller is told in words. The others are tones on every phone."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call. Without a cause: with the one the last ring ended with."""

    stage: Stage
    cause: Cause | None = None
    kept: Kept | None = None
    section: int = 0


Step = Ring | AskPasscode | AskPin | Gather | Play | Record | Listen | Announce | Keep | GoOn | HangUp


def kept_by(step: Step) -> Kept | None:
    """What is kept of a call that goes no further than this step."""
    return step.kept if isinstance(step, Ring | Gather | Play | Record | Keep | HangUp) else None


def keeping(step: Step, kept: Kept | None) -> Step:
    """The same step of a call that this is kept of."""
    return replace(step, kept=kept) if isinstance(step, Ring | Gather | Play | Record | HangUp) else step


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that was applied: its stable code and a sentence for people."""

    rule: str
    text: str
    section: int = 0
    """Of the step that it explains; 0: it is about the whole call."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order: by section, stage and attempt. The last one is always a HangUp; so may be the last one of a
    section. A Ring that is answered ends the plan, and nothing ever goes back to a step before."""

    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    callee: str | None = None
    """Key of the extension or virtual line that was called, if there is one."""
    organisation: str | None = None
    """Domain of the organisation whose call it is, as far as that is clear."""
    transferred_by: str | None = None
    """Key of the extension that transferred the call, if it was."""
    transfers: bool = True
    """Whether the codes of a transfer are heard while it is talked."""
