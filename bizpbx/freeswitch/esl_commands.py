"""Commands as values: how a message to a session, a set of variables or a subscription is written for FreeSWITCH."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from bizpbx.freeswitch.esl_errors import UnsafeArgument
from bizpbx.freeswitch.esl_wire import refuse_line_breaks

_APPLICATION = re.compile(r"[A-Za-z0-9_]+")
_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
_CAUSE = re.compile(r"[A-Z0-9_]+")
_EVENT = re.compile(r"[A-Za-z0-9_.:-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# `${` and `$${` are expanded; `$$` alone loses a `$`, and `$\` becomes one of them after a round of unescaping.
_EXPANDED = re.compile(r"\$[{$\\]")
_BLANKS = re.compile(r"^ +| +$")

_SEPARATORS: Final = "|;~!#@/:,\x1f"
"""Tried in order; the last occurs in no value, since control characters are refused."""
_MOST: Final = 200
"""Variables in one message; the multiset application of FreeSWITCH 1.11 splits into at most 256."""


class Message(NamedTuple):
    """What follows a `sendmsg`."""

    headers: list[tuple[str, str]]
    body: str | None = None


def execute(application: str, argument: str = "", event_uuid: str = "") -> Message:
    """The message that runs an application. Raises UnsafeArgument for a bad name, and CR, LF or NUL in the argument.

    A `::` in a name would make FreeSWITCH run it later and apart (asynchronous execution), so it is refused. The
    argument is the body: FreeSWITCH takes headers byte by byte, with two system calls for each, and a body at once.
    """
    if not _APPLICATION.fullmatch(application):
        raise UnsafeArgument(f"{application!r} is not the name of an application.")
    headers = [("call-command", "execute"), ("execute-app-name", application)]
    if event_uuid:
        headers.append(("event-uuid", event_uuid))
    return Message(headers, refuse_line_breaks(argument, "An argument") if argument else None)


def hangup(cause: str) -> list[tuple[str, str]]:
    """Headers of the `sendmsg` that ends a call. Raises UnsafeArgument for what is not a cause such as USER_BUSY."""
    if not _CAUSE.fullmatch(cause):
        raise UnsafeArgument(f"{cause!r} is not a hang-up cause.")
    return [("call-command", "hangup"), ("hangup-cause", cause)]


def multiset(variables: Mapping[str, str]) -> Iterator[str]:
    """Arguments of the `multiset` application that set these variables to exactly these values; "" unsets one.

    One argument for each 200 variables. FreeSWITCH expands and unescapes the argument, splits it at the separator and
    unescapes each part, then expands and unescapes each value again; the escapes below survive all of it. Raises
    UnsafeArgument for a name that is not `[A-Za-z0-9_]+`, a control character, `${`, `$$` or a `$` before a backslash.
    """
    pairs = []
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise UnsafeArgument(f"{name!r} cannot be the name of a channel variable.")
        if _CONTROL.search(value):
            raise UnsafeArgument(f"The value of {name} holds a line break or another control character. Remove it.")
        if _EXPANDED.search(value):
            raise UnsafeArgument(f"The value of {name} holds a ${{ or $$, which FreeSWITCH would expand. Remove it.")
        value = value.replace("\\", "\\" * 8).replace("'", "\\\\'")
        value = _BLANKS.sub(lambda blanks: r"\s" * len(blanks[0]), value)
        pairs.append(f"{name}={value}")
    for start in range(0, len(pairs), _MOST):
        part = pairs[start : start + _MOST]
        separator = next(one for one in _SEPARATORS if not any(one in pair for pair in part))
        yield f"^^{separator}{separator.join(part)}"


def play_and_get_digits(arguments: Iterable[object]) -> str:
    """The arguments one after another. Raises UnsafeArgument for a blank inside one, which would shift the rest."""
    words = [str(argument) for argument in arguments]
    for word in words:
        if not word or " " in word:
            raise UnsafeArgument(
                f"{word!r} cannot be an argument of play_and_get_digits: it is empty or holds a blank."
            )
    return " ".join(words)


def subscription(events: Iterable[str], format: str) -> str:
    """The `event` command. Names with `::`, and all after `CUSTOM`, are subclasses. Raises UnsafeArgument."""
    names: list[str] = []
    subclasses: list[str] = []
    custom = False
    for name in (word for event in events for word in event.split(" ")):
        if not _EVENT.fullmatch(name):
            raise UnsafeArgument(f"{name!r} is not the name of an event.")
        if name == "CUSTOM":
            custom = True
        else:
            (subclasses if custom or "::" in name else names).append(name)
    if subclasses or custom:
        names += ["CUSTOM", *subclasses]
    if not names:
        raise UnsafeArgument("Name at least one event to subscribe to.")
    return " ".join(["event", *([format] if format else []), *names])
