"""Emergency calls: they bypass everything and leave through the organisation's trunks, the first that works."""

from __future__ import annotations

from functools import cache

import phonenumbers
from phonenumbers import shortnumberinfo

from bizpbx.policy.caller_id import ANONYMOUS, can_be_called_back
from bizpbx.policy.failover import attempts, emergency_gateways
from bizpbx.policy.numbers import written
from bizpbx.policy.outbound_rule import first_match
from bizpbx.policy.plan import Cause, GatewayTarget, HangUp, Plan, Reason, Ring, Stage
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, OutboundRule, Tenant

RING_SECONDS = 120


def emergency_number(dialled: str, country: str) -> str | None:
    """The emergency number of the home country (ISO letters) that was dialled, which a phone may have put the country's
    code before (`+65 995`, `0065 995`); None if it is another number."""
    digits = written(dialled)
    if digits is None:
        return None
    code = phonenumbers.country_code_for_region(country)
    for start in (f"+{code}", f"00{code}") if code else ():
        digits = digits.removeprefix(start)
    return digits if shortnumberinfo.is_emergency_number(digits, country) else None


@cache
def emergency_numbers(country: str) -> frozenset[str]:
    """All of a country (ISO letters)."""
    tried = (str(number).zfill(digits) for digits in (2, 3, 4) for number in range(10**digits))
    return frozenset(number for number in tried if shortnumberinfo.is_emergency_number(number, country))


def planned_emergency_number(dialled: str, rule: OutboundRule | None, country: str) -> str | None:
    """The emergency number that a dial plan makes of what was dialled, such as of `0` for an outside line before it."""
    digits = written(dialled)
    entry = first_match(digits, rule) if digits is not None else None
    if digits is None or entry is None:
        return None
    return emergency_number(entry.prepend + digits[entry.strip :], country)


def emergency(number: str, caller: Extension | None, tenant: Tenant) -> Plan:
    """An emergency call of an extension, which is None for a device that is not known any more.

    The number shown is one that can be called back: the extension's, else the organisation's. Nothing stops the call;
    where there is no number to show, it goes without.
    """
    organisation = tenant.organisation
    gateways = emergency_gateways(caller.rule if caller is not None else None, organisation)
    if not gateways:
        reason = Reason(
            Rule.EMERGENCY_NO_TRUNK, f"{number} is an emergency number, but {organisation.domain} has no trunk"
        )
        return Plan((HangUp(Stage.END, Cause.NORMAL_TEMPORARY_FAILURE),), (reason,))
    shown = can_be_called_back(caller, tenant) or ANONYMOUS
    asserted = shown if shown != ANONYMOUS else None
    first, *others = (gateway.switch_name for gateway in gateways)
    target = GatewayTarget(first, number, shown, asserted, organisation.domain, tuple(others))
    ring = Ring(Stage.RING, (target,), RING_SECONDS, caller_name=shown, insists=True)
    through = ", else ".join(gateway.name for gateway in gateways)
    text = f"{number} is an emergency number of {organisation.country}: no rule applies, it leaves through {through}"
    return Plan((*attempts(ring), HangUp(Stage.END)), (Reason(Rule.EMERGENCY, f"{text} showing {shown}"),))
