"""The settings a decision is made from, as frozen values. `directory` fills them from SQL; rendering reads the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from bizpbx.policy.line import VirtualLine


class DeviceKind(StrEnum):
    """One device of each kind belongs to an extension at most (product §3)."""

    IP_PHONE = "ip_phone"
    MOBILE = "mobile"
    DESKTOP = "desktop"


class ExtensionType(StrEnum):
    NORMAL = "normal"
    CALL_CENTER = "call_center"


class OnForward(StrEnum):
    """What the destination of a forwarded call sees (product §5)."""

    EXTENSION = "extension"
    CALLER = "caller"


class CallerIdMode(StrEnum):
    """Where the number that an extension presents outside comes from (product §5)."""

    EXISTING = "existing"
    ASSIGNED = "assigned"
    RANDOM = "random"
    REQUEST = "request"


class NoAnswerAction(StrEnum):
    """What happens when nobody answers (product §7)."""

    HANG_UP = "hang_up"
    FORWARD = "forward"
    MISSED_CALL = "missed_call"
    """The call is kept and told by mail."""
    VOICEMAIL = "voicemail"
    """What the caller says is kept and told by mail."""


class UsageLimitKind(StrEnum):
    """What a month's external calls of an extension may come to (product §6)."""

    NONE = "none"
    AMOUNT = "amount"
    MINUTES = "minutes"


class CountryAccess(StrEnum):
    ALLOWED = "allowed"
    PASSCODE = "passcode"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A SIP account outside the PBX. `switch_name` is its name on the switch, unique across organisations."""

    name: str
    switch_name: str
    host: str
    port: int = 5060
    transport: str = "udp"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    """Clear text; present only in values loaded for rendering."""
    trunk: bool = False
    registers: bool = True
    """With a user name: the switch signs in there, and no call leaves while it is not. Otherwise the account only
    answers challenges."""
    ping: int | None = None
    """Seconds between two OPTIONS, by which a gateway that is away is known before a call is lost on it; None: none."""
    addresses: tuple[str, ...] = ()
    """IP addresses and networks that it calls from, beside `host`."""


@dataclass(frozen=True, slots=True)
class DialPlanEntry:
    """A number that starts with one of `starts_with` and has `length` digits loses `strip` digits, gains `prepend`."""

    starts_with: tuple[str, ...]
    length: int
    strip: int = 0
    prepend: str = ""


@dataclass(frozen=True, slots=True)
class CallerIdPlanEntry:
    """Calls to a country whose number after the country code starts with `prefix` (empty: all) present `caller_id`."""

    country: str
    prefix: str
    caller_id: str


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """Which public numbers may be called, and through which gateway (product §9). Countries are ISO 3166 letters, or
    ranges apart. The caller-ID plan holds numbers of the organisation only."""

    name: str
    gateway: Gateway | None
    """None: the organisation's trunks."""
    dial_plan: tuple[DialPlanEntry, ...] = ()
    countries: tuple[tuple[str, CountryAccess], ...] = ()
    caller_id_plan: tuple[CallerIdPlanEntry, ...] = ()
    fallback_gateways: tuple[Gateway, ...] = ()
    """Tried in this order where the one before has failed."""


