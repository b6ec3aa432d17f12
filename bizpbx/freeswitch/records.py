"""Leg records of FreeSWITCH: the files of mod_xml_cdr and the event CHANNEL_HANGUP_COMPLETE, read into one value. Pure.

A file is not read as XML. The names of variables become element names, and a caller chooses some of them (`X-%: 1` is a
SIP header, and `<sip_h_X-%>` no XML); in texts that are not URL-encoded, such as a display name, the switch leaves all
that follows a `<!` unescaped. Both would let a caller make the record of his call unreadable, or write another one.
Values of variables are URL-encoded, so up to the end of the variables there is no `<` that is not the switch's own:
that part is read, and nothing after it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from bizpbx.errors import BizpbxError
from bizpbx.freeswitch.esl_event import Names, find
from bizpbx.freeswitch.kept import KEPT, kept_of
from bizpbx.metering.leg import LegRecord

LARGEST = 4 << 20
"""Bytes of a file that is read at all. A usual one has 10 to 20 thousand."""
MOST_REASON = 1024
MOST_RULES = 40
MOST_TEXT = 64

_VARIABLES = (
    *("uuid", "direction", "hangup_cause"),
    *(f"{moment}_uepoch" for moment in ("start", "progress", "progress_media", "answer", "end")),
    *("caller_id", "origination_caller_id_number", "originate_disposition", "sip_gateway_name", "sip_req_user"),
    *("sip_term_status", "sip_invite_failure_status", "proto_specific_hangup_cause"),
    *(f"bizpbx_{name}" for name in ("call", "organisation", "domain", "extension", "device", "target", "dialled")),
    *(f"bizpbx_{name}" for name in ("callee", "rule", "reason", "withheld", "transferred_to", "consulted_by")),
    *KEPT,
)
"""What is read of a leg. Nothing else can be asked for, so that a file and an event tell the same."""
_NAMES = Names(["FreeSWITCH-Switchname", *(f"variable_{name}" for name in _VARIABLES)])
_VARIABLE = re.compile(rf"<({'|'.join(_VARIABLES)})>([^<>]*)</\1>".encode())
_SWITCH = re.compile(rb'<cdr core-uuid="[^"<>]*" switchname="([^"<>]*)"')
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DOMAIN = re.compile(r"[a-z0-9.:-]{1,253}")
_NUMBER = re.compile(r"\+?[0-9]{2,32}")
_KEY = re.compile(r"[0-9]{2,6}")
_CAUSE = re.compile(r"[A-Z0-9_]{1,40}")
_RULE = re.compile(r"[a-z0-9-]{1,40}")
_NOT_DIALLED = re.compile(r"[^A-Za-z0-9+*#%._-]")
_CALLER = re.compile(r"<([^<>]*)>\s*\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_000_000
"""Microseconds to the end of the year 9999."""

Get = Callable[[str], str]


class UnreadableRecord(BizpbxError):
    """A record of a leg lacks what every leg has, or has something else in its place."""

    code = "unreadable-record"


class CutShort(UnreadableRecord):
    """A file ends before its end: it is still being written, or the disk of the switch was full."""

    code = "record-cut-short"


def from_file(data: bytes) -> LegRecord:
    """The leg of a whole file of mod_xml_cdr. Raises CutShort, UnreadableRecord."""
    if not data.rstrip().endswith(b"</cdr>"):
        raise CutShort(f"The file has {len(data)} bytes and not its last line. Was the disk of the switch full?")
    start = data.find(b"<variables>")
    end = data.find(b"</variables>", start)
    switch = _SWITCH.search(data, 0, 1024)
    if start < 0 or end < 0 or switch is None:
        raise UnreadableRecord("The file has no variables, or no name of its switch: mod_xml_cdr did not write it.")
    if data.find(b"<textlog>", 0, start) >= 0:
        # What was typed during a call with text stands before the variables, and may hold anything.
        raise UnreadableRecord("The call had text in it, which makes its file unsafe to read.")
    found = dict.fromkeys(_VARIABLES, "")
    # Backwards, so that of several the first counts.
    for name, value in reversed(_VARIABLE.findall(data, start, end)):
        found[name.decode()] = (unquote_to_bytes(value) if b"%" in value else value).decode("utf-8", "replace")
    return _leg(found.__getitem__, switch[1].decode("utf-8", "replace"))


def from_event(headers: Mapping[str, str]) -> LegRecord:
    """The leg of a CHANNEL_HANGUP_COMPLETE. Raises UnreadableRecord."""
    headers = find(headers, _NAMES)
    found = {name: headers.get(f"variable_{name}") or "" for name in _VARIABLES}
    return _leg(found.__getitem__, headers.get("FreeSWITCH-Switchname") or "")


def _leg(get: Get, switch: str) -> LegRecord:
    leg = _named(get("uuid"), _NAME, "name of the leg")
    called = get("direction") == "outbound"
    target = get("bizpbx_target")
    gateway = get("sip_gateway_name") if called else ""
    device = "" if gateway else target if called else get("bizpbx_device")
    started = _moment(get("start_uepoch"))
    ended = _moment(get("end_uepoch"))
    if started is None or ended is None:
        raise UnreadableRecord("The record does not say when the leg began and ended.")
    answered = _moment(get("answer_uepoch"))
    return LegRecord(
        switch=_named(switch, _NAME, "name of the switch"),
        leg=leg,
        call=_one_of(get("bizpbx_call"), _NAME) or leg,
        organisation=_one_of(get("bizpbx_organisation") or get("bizpbx_domain"), _DOMAIN),
        started=started,
        ended=max(started, ended),
        cause=_one_of(get("hangup_cause"), _CAUSE) or "NORMAL_UNSPECIFIED",
        ringing=_moment(get("progress_uepoch")) or _moment(get("progress_media_uepoch")),
        answered=None if answered is None else min(answered, max(started, ended)),
        sip_code=_sip_code(get),
        caller=_caller(get, called),
        withheld=get("bizpbx_withheld") == "true",
        dialled=dialled_text(target if gateway else "" if called else get("bizpbx_dialled") or get("sip_req_user")),
        extension=_one_of(get("bizpbx_extension") if not called else device.partition("-")[0], _KEY),
        device=_one_of(device, _NAME),
        gateway=_one_of(gateway, _NAME),
        callee=None if called else _one_of(get("bizpbx_callee"), _KEY),
        # A leg that was called says why where it was transferred.
        rules=tuple(word for word in get("bizpbx_rule").split()[:MOST_RULES] if _RULE.fullmatch(word)),
        reason=plain_text(get("bizpbx_reason"), MOST_REASON),
        transferred_to=_one_of(get("bizpbx_transferred_to"), _NUMBER),
        consulted=called and bool(get("bizpbx_consulted_by")),
        # A leg that was called has none of its own, unless it was transferred.
        kept=kept_of(get),
    )


def _caller(get: Get, called: bool) -> str:
    """Key of an own device; else what stands between the brackets of `"name" <number>`, the caller's own words."""
    if called:
        return dialled_text(get("origination_caller_id_number"))
    key = _one_of(get("bizpbx_extension"), _KEY)
    if key is not None and get("bizpbx_device"):
        return key
    text = get("caller_id")
    found = _CALLER.search(text)
    return dialled_text(found[1] if found else text)


