"""What is said about messages, put together of recorded parts: how many, which one, of whom, and when. Pure."""

from __future__ import annotations

from typing import Final

from bizpbx.calls.mailboxes import Message
from bizpbx.policy.prompt import Prompt

MOST: Final = 99
"""The highest number that there are words for."""

Words = tuple[Prompt, ...]


def number(value: int) -> Words:
    """Of 0 to 99.

    >>> [str(part) for part in number(42)]
    ['number_40', 'number_2']
    """
    if value < 20 or value % 10 == 0:
        return (Prompt(f"number_{value}"),)
    return Prompt(f"number_{value // 10 * 10}"), Prompt(f"number_{value % 10}")


def counted(new: int, saved: int) -> Words:
    """`You have two new messages and one saved message`, of at most 99 each."""
    if not new and not saved:
        return (Prompt.MAILBOX_EMPTY,)
    parts: list[Words] = []
    if new:
        parts.append((*number(new), Prompt.NEW_MESSAGE if new == 1 else Prompt.NEW_MESSAGES))
    if saved:
        parts.append((*number(saved), Prompt.SAVED_MESSAGE if saved == 1 else Prompt.SAVED_MESSAGES))
    return (Prompt.YOU_HAVE, *parts[0], *((Prompt.AND, *parts[1]) if len(parts) > 1 else ()))


def introduced(message: Message, position: int) -> Words:
    """`Message three, from six five …, yesterday, at fourteen thirty`."""
    return (Prompt.MESSAGE, *number(position), *_caller(message.caller), *_day(message.days), *_clock(message))


def _caller(caller: str | None) -> Words:
    """Digit by digit: that is how numbers are read out and written down."""
    if caller is None:
        return (Prompt.FROM_WITHHELD,)
    digits = tuple(Prompt(f"number_{digit}") for digit in caller if digit.isdigit())
    return (Prompt.FROM if caller.startswith("+") else Prompt.FROM_EXTENSION, *digits)


def _day(days: int) -> Words:
    if days <= 0:
        return (Prompt.TODAY,)
    if days == 1:
        return (Prompt.YESTERDAY,)
    return (*number(days), Prompt.DAYS_AGO) if days <= MOST else (Prompt.LONG_AGO,)


def _clock(message: Message) -> Words:
    """By 24 hours: `nine o'clock`, `nine zero five`, `fourteen thirty`."""
    hour, minute = number(message.hour), message.minute
    if minute == 0:
        return (Prompt.AT, *hour, Prompt.OCLOCK)
    return (Prompt.AT, *hour, *((Prompt.NUMBER_0,) if minute < 10 else ()), *number(minute))
