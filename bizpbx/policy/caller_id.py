"""What each target is shown (product §5): key and label inside, the organisation's or the caller's number outside."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers

from bizpbx.policy.caller import Caller
from bizpbx.policy.country import country_of
from bizpbx.policy.names import clean_name, in_sentence
from bizpbx.policy.numbers import international
from bizpbx.policy.plan import Reason
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import CallerIdPlanEntry, Extension, OnForward, Organisation, OutboundRule, Tenant

ANONYMOUS = "anonymous"
"""Shown in place of a number that is withheld or that nobody has (RFC 3323)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The caller as targets see them: `inside` on devices, `outside` through gateways."""

    inside: str
    outside: str
    name: str
    withheld: bool = False


def presented(extension: Extension | None, organisation: Organisation, called: str | None = None) -> str | None:
    """The number that this call of an extension shows outside, E.164: what it has drawn, else as `call_back`.

    Not the one that is `called`, if there is another: networks take a call in its own name for that of somebody who
    wants to hear his voicemail, and a forward to the own mobile phone would end there.
    """
    drawn = international(extension.drawn) if extension is not None and extension.drawn else None
    usual = drawn or call_back(extension, organisation)
    return usual if usual != called else call_back(None, organisation) or usual


def call_back(extension: Extension | None, organisation: Organisation) -> str | None:
    """The number of an extension that stays from call to call, E.164: its caller ID, else the main number."""
    own = international(extension.caller_id) if extension is not None and extension.caller_id else None
    if own is not None:
        return own
    return international(organisation.main_number) if organisation.main_number else None


def can_be_called_back(extension: Extension | None, tenant: Tenant) -> str | None:
    """As `call_back`, but the main number where the extension's caller ID is a DID that leads nowhere."""
    own, main = call_back(extension, tenant.organisation), call_back(None, tenant.organisation)
    for number in (own, main):
        if number is not None and not (tenant.owns(number) and tenant.number_target(number) is None):
            return number
    return own


def planned(number: str, rule: OutboundRule) -> tuple[str, Reason] | None:
    """What the rule's caller-ID plan presents to an E.164 number, and why; None where it says nothing. The longest
    prefix wins; between equals a range apart beats its country, whose entries hold for its ranges, too."""
    if not rule.caller_id_plan:
        return None
    country = country_of(number)
    code = phonenumbers.country_code_for_region(country.partition("-")[0])
    national = number.removeprefix(f"+{code}" if code else "+")

    def weight(entry: CallerIdPlanEntry) -> tuple[int, bool]:
        return len(entry.prefix), entry.country == country

    for entry in sorted(rule.caller_id_plan, key=weight, reverse=True):
        own = international(entry.caller_id)
        if entry.country in (country, country.partition("-")[0]) and national.startswith(entry.prefix) and own:
            place = f"{entry.country} {entry.prefix}".strip()
            return own, Reason(Rule.CALLER_ID_PLAN, f"{in_sentence(rule.name)} presents {own} to {place}")
    return None


def of_caller(caller: Caller, organisation: Organisation) -> Shown:
    """A call that is not forwarded shows its caller, or who transferred it. A caller inside has a key there and a
    number outside."""
    if caller.shown_as is not None:
        return _of_extension(caller.shown_as, caller.shown_as.label, organisation)
    if caller.extension is not None:
        return _of_extension(caller.extension, caller.name, organisation)
    if caller.number is None:
        return Shown(inside=ANONYMOUS, outside=ANONYMOUS, name="Anonymous", withheld=True)
    return Shown(inside=caller.number, outside=caller.number, name=clean_name(caller.name) or caller.number)


def _of_extension(extension: Extension, name: str, organisation: Organisation) -> Shown:
    outside = presented(extension, organisation) or ANONYMOUS
    return Shown(inside=extension.key, outside=outside, name=clean_name(name) or extension.key)


def on_forward(owner: Extension, caller: Caller, organisation: Organisation) -> tuple[Shown, Reason]:
    """A forwarded call shows the extension that forwards it, or the caller, as that extension chose."""
    if owner.on_forward is OnForward.CALLER:
        shown = of_caller(caller, organisation)
        return shown, Reason(Rule.SHOWS_CALLER, f"{owner.key} lets forwarded calls show the caller: {caller.text}")
    number = presented(owner, organisation)
    outside = f", {number} outside" if number else ""
    return (
        _of_extension(owner, owner.label, organisation),
        Reason(Rule.SHOWS_EXTENSION, f"{owner.key} lets forwarded calls show itself: {owner.key} inside{outside}"),
    )