@dataclass(frozen=True, slots=True)
class Device:
    """One SIP account. `sip_user` is `<key>-<kind>`; its realm is the organisation's domain."""

    kind: DeviceKind
    sip_user: str
    active: bool
    licensed: bool
    rings: bool
    """Listed in the extension's incoming devices."""
    tls: bool = False
    ha1: str | None = field(default=None, repr=False)
    """md5(user:realm:password) in hex; present only in values loaded for authentication and rendering."""

    @property
    def usable(self) -> bool:
        """Without licence or activation a device neither registers, nor calls, nor is called."""
        return self.active and self.licensed


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Forward targets and the VIP list. Numbers are E.164, extensions are keys of the same organisation."""

    enabled: bool = False
    number: str | None = None
    extensions: tuple[str, ...] = ()
    vip_numbers: frozenset[str] = frozenset()
    vip_extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """`wait` in seconds from the start of the call, 5 to 60. `emails` are told of missed calls and voicemail."""

    action: NoAnswerAction = NoAnswerAction.HANG_UP
    wait: int = 30
    number: str | None = None
    emails: tuple[str, ...] = ()
    """Who is told of missed calls and voicemails."""
    message: str | None = None
    """Digest of the sound that is played before all but a forward, see bizpbx/voicemail/sounds.py."""
    longest: int = 60
    """Seconds a voicemail may last, 1 to 60."""
    pin: bool = False
    """Whether one is asked for before voicemail is heard. What it is stays in the database."""


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """`value` is minutes of talk, or minor units of the organisation's currency, each month in its time zone."""

    kind: UsageLimitKind = UsageLimitKind.NONE
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Guard:
    """What an extension may do outside before it looks like fraud; None: as much as it likes, 0: nothing."""

    concurrent_calls: int | None = 4
    """Calls that somebody pays for, at the same time."""
    new_country_calls: int | None = 3
    """Such calls an hour to countries that are new to the extension."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension with everything that decides its calls. `caller_id` is the E.164 number it presents outside, one
    that it may present by the settings of this moment; None: the organisation's main number."""

    key: str
    label: str
    type: ExtensionType = ExtensionType.NORMAL
    do_not_disturb: bool = False
    gateway: Gateway | None = None
    forwarding: Forwarding = Forwarding()
    no_answer: NoAnswer = NoAnswer()
    devices: tuple[Device, ...] = ()
    caller_id: str | None = None
    draws_from: tuple[str, ...] = ()
    """Numbers (E.164) of which each call presents another in place of `caller_id`; emergency calls never do."""
    drawn: str | None = None
    """What this call has drawn of them. Settings have none."""
    on_forward: OnForward = OnForward.EXTENSION
    rule: OutboundRule | None = None
    """The rule in force: its own, else the organisation's default, else none."""
    passcode: bool = False
    """Whether one is set. What it is stays in the database."""
    usage_limit: UsageLimit = UsageLimit()
    """Call-centre extensions have none."""
    guard: Guard = Guard()
    """The limits in force: its own, else the organisation's."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant. `country` is its home country (ISO 3166 letters), `main_number` E.164."""

    id: int
    name: str
    domain: str
    timezone: str
    country: str
    main_number: str | None = None
    trunks: tuple[Gateway, ...] = ()
    """Trunk gateways by name: what emergency calls leave through, one after the other."""
    refuse_without_passcode: bool = False
    """Whether extensions without a passcode are refused where one is required; otherwise they go through."""
    transfers: bool = True
    """Whether users transfer their calls by keys."""
    currency: str = "XXX"
    """ISO 4217 letters: what amounts are in. XXX is no currency."""
    guard: Guard = Guard()
    """Of extensions without limits of their own."""
    language: str = "en"
    """Of mails to its people."""
    voicemail_days: int = 90
    """How long voicemail is kept."""


class Tenant(Protocol):
    """The settings of one organisation, as a decision looks them up. Every answer belongs to it alone."""

    @property
    def organisation(self) -> Organisation: ...

    def extension(self, key: str) -> Extension | None:
        """The extension with this key, or None."""

    def virtual_line(self, key: str) -> VirtualLine | None:
        """The virtual line with this key, or None. No extension has the same key."""

    def number_target(self, e164: str) -> str | None:
        """The key that this DID of the organisation leads to; None if it is not one of its DIDs or leads nowhere."""

    def owns(self, e164: str) -> bool:
        """Whether this is a DID of the organisation, wherever it leads."""

    def gateway_payer(self, name: str) -> Extension | None:
        """Who pays for calls from the gateway of this name, under the rule of the gateway; None: it does not call
        out."""


@dataclass(frozen=True, slots=True)
class OrganisationSettings:
    """Everything of one organisation, as rendering writes it out. Secrets are present (ha1, gateway passwords)."""

    organisation: Organisation
    extensions: tuple[Extension, ...]
    gateways: tuple[Gateway, ...]
    numbers: tuple[tuple[str, str | None], ...]
    """(E.164, key it leads to)."""
    lines: tuple[VirtualLine, ...] = ()
    calling_gateways: frozenset[str] = frozenset()
    """Names of gateways that call out."""