def _sip_code(get: Get) -> int | None:
    for text in (
        get("sip_term_status"),
        get("sip_invite_failure_status"),
        get("proto_specific_hangup_cause").removeprefix("sip:"),
    ):
        if len(text) == 3 and text.isascii() and text.isdigit() and text > "199":
            return int(text)
    return None


def _moment(text: str) -> datetime | None:
    """Microseconds since 1970; 0 or nothing is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    count = int(text)
    return _EPOCH + timedelta(microseconds=count) if 0 < count <= _LATEST else None


def _named(text: str, pattern: re.Pattern[str], what: str) -> str:
    found = _one_of(text, pattern)
    if found is None:
        raise UnreadableRecord(f"The record has no {what} that can be read.")
    return found


def _one_of(text: str, pattern: re.Pattern[str]) -> str | None:
    return text if pattern.fullmatch(text) else None


def dialled_text(text: str) -> str:
    """A number, key or other user of a SIP address as it is kept: what nobody can dial becomes `?`."""
    return _NOT_DIALLED.sub("?", text[:MOST_TEXT])


def plain_text(text: str, most: int) -> str:
    """Free text as it is kept: on one line, without what cannot be seen."""
    if text.isascii() and text.isprintable():
        return text[:most].strip()
    return "".join(
        " " if unicodedata.category(character).startswith(("Z", "C")) else character for character in text[:most]
    ).strip()
