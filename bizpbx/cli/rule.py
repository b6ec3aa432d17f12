"""`bizpbx rule`: which public numbers may be called, how they are dialled, and through which gateway."""

from __future__ import annotations

from typing import Any

from bizpbx.cli.frame.nouns import Noun, commands

PLAN = ("starts_with", "length", "strip", "prepend")
COUNTRIES = ("country", "calling_code", "access")
CALLER_IDS = ("country", "prefix", "caller_id")


def print_rule(rule: dict[str, Any]) -> None:
    """The fields, then the dial plan, the countries and the caller-ID plan as tables, where there are any."""
    import sys

    from bizpbx.cli.frame import output

    fallbacks = ", ".join(rule["fallback_gateways"])
    output.print_fields({"name": rule["name"], "gateway": rule["gateway"], "fallback_gateways": fallbacks or None})
    countries = [
        {"country": country, "calling_code": calling_code(country), "access": access}
        for country, access in rule["countries"].items()
    ]
    for title, columns, rows in (
        ("Dial plan", PLAN, rule["dial_plan"]),
        ("Countries", COUNTRIES, countries),
        ("Caller-ID plan", CALLER_IDS, rule["caller_id_plan"]),
    ):
        sys.stdout.write(f"\n{title}{'' if rows else ': none'}\n")
        if rows:
            output.print_table(columns, rows)


def calling_code(country: str) -> str:
    """`+65` of `SG` and `SG-PREMIUM`; nothing for a range of no country."""
    import phonenumbers

    code = phonenumbers.country_code_for_region(country.partition("-")[0])
    return f"+{code}" if code else ""


app = commands(
    Noun(
        word="rule",
        section="outbound_rules",
        name_field="name",
        model="OutboundRule",
        columns=("name", "gateway", "fallback_gateways"),
        name="Standard",
        pairs="countries.SG=allowed countries.AF=null",
        add="Standard gateway=carrier countries=SG:allowed,VN:passcode",
        about="Which public numbers may be called, how they are dialled, and through which gateway.",
        print_one=print_rule,
    )
)
