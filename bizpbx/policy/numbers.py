"""Public numbers: from what carriers and people write to E.164. Numbers need to be possible, not known to be in use:
metadata is always behind the numbering plans."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

LONGEST = 64
"""Characters of a text that is read at all."""

_SEPARATORS = str.maketrans("", "", " -.()")
_TOKEN = re.compile(r"[A-Za-z0-9+._-]{1,64}")
_WRITTEN = re.compile(r"\+?[0-9]{1,32}")


def written(text: str) -> str | None:
    """The `+` and ASCII digits of a text, without visual separators (RFC 3966) and URI parameters; None if it holds
    anything else. Digits of other scripts are anything else."""
    if len(text) > LONGEST:
        return None
    digits = text.partition(";")[0].translate(_SEPARATORS)
    return digits if _WRITTEN.fullmatch(digits) else None


def is_token(text: str) -> bool:
    """Whether a text can stand in a dial string: nothing in it is syntax on any switch."""
    return _TOKEN.fullmatch(text) is not None


def international(text: str) -> str | None:
    """E.164 of a number with its country code, after `+`, `00` or nothing; None if no country has such numbers."""
    digits = written(text)
    if digits is None:
        return None
    number = _parse(_plus(digits), None)
    return None if number is None else _format(number)


def readings(text: str, country: str) -> tuple[str, ...]:
    """Every E.164 number that a text can mean in a home country (ISO letters), the likeliest first.

    Carriers write `+65…`, `65…`, `0065…` or the national form. A number that is known to be in use beats one that is
    only possible; between equals the national form beats the international one.
    """
    digits = written(text)
    if digits is None:
        return ()
    asked = [_parse(_plus(digits), None)]
    if not digits.startswith(("+", "00")):
        asked.insert(0, _parse(digits, country))
    found = [number for number in asked if number is not None]
    found.sort(key=phonenumbers.is_valid_number, reverse=True)
    return tuple(dict.fromkeys(_format(number) for number in found))


def e164(text: str | None, country: str) -> str | None:
    """The likeliest reading of a number as a carrier wrote it; None for anonymous, absent and unreadable ones."""
    return next(iter(readings(text, country)), None) if text else None


def _plus(digits: str) -> str:
    if digits.startswith("+"):
        return digits
    return "+" + digits.removeprefix("00")


def _parse(digits: str, country: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(digits, country)
        formatted = _format(number)
        again = number if formatted == digits else phonenumbers.parse(formatted, None)
    except NumberParseException:
        return None
    # Parsing drops a trunk prefix, so that some texts (+43 000000) lose a digit each time they are read: what is judged
    # has to be what is dialled.
    if _format(again) != formatted:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if possible else None


def _format(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
