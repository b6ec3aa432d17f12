"""The calls of the demonstration, and what docs/calls.md promises of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoCall:
    """`caller` is a number outside or the SIP user of a device; `rings` are the SIP users that must ring, no others."""

    title: str
    caller: str
    dials: str
    rings: frozenset[str]
    answers: str | None
    """The phone that picks up first; None if nobody does."""
    code: int
    """Final SIP response the caller gets."""

    @property
    def from_outside(self) -> bool:
        return self.caller.startswith("+")


OWN = frozenset({"100-ip_phone", "100-mobile"})
FORWARDED = frozenset({"101-ip_phone", "102-ip_phone", "103-ip_phone"})

CALLS = (
    DemoCall("A VIP calls 100", "+6531234567", "+6564291310", OWN, "100-mobile", 200),
    DemoCall("The other VIP calls 100", "+6569876543", "+6564291310", OWN, "100-ip_phone", 200),
    DemoCall("Anybody else calls 100", "+6591112222", "+6564291310", FORWARDED, "102-ip_phone", 200),
    DemoCall("A colleague calls 100", "104-ip_phone", "100", FORWARDED, "103-ip_phone", 200),
    DemoCall("An internal call", "101-ip_phone", "102", frozenset({"102-ip_phone"}), "102-ip_phone", 200),
    DemoCall("Do not disturb", "+6591112222", "+6564291314", frozenset(), None, 486),
    DemoCall("A phone that is switched off", "101-ip_phone", "105", frozenset(), None, 480),
    DemoCall("A number that does not exist", "101-ip_phone", "199", frozenset(), None, 404),
)
