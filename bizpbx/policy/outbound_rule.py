"""Outbound rules (product §9): the dial plan makes the number, the whitelist says if it may be called."""

from __future__ import annotations

from bizpbx.policy.country import country_of
from bizpbx.policy.names import in_sentence
from bizpbx.policy.numbers import international, written
from bizpbx.policy.plan import Reason
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import CountryAccess, DialPlanEntry, OutboundRule


def translate(dialled: str, rule: OutboundRule | None) -> tuple[str | None, Reason]:
    """The E.164 number that was dialled, or None, and the rule that made it.

    The first entry that matches is applied, once. Without a match the number has to be E.164 with `+`, `00` or nothing
    before it. A number with `+` is E.164 already and is not looked up.
    """
    digits = written(dialled)
    if digits is None:
        return None, Reason(Rule.DIALLED_INVALID, "what was dialled is not a number")
    entry = first_match(digits, rule)
    if rule is None or entry is None:
        number = international(digits)
        if number is None:
            return None, Reason(Rule.NUMBER_INVALID, f"{digits} is not a number of any country")
        return number, Reason(Rule.E164, f"{digits} is {number} in E.164" if digits != number else f"{number} is E.164")
    number = international(entry.prepend + digits[entry.strip :])
    if number is None:
        text = f"the dial plan of {in_sentence(rule.name)} makes of {digits} what is not a number of any country"
        return None, Reason(Rule.NUMBER_INVALID, text)
    place = rule.dial_plan.index(entry) + 1
    text = f"the dial plan of {in_sentence(rule.name)} makes {number} of {digits} (entry {place})"
    return number, Reason(Rule.DIAL_PLAN, text)


def first_match(digits: str, rule: OutboundRule | None) -> DialPlanEntry | None:
    """The first entry of the rule's dial plan for these digits."""
    if rule is None or digits.startswith("+"):
        return None
    for entry in rule.dial_plan:
        if len(digits) == entry.length and digits.startswith(entry.starts_with):
            return entry
    return None


def access(number: str, rule: OutboundRule) -> tuple[CountryAccess | None, Reason]:
    """How a rule opens an E.164 number, and why. What is not listed is denied: None."""
    country = country_of(number)
    found = {opened for listed, opened in rule.countries if listed == country}
    name = in_sentence(rule.name)
    if CountryAccess.PASSCODE in found:
        return CountryAccess.PASSCODE, Reason(
            Rule.COUNTRY_PASSCODE, f"{number} is of {country}, which {name} opens with a passcode only"
        )
    if CountryAccess.ALLOWED in found:
        return CountryAccess.ALLOWED, Reason(Rule.COUNTRY_ALLOWED, f"{number} is of {country}, which {name} allows")
    return None, Reason(Rule.COUNTRY_NOT_LISTED, f"{number} is of {country}, which is not on the list of {name}")
