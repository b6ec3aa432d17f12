"""The settings file: its fields, their types and defaults. docs/settings.md explains each; a test compares.

A field that is absent has its default. A list that is absent is left alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from bizpbx import validation
from bizpbx.directory import guard_limits
from bizpbx.directory.schema_lines import VirtualLine
from bizpbx.directory.schema_types import (
    E164,
    Amount,
    Country,
    Destination,
    Digits,
    Domain,
    Email,
    GatewayName,
    Host,
    Key,
    Label,
    Language,
    Message,
    Section,
    checked,
    digits_or_nothing,
    key_or_number,
    stored_or_passcode,
    stored_or_password,
    stored_or_pin,
)
from bizpbx.metering.moments import is_moment

Increment = Annotated[int, Field(ge=1, le=3600)]

Kind = Literal["ip_phone", "mobile", "desktop"]
Seats = Annotated[int, Field(ge=0, le=100_000)]


MOST_DIALLED = 20
"""Digits: a number of 15, after `011` or the like, and a digit for an outside line."""
MOST_RATES = 250_000
MOST_LINES = 1000

LANGUAGE = "en"
VOICEMAIL_DAYS = 90
"""What an organisation has that says nothing."""


def limit_or_off(value: object) -> object:
    """One sentence for whatever it is that is neither."""
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= guard_limits.MOST
    if value is None or value == guard_limits.OFF or number:
        return value
    raise PydanticCustomError(
        "out-of-range", "must be a whole number, 0 to {most}, or off.", {"most": f"{guard_limits.MOST:,}"}
    )


GuardLimit = Annotated[int | Literal["off"] | None, BeforeValidator(limit_or_off)]


class Guard(Section):
    """0 allows none; `off`: no limit. Null is the standard, of an extension what its organisation has."""

    concurrent_calls: GuardLimit = None
    new_country_calls: GuardLimit = None


class Organisation(Section):
    """Of an organisation that exists only `domain` is needed; what is absent here is left alone."""

    domain: Domain
    name: Label | None = None
    timezone: Annotated[str, checked(validation.timezone)] | None = None
    country: Country | None = None
    currency: Annotated[str, checked(validation.currency)] | None = None
    default_rule: Label | None = None
    main_number: E164 | None = None
    refuse_without_passcode: bool | None = None
    transfers: bool | None = None
    guard: Guard | None = None
    alerts: Annotated[list[Email], Field(max_length=20)] | None = None
    language: Language | None = None
    voicemail_days: Annotated[int, Field(ge=1, le=3650)] | None = None

    @field_validator("refuse_without_passcode")
    @classmethod
    def on_or_off(cls, value: bool | None) -> bool:
        return bool(value)

    @field_validator("transfers")
    @classmethod
    def on(cls, value: bool | None) -> bool:
        return value is not False

    @field_validator("language")
    @classmethod
    def english(cls, value: str | None) -> str:
        return value or LANGUAGE

    @field_validator("voicemail_days")
    @classmethod
    def three_months(cls, value: int | None) -> int:
        return value or VOICEMAIL_DAYS


class Member(Section):
    email: Email
    name: Label
    role: Literal["owner", "admin", "member"] = "member"
    mobile: E164 | None = None


class Licences(Section):
    ip_phone: Seats | None = None
    mobile: Seats | None = None
    desktop: Seats | None = None


class Number(Section):
    number: E164
    to: Key | None = None


class Gateway(Section):
    name: GatewayName
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 5060
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: Annotated[str, checked(validation.sip_username)] | None = None
    password: Annotated[str, checked(stored_or_password)] | None = Field(default=None, repr=False)
    trunk: bool = False
    registers: bool = True
    ping: Annotated[int, Field(ge=5, le=3600)] | None = 30
    addresses: Annotated[list[Annotated[str, checked(validation.network)]], Field(max_length=32)] = []
    outbound_rule: Label | None = None
    payer: Key | None = None

    @field_validator("addresses")
    @classmethod
    def each_once(cls, addresses: list[str]) -> list[str]:
        return list(dict.fromkeys(addresses))


class Rate(Section):
    """Without `per_minute` (null) the prefix has no price of its own from `effective` on."""

    prefix: Digits
    per_minute: Amount | None
    connection_fee: Amount = "0"
    first: Increment = 1
    next: Increment = 1
    effective: Annotated[str, checked(is_moment)] | None = None


class DialPlanEntry(Section):
    starts_with: Annotated[list[Digits], Field(min_length=1, max_length=100)]
    length: Annotated[int, Field(ge=1, le=MOST_DIALLED)]
    strip: Annotated[int, Field(ge=0, le=MOST_DIALLED)] = 0
    prepend: Annotated[str, checked(digits_or_nothing)] = ""

    @field_validator("strip")
    @classmethod
    def not_more_than_there_is(cls, strip: int, info: ValidationInfo) -> int:
        if strip > info.data.get("length", MOST_DIALLED):
            raise PydanticCustomError("out-of-range", "is more than length; a number has no more digits to strip.")
        return strip


class CallerIdPlanEntry(Section):
    country: Destination
    prefix: Annotated[str, checked(digits_or_nothing)] = ""
    caller_id: E164


class OutboundRule(Section):
    name: Label
    gateway: GatewayName | None = None
    fallback_gateways: Annotated[list[GatewayName], Field(max_length=10)] = []
    dial_plan: Annotated[list[DialPlanEntry], Field(max_length=1000)] = []
    countries: dict[Destination, Literal["allowed", "passcode"]] | None = None
    caller_id_plan: Annotated[list[CallerIdPlanEntry], Field(max_length=1000)] = []


class Device(Section):
    tls: bool = False
    active: bool = True


class Devices(Section):
    ip_phone: Device | None = None
    mobile: Device | None = None
    desktop: Device | None = None


class Forwarding(Section):
    enabled: bool = False
    number: E164 | None = None
    extensions: Annotated[list[Key], Field(max_length=100)] = []
    vip: Annotated[list[Annotated[str, checked(key_or_number)]], Field(max_length=1000)] = []


class Incoming(Section):
    devices: list[Kind] | None = None
    do_not_disturb: bool = False
    gateway: GatewayName | None = None
    forwarding: Forwarding = Forwarding()


class CallerId(Section):
    mode: Literal["existing", "assigned", "random", "request"] = "existing"
    number: E164 | None = None
    assigned: Annotated[list[E164], Field(max_length=1000)] = []
    on_forward: Literal["extension", "caller"] = "extension"


class UsageLimit(Section):
    kind: Literal["none", "amount", "minutes"] = "none"
    value: Amount | None = None


class NoAnswer(Section):
    action: Literal["hang_up", "forward", "missed_call", "voicemail"] = "hang_up"
    wait: Annotated[int, Field(ge=5, le=60)] = 30
    number: E164 | None = None
    emails: Annotated[list[Email], Field(max_length=10)] = []
    message: Message | None = None
    longest: Annotated[int, Field(ge=1, le=60)] = 60
    pin: Annotated[str, checked(stored_or_pin)] | None = Field(default=None, repr=False)


class Extension(Section):
    key: Key
    label: Label
    assignee: Email | None = None
    type: Literal["normal", "call_center"] = "normal"
    role: Literal["admin", "member"] = "member"
    passcode: Annotated[str, checked(stored_or_passcode)] | None = Field(default=None, repr=False)
    devices: Devices = Devices()
    incoming: Incoming = Incoming()
    caller_id: CallerId = CallerId()
    usage_limit: UsageLimit | None = None
    guard: Guard = Guard()
    no_answer: NoAnswer | None = None
    outbound_rule: Label | None = None


class Settings(Section):
    """One file: one organisation."""

    organisation: Organisation
    members: list[Member] | None = None
    licences: Licences | None = None
    numbers: list[Number] | None = None
    gateways: list[Gateway] | None = None
    rates: Annotated[list[Rate], Field(max_length=MOST_RATES)] | None = None
    outbound_rules: list[OutboundRule] | None = None
    extensions: list[Extension] | None = None
    virtual_lines: Annotated[list[VirtualLine], Field(max_length=MOST_LINES)] | None = None
