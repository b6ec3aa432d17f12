"""Emergency calls where there is no controller: through the trunks, with the main number."""

from __future__ import annotations

from dataclasses import dataclass

from phonenumbers import PhoneMetadata, country_code_for_region

from bizpbx.freeswitch.dial_string import gateway_address, identity
from bizpbx.freeswitch.rendering.environment import token
from bizpbx.policy.caller_id import ANONYMOUS
from bizpbx.policy.settings import Organisation


@dataclass(frozen=True, slots=True)
class Emergency:
    expression: str
    trunks: tuple[str, ...]
    """Dial strings, in the order in which they are tried."""
    shown: str
    identity: str
    """Variables of each leg."""


def emergency_of(organisation: Organisation) -> Emergency | None:
    """None where the home country has no emergency numbers."""
    expression = emergency_expression(organisation.country)
    if expression is None:
        return None
    shown = organisation.main_number
    return Emergency(
        expression,
        tuple(gateway_address(trunk.switch_name) for trunk in organisation.trunks),
        token(shown or ANONYMOUS, "organisation.main_number"),
        ",".join(identity(shown or ANONYMOUS, shown, organisation.domain)),
    )


def emergency_expression(country: str) -> str | None:
    """Expression that matches the emergency numbers of a country (ISO letters), from the metadata of phonenumbers, with
    the country's code before them or without; the first group is the number as it is dialled."""
    metadata = PhoneMetadata.short_metadata_for_region(country.upper())
    pattern = metadata and metadata.emergency and metadata.emergency.national_number_pattern
    code = country_code_for_region(country.upper())
    return rf"^(?:(?:\+|00){code})?({pattern})\z" if pattern else None
