"""The country of a public number, as a whitelist names it. Ranges that cost more than their country are countries of
their own, so that they are denied unless they are listed by themselves."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

GLOBAL = {
    800: "INTERNATIONAL-FREEPHONE",
    808: "INTERNATIONAL-SHARED-COST",
    870: "SATELLITE",
    878: "INTERNATIONAL-PERSONAL",
    881: "SATELLITE",
    882: "INTERNATIONAL-NETWORK",
    883: "INTERNATIONAL-NETWORK",
    888: "INTERNATIONAL-NETWORK",
    979: "INTERNATIONAL-PREMIUM",
}
"""Country codes that belong to no country (ITU-T E.164, list of assigned codes)."""

APART = {
    PhoneNumberType.PREMIUM_RATE: "PREMIUM",
    PhoneNumberType.SHARED_COST: "SHARED-COST",
    PhoneNumberType.PERSONAL_NUMBER: "PERSONAL",
}
"""National ranges that are listed as `<country>-<suffix>`. Personal numbers (+44 70 …) are charged as premium."""

DIRECTORY = {"AT": "118", "DE": "118", "LU": "118", "SI": "118"}
"""Directory enquiries (numbering plans of these countries). They cost what premium numbers do, and connect to any other
number at that price. Written with the country's code they are possible numbers, which no metadata has."""

PAY_PER_CALL = "976"
"""Exchange of every area code behind +1 (North American numbering plan)."""

_SHORTEST = 3


def country_of(e164: str) -> str:
    """ISO letters (`SG`; `JM`, not `US`, for +1 876), or the name of a range apart (`GB-PREMIUM`, `SATELLITE`).

    A number in no known range of a code that several countries share is of the code itself (`+1`): nobody can tell
    whose it is, so no country's entry allows it.
    """
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return "UNKNOWN"
    code = number.country_code or 0
    if code in GLOBAL:
        return GLOBAL[code]
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        regions = phonenumbers.region_codes_for_country_code(code)
        region = regions[0] if len(regions) == 1 else None
    if region is None or not region.isalpha():
        return f"+{code}"
    apart = APART.get(_type(number, region))
    return f"{region}-{apart}" if apart else region


def known_country(name: str) -> bool:
    """Whether a whitelist can hold this name: ISO letters with a numbering plan, or a range apart."""
    region, apart, suffix = name.partition("-")
    if name in GLOBAL.values():
        return True
    return region in phonenumbers.SUPPORTED_REGIONS and (not apart or suffix in APART.values())


def _type(number: PhoneNumber, region: str) -> int:
    """The type of a number. Networks ignore digits beyond a number's end, so a number of no known range is what its
    longest known beginning is: `+49 900 1234567` does not stop being premium by one digit more."""
    found = phonenumbers.number_type(number)
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 1 and national[3:6] == PAY_PER_CALL:
        return int(PhoneNumberType.PREMIUM_RATE)
    for end in range(len(national) - 1, _SHORTEST - 1, -1):
        if found != PhoneNumberType.UNKNOWN:
            return found
        found = phonenumbers.number_type(phonenumbers.parse(f"+{number.country_code}{national[:end]}", None))
    directory = DIRECTORY.get(region)
    if found == PhoneNumberType.UNKNOWN and directory is not None and national.startswith(directory):
        return int(PhoneNumberType.PREMIUM_RATE)
    return found
