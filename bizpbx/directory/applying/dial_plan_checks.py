"""What a dial plan's entries say of each other and of the world's numbers: none that no call comes to, none that makes
what nobody can be called by."""

from __future__ import annotations

from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from bizpbx.directory.applying.work import Work
from bizpbx.directory.documents import Document
from bizpbx.policy.emergency import emergency_numbers
from bizpbx.policy.numbers import international

CODES = tuple(str(code) for code in COUNTRY_CODE_TO_REGION_CODE)


def check_dial_plan(work: Work, name: str, rule: Document) -> None:
    """Note what is wrong with the entries of a rule."""
    taken: dict[tuple[int, str], int] = {}
    for position, entry in enumerate(rule["dial_plan"]):
        length = entry["length"]
        for number, start in enumerate(entry["starts_with"]):
            path = work.path("outbound_rules", name, f"dial_plan[{position}].starts_with[{number}]")
            before = _taken_by(taken, length, start)
            if len(start) > length:
                text = f"{start} has more digits than the number, which has {length}; no number begins with it."
                work.problem(path, "unreachable", text)
            elif before == position:
                work.problem(path, "duplicate", f"{start} lies within the list already; keep one.")
            elif before is not None:
                text = f"{start} of {length} digits is taken by dial_plan[{before}]; move this entry before that one."
                work.problem(path, "unreachable", text)
            elif not _makes_a_number(start, entry, work.organisation["country"]):
                text = f"{start} becomes what no country has a number like; check length, strip and prepend."
                work.problem(path, "no-number", text)
            taken.setdefault((length, start), position)


def _taken_by(taken: dict[tuple[int, str], int], length: int, start: str) -> int | None:
    """The first entry that takes all numbers that begin like this."""
    found = [taken[length, start[:end]] for end in range(1, len(start) + 1) if (length, start[:end]) in taken]
    return min(found, default=None)


def _makes_a_number(start: str, entry: Document, country: str) -> bool:
    """Whether one at least of the numbers that begin like this becomes one that can be called."""
    known = entry["prepend"] + start[entry["strip"] :]
    digits = len(entry["prepend"]) + entry["length"] - entry["strip"]
    urgent = any(len(number) == digits and number.startswith(known) for number in emergency_numbers(country))
    return urgent or possible(known, digits)


@lru_cache(maxsize=4096)
def possible(known: str, digits: int) -> bool:
    """Whether any country has a number of so many digits that begins like this, with its code, after `00` or not.

    >>> possible("6561", 10), possible("65", 9), possible("0065", 12)
    (True, False, True)
    """
    if "00".startswith(known[:2]) and _international(known[2:], digits - 2):
        return True
    return _international(known, digits)


def _international(known: str, digits: int) -> bool:
    if digits < 1:
        return False
    for code in CODES:
        if known.startswith(code) or code.startswith(known):
            beginning = max(known, code, key=len)
            # How long a number is depends on its first digits in some countries.
            if any(international("+" + beginning.ljust(digits, fill)) for fill in "1234567890"):
                return True
    return False
