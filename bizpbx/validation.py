"""The one validator for every text from outside: settings files, command lines, forms.

Texts end up in XML that is preprocessed as text, in dial strings and in SIP headers, so what is special there is
refused here, once. Each function returns the text as it is to be stored, or raises InvalidText with a sentence that
says what is wrong and what to do.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bizpbx.directory.currencies import CURRENCIES
from bizpbx.errors import InvalidText

MOST_LABEL = 64
MOST_EMAIL = 254
MOST_HOST = 253
MOST_USERNAME = 64
MOST_PASSWORD = 128
MOST_MESSAGE = 450

WIDEST_NETWORK = {4: 16, 6: 32}
"""By IP version: no carrier has more, and a slip of a digit must not let in half the world."""

UNSAFE = ("$${", "${", "<?", "<!--#", "x-pre-process")
"""Expanded, executed or dropped with their line by FreeSWITCH's preprocessor wherever they stand, in any case."""
ARRAY = "array::"
"""A channel variable that starts like this is taken apart by FreeSWITCH."""

CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible format character",
    "Cs": "half a character",
    "Co": "a private-use character",
    "Cn": "an unassigned character",
    "Zl": "a line break",
    "Zs": "a space that is not the plain one",
    "Zp": "a line break",
}

DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
EMAIL = re.compile(r"[a-z0-9!#%&'*+/=?^_~-]+(\.[a-z0-9!#%&'*+/=?^_~-]+)*")
KEY = re.compile(r"[0-9]{2,6}")
GATEWAY_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
DIGITS = re.compile(r"[0-9]{1,15}")
USERNAME = re.compile(r"[A-Za-z0-9._+@~*=-]+")
PASSWORD = re.compile(r"[!-~]+")
MAC = re.compile(r"([0-9a-f]{2})[:.-]?" * 5 + r"([0-9a-f]{2})")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
STEP = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
SOUND = re.compile(r"sha256:[0-9a-f]{64}")
ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def shown(text: str) -> str:
    """A text as it may stand in a message: ASCII, quoted, not long."""
    quoted = ascii(text)
    return quoted if len(quoted) <= 42 else quoted[:37] + "...'"


def spelled(name: str) -> str:
    """A field's name as it may stand in a path."""
    return name if re.fullmatch(r"[A-Za-z0-9_.@+-]{1,64}", name) else shown(name)


def plain(text: str, most: int) -> str:
    """Free text of 1 to `most` characters on one line."""
    if not text:
        raise InvalidText("is empty; write something, or leave the field out.")
    if len(text) > most:
        raise InvalidText(f"is {len(text)} characters long; at most {most} are allowed.")
    for position, character in enumerate(text, 1):
        what = CATEGORIES.get(unicodedata.category(character))
        if what and character != " ":
            raise InvalidText(f"holds {what} (U+{ord(character):04X}) at position {position}; take it out.")
    lower = text.lower()
    for sequence in UNSAFE:
        if sequence in lower:
            raise InvalidText(f"holds {sequence}, which the switch would execute; take it out.")
    if lower.startswith(ARRAY):
        raise InvalidText(f"starts with {ARRAY}, which the switch would take apart; take it out.")
    if text != text.strip():
        raise InvalidText("starts or ends with a space; take it out.")
    return text


def label(text: str) -> str:
    """A name that people read: an extension, a member, a rule, an organisation."""
    return plain(text, MOST_LABEL)


def host(text: str) -> str:
    """A host name or an IP address, in lower case."""
    text = plain(text, MOST_HOST).lower()
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    parts = text.split(".")
    if not all(DOMAIN_LABEL.fullmatch(part) for part in parts) or parts[-1].isdigit():
        raise InvalidText(f"must be a host name or an IP address, such as sip.example.com, not {shown(text)}.")
    return text


def domain(text: str) -> str:
    """An organisation's SIP domain. It names a dialplan context, so it has a dot: `public` is the switch's."""
    text = host(text)
    if "." not in text:
        raise InvalidText(f"must be a domain with a dot, such as acme.example, not {shown(text)}.")
    return text


def email(text: str) -> str:
    """An email address, in lower case."""
    text = plain(text, MOST_EMAIL).lower()
    name, at, place = text.rpartition("@")
    if at and len(name) <= 64 and EMAIL.fullmatch(name):
        try:
            return f"{name}@{domain(place)}"
        except InvalidText:
            pass
    raise InvalidText(f"must be an email address, such as ann@acme.example, not {shown(text)}.")


def extension_key(text: str, country: str | None = None) -> str:
    """2 to 6 digits; with a home country, not one of its emergency numbers."""
    if not KEY.fullmatch(text):
        raise InvalidText(f"must be 2 to 6 digits, such as 100, not {shown(text)}.")
    if country is not None:
        from bizpbx.policy.emergency import emergency_number

        if emergency_number(text, country) is not None:
            raise InvalidText(f"{text} is an emergency number in {country}; take another key.")
    return text


