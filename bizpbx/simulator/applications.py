"""Dialplan applications: what the rendered dialplan and the controller use, and little more."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from bizpbx.simulator import causes, sound
from bizpbx.simulator.bridge import Bridge
from bizpbx.simulator.channel import Channel
from bizpbx.simulator.outbound import hand_over
from bizpbx.simulator.text import is_true, split
from bizpbx.testbed.world import SAMPLE_RATE

if TYPE_CHECKING:
    from bizpbx.simulator.session import Session

Application = Callable[["Session", str], None]

KEYS: Final = "0123456789*#ABCD"

FETCHED: Final = 2.0
"""Seconds within which a leg that is intercepted leaves what it does."""

KEY_STEP: Final = 0.1
"""Seconds after which an application looks whether it was told to end."""

log = structlog.get_logger(__name__)


def _set(session: Session, data: str) -> None:
    name, separator, value = data.partition("=")
    if not separator:
        name, separator, value = data.partition(",")
    session.channel.set(name, session.channel.expand(value))


def _multiset(session: Session, data: str) -> None:
    delimiter = " "
    if data.startswith("^^") and len(data) > 2:
        delimiter, data = data[2], data[3:]
    for pair in split(data, delimiter):
        _set(session, pair)


def _unset(session: Session, data: str) -> None:
    session.channel.set(data, None)


def _push(session: Session, data: str) -> None:
    name, _, value = data.partition("=")
    session.channel.push(name, session.channel.expand(value))


def _export(session: Session, data: str) -> None:
    name, _, value = data.partition("=")
    channel = session.channel
    names = [one for one in (channel.get("export_vars") or "").split(",") if one and one != name]
    channel.set("export_vars", ",".join([*names, name]))
    channel.set(name, channel.expand(value))


def _answer(session: Session, data: str) -> None:
    session.channel.answer()


def _ring_ready(session: Session, data: str) -> None:
    session.channel.ring()


def _hangup(session: Session, data: str) -> None:
    session.channel.hang_up(causes.cause(data) if data else "NORMAL_CLEARING")


def _respond(session: Session, data: str) -> None:
    code = data.split(" ")[0]
    session.channel.sip_refusal = int(code) if code.isdigit() and int(code) >= 300 else 488
    session.channel.hang_up(causes.from_sip(session.channel.sip_refusal))


def _bridge(session: Session, data: str) -> None:
    if data:
        Bridge(session).run(data)


def _bind_digit_action(session: Session, data: str) -> None:
    """`<realm>,<code>,exec:<application>,<argument>[,self,self]`; `event` does nothing but tell."""
    realm, code, what, *argument = data.split(",")
    name = what.removeprefix("exec:")
    session.channel.codes.bind(realm, code, "log" if name == what else name, argument[0] if argument else "")


def _clear_digit_action(session: Session, data: str) -> None:
    codes = session.channel.codes
    for realm in list(codes.realms) if data == "all" else [data]:
        codes.clear(realm)


def _set_realm(session: Session, data: str) -> None:
    codes = session.channel.codes
    if data in codes.realms:
        codes.realm = data


def _sleep(session: Session, data: str) -> None:
    session.pause(float(data) / 1000 if data.isdigit() else 0.0)


def _pre_answer(session: Session, data: str) -> None:
    session.channel.pre_answer()


def _play_and_get_digits(session: Session, data: str) -> None:
    """`<min> <max> <tries> <timeout> <terminators> <file> <invalid_file> <variable>`; a key ends the playing."""
    channel = session.channel
    words = split(data, " ")
    least, most, tries, timeout = (int(word) for word in words[:4])
    terminators, file, variable = words[4], words[5], words[7]
    channel.pre_answer()
    channel.set(variable, None)
    for _ in range(tries):
        # Whatever ends the prompt is the first key, also one that would end the entry.
        digits = _played(session, file, KEYS).key or ""
        while channel.up and len(digits) < most:
            key = channel.key(timeout / 1000)
            if key is None or key in terminators:
                break
            digits += key
        if digits:
            channel.set(variable, digits)
        if len(digits) >= max(least, 1) or not channel.up:
            return


def _playback(session: Session, data: str) -> None:
    channel = session.channel
    channel.pre_answer()
    channel.fire("PLAYBACK_START", ("Playback-File-Path", data))
    ended = _played(session, data, _terminators(session))
    channel.set("playback_samples", str(round(ended.passed * SAMPLE_RATE)))
    channel.fire("PLAYBACK_STOP", ("Playback-File-Path", data), ("Playback-Status", "break" if ended.early else "done"))
    # What is pressed meanwhile is nobody's.
    while not channel.keyed.empty():
        channel.key(1.0)


def _intercept(session: Session, data: str) -> None:
    channel, other = session.channel, session.switch.channel(data)
    if other is None or not other.up:
        return
    settings = session.switch.configuration.globals
    only = channel.get("intercept_unanswered_only") or settings.get("intercept_unanswered_only")
    if is_true(only) and other.answered.is_set():
        return
    Bridge(session).fetch(other, FETCHED)


def _record(session: Session, data: str) -> None:
    """`<path> <limit> <silence_level> <silence_seconds>`; what is said begins with the recording."""
    channel = session.channel
    words = data.split(" ")
    limit, patience = float(words[1]), float(words[3])
    channel.pre_answer()
    channel.speaks_since = session.switch.clock.now()
    spoken = min(channel.says.seconds, limit) if channel.says is not None else 0.0
    silent = patience < limit - spoken
    passed = _until_key(session, spoken + patience if silent else limit, _terminators(session)).passed
    samples = sound.said(channel.says, passed)
    try:
        sound.write(Path(words[0]), samples)
    except OSError as error:
        log.error("simulator.not_recorded", call=channel.uuid, reason=str(error))
        channel.hang_up("DESTINATION_OUT_OF_ORDER")
        return
    channel.set("record_samples", str(len(samples)))
    channel.set("record_ms", str(round(passed * 1000)))


class Ended(NamedTuple):
    """How an application ended: by which key, after how many seconds, and whether before its time."""

    key: str | None
    passed: float
    early: bool


def _played(session: Session, file: str, keys: str) -> Ended:
    heard = sound.samples_of(file)
    return _until_key(session, len(heard) / SAMPLE_RATE, keys, heard)


def _terminators(session: Session) -> str:
    return (session.channel.get("playback_terminators") or "*").replace("none", "")


def _until_key(session: Session, seconds: float, keys: str, heard: array[int] | None = None) -> Ended:
    """Let time pass, in which the caller hears this, until one of the keys is pressed, the leg ends or the application
    is broken."""
    channel = session.channel
    clock = session.switch.clock
    began = clock.now()
    channel.broken.clear()
    key, done = None, 0
    while channel.up and not _broken(channel) and (left := began + seconds - clock.now()) > 0:
        pressed = channel.key(min(left, KEY_STEP))
        if heard is not None:
            upto = round(min(seconds, clock.now() - began) * SAMPLE_RATE)
            channel.heard.extend(heard[done:upto])
            done = upto
        if pressed is not None and pressed in keys:
            key = pressed
            break
    early = key is not None or not channel.up or _broken(channel)
    return Ended(key, min(seconds, clock.now() - began), early)


def _broken(channel: Channel) -> bool:
    return channel.broken.is_set() or channel.fetched.is_set()


def _park(session: Session, data: str) -> None:
    session.pause(None)


def _transfer(session: Session, data: str) -> None:
    words = data.split(" ")
    channel = session.channel
    name = "max_session_transfers" if channel.get("max_session_transfers") else "max_forwards"
    left = int(channel.get(name) or "71") - 1
    if left <= 0:
        channel.hang_up("EXCHANGE_ROUTING_ERROR")
        return
    channel.set(name, str(left))
    context = words[2] if len(words) > 2 else channel.profile.context
    channel.send_to(words[0] or "service", context, words[1] if len(words) > 1 else "XML")


def _execute_extension(session: Session, data: str) -> None:
    words = data.split(" ")
    context = words[2] if len(words) > 2 else session.channel.profile.context
    session.execute_extension(words[0], context)


def _sched_hangup(session: Session, data: str) -> None:
    when, _, cause = data.partition(" ")
    channel = session.channel
    name = causes.cause(cause) if cause else "ALLOTTED_TIMEOUT"
    seconds = session.switch.scheduler.seconds_until(when)
    session.switch.scheduler.add(seconds, channel.uuid, lambda: channel.hang_up(name))


def _nothing(session: Session, data: str) -> None:
    """Applications that change nothing the simulator knows of."""


APPLICATIONS: Final[dict[str, Application]] = {
    "answer": _answer,
    "bind_digit_action": _bind_digit_action,
    "bridge": _bridge,
    "clear_digit_action": _clear_digit_action,
    "digit_action_set_realm": _set_realm,
    "execute_extension": _execute_extension,
    "export": _export,
    "hangup": _hangup,
    "info": _nothing,
    "intercept": _intercept,
    "log": _nothing,
    "multiset": _multiset,
    "park": _park,
    "play_and_get_digits": _play_and_get_digits,
    "playback": _playback,
    "pre_answer": _pre_answer,
    "push": _push,
    "record": _record,
    "respond": _respond,
    "ring_ready": _ring_ready,
    "sched_hangup": _sched_hangup,
    "set": _set,
    "sleep": _sleep,
    "socket": hand_over,
    "transfer": _transfer,
    "unset": _unset,
}