def network(text: str) -> str:
    """An IP address or a network that a gateway calls from, in its shortest spelling."""
    text = plain(text, MOST_HOST)
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise InvalidText(
            f"must be an IP address or a network, such as 203.0.113.7 or 203.0.113.0/28, not {shown(text)}."
        ) from None
    if ip_address(text.partition("/")[0]) != found.network_address:
        raise InvalidText(f"{shown(text)} is an address within a network; write {found} if you mean all of that.")
    if isinstance(found, IPv6Network) and (
        found.network_address.ipv4_mapped is not None or found.network_address.scope_id is not None
    ):
        # Calls come from the one as IPv4, and the other means something on one machine alone.
        raise InvalidText(f"{shown(text)} is an address that no call comes from; write the one that the carrier has.")
    widest = WIDEST_NETWORK[found.version]
    if found.prefixlen < widest:
        raise InvalidText(f"{found} is wider than /{widest}; write the networks that your carrier names.")
    return str(found.network_address) if found.num_addresses == 1 else str(found)


def gateway_name(text: str) -> str:
    """A gateway's name becomes part of its name on the switch, so it has no dot."""
    if not GATEWAY_NAME.fullmatch(text):
        raise InvalidText(
            f"must be 1 to 32 small letters, digits and inner hyphens, such as carrier, not {shown(text)}."
        )
    return text


def e164(text: str) -> str:
    """A public number: `+` and 7 to 15 digits, possible in its country's numbering plan."""
    if not E164.fullmatch(text):
        raise InvalidText(
            f"must be + and 7 to 15 digits with the country code, such as +6561234567, not {shown(text)}."
        )
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        possible = is_possible_number(parse(text))
    except NumberParseException:
        possible = False
    if not possible:
        raise InvalidText(f"{text} is not a possible number of any country; check its country code and length.")
    return text


def passcode(text: str) -> str:
    """What is keyed in before certain calls: 4 to 8 ASCII digits. The refusal does not repeat it."""
    if not re.fullmatch(r"[0-9]{4,8}", text):
        raise InvalidText("must be 4 to 8 digits.")
    return text


def digits(text: str) -> str:
    """1 to 15 digits, such as a prefix."""
    if not DIGITS.fullmatch(text):
        raise InvalidText(f"must be 1 to 15 digits, not {shown(text)}.")
    return text


def sip_username(text: str) -> str:
    """The user name of a SIP account at a gateway."""
    text = plain(text, MOST_USERNAME)
    if not USERNAME.fullmatch(text):
        raise InvalidText(f"may hold letters, digits and . _ + @ ~ * = - only, not {shown(text)}.")
    return text


def sip_password(text: str) -> str:
    """The password of a SIP account at a gateway. It is never repeated in a message."""
    text = plain(text, MOST_PASSWORD)
    if not PASSWORD.fullmatch(text):
        raise InvalidText("may hold letters, digits and punctuation of ASCII only, no spaces.")
    return text


def mac(text: str) -> str:
    """A MAC address, as `00:15:65:aa:bb:cc`."""
    found = MAC.fullmatch(text.lower()) if text.isascii() else None
    if found is None:
        raise InvalidText(f"must be a MAC address, such as 00:15:65:aa:bb:cc, not {shown(text)}.")
    return ":".join(found.groups())


def timezone(text: str) -> str:
    """A name of the IANA time zone database."""
    if ZONE.fullmatch(text) and len(text) <= MOST_LABEL:
        try:
            return ZoneInfo(text).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise InvalidText(f"must be a time zone such as Asia/Singapore, not {shown(text)}.")


def country(text: str) -> str:
    """Two letters of ISO 3166, of a country that has telephone numbers."""
    from phonenumbers import SUPPORTED_REGIONS

    if text not in SUPPORTED_REGIONS:
        raise InvalidText(f"must be the two capital letters of a country, such as SG, not {shown(text)}.")
    return text


def destination(text: str) -> str:
    """A country, or a range that costs more than its country: `SG`, `GB-PREMIUM`, `SATELLITE`."""
    from bizpbx.policy.country import known_country

    if not known_country(text):
        raise InvalidText(
            "must be the two capital letters of a country, such as SG, or a range apart, such as GB-PREMIUM or "
            f"SATELLITE, not {shown(text)}."
        )
    return text


def language(text: str) -> str:
    """Two or three letters of ISO 639, with or without a country."""
    if not LANGUAGE.fullmatch(text):
        raise InvalidText(f"must be a language such as en, zh or en-GB, not {shown(text)}.")
    return text


def message(text: str) -> str:
    """What is spoken to callers: one line of 1 to 450 characters."""
    return plain(text, MOST_MESSAGE)


def sound(text: str) -> str:
    """The id of a sound, as `bizpbx greeting` prints it."""
    if not SOUND.fullmatch(text):
        raise InvalidText(
            f"must be sha256: and 64 hex digits, as `bizpbx greeting list` prints them, not {shown(text)}."
        )
    return text


def step_name(text: str) -> str:
    """The name of a step of a virtual line; `end` is where a line ends."""
    if not STEP.fullmatch(text):
        raise InvalidText(f"must be 1 to 32 small letters, digits, - and _, such as sales, not {shown(text)}.")
    return text


def time_of_day(text: str) -> str:
    """`HH:MM`; the end of the day is 24:00."""
    if not TIME.fullmatch(text):
        raise InvalidText(f"must be a time from 00:00 to 24:00, such as 09:30, not {shown(text)}.")
    return text


def currency(text: str) -> str:
    """Three letters of ISO 4217."""
    if text not in CURRENCIES:
        raise InvalidText(f"must be the three capital letters of a currency, such as SGD, not {shown(text)}.")
    return text
