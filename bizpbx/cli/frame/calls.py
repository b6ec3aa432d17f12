"""Calls on record as commands ask for them and print them."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx import validation
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import InvalidText, NotFound
from bizpbx.metering import calls
from bizpbx.metering.call_record import CallLeg, CallRecord, Direction
from bizpbx.metering.calls import Place, Wanted
from bizpbx.metering.money import major

FIELDS = (
    "id", "started", "answered", "ended", "direction", "from", "to", "dialled", "extension", "callee", "answered_by",
    "rang", "talked", "cause", "sip_code", "cost", "currency", "priced", "rules", "reason", "switch", "call",
    "transfers",
)  # fmt: skip
"""Of a call, in JSON and CSV; stable, new ones are added at the end."""

_WHO = re.compile(r"[A-Za-z0-9+*#%._?-]{1,64}")
_CAUSE = re.compile(r"[A-Z0-9_]{1,40}")
_NUMBER = re.compile(r"\+[0-9]{1,15}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Home:
    """The organisation whose calls are asked for."""

    id: int
    zone: ZoneInfo
    currency: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters as they were typed."""

    caller: str | None
    called: str | None
    extension: str | None
    since: str | None
    until: str | None
    cause: str | None
    min_talked: int | None
    direction: str | None
    answered: bool | None


def organisation(session: Session, domain: str) -> Home:
    found = session.execute(
        select(Organisation.id, Organisation.timezone, Organisation.currency).where(Organisation.domain == domain)
    ).one_or_none()
    if found is None:
        raise NotFound("organisation", domain)
    return Home(found.id, ZoneInfo(found.timezone), found.currency)


def wanted(asked: Asked, zone: ZoneInfo) -> Wanted:
    """The filters, checked. Raises InvalidText."""
    return Wanted(
        caller=_matching(asked.caller, _WHO, "--from", "a key or a number, such as 100 or +65*"),
        called=_matching(asked.called, _WHO, "--to", "a key or a number, such as 100 or +65*"),
        extension=validation.extension_key(asked.extension) if asked.extension is not None else None,
        since=moment(asked.since, zone, "--since", timedelta(0)),
        until=moment(asked.until, zone, "--until", timedelta(days=1)),
        cause=_matching(asked.cause and asked.cause.upper(), _CAUSE, "--cause", "a hang-up cause, such as USER_BUSY"),
        direction=Direction(asked.direction) if asked.direction is not None else None,
        min_talked=asked.min_talked,
        answered=asked.answered,
    )


def rows(session: Session, home: Home, asked: Asked, limit: int | None, before: int | None) -> Iterator[dict[str, Any]]:
    """Calls as they are printed. Raises InvalidText, NotFound."""
    after = None
    if before is not None:
        found = calls.call(session, home.id, str(before))
        if found is None:
            raise NotFound("call", str(before), "`bizpbx call list` shows all.")
        after = Place(found[0].started, found[0].id)
    for record in calls.find(session, home.id, wanted(asked, home.zone), limit, after):
        yield described(record, home)


def one(session: Session, home: Home, name: str) -> dict[str, Any] | None:
    """A call with its legs."""
    found = calls.call(session, home.id, name)
    if found is None:
        return None
    record, legs = found
    return described(record, home) | {"legs": [leg_described(leg, home.zone) for leg in legs]}


def described(record: CallRecord, home: Home) -> dict[str, Any]:
    values = {
        "id": record.id,
        "started": told(record.started, home.zone),
        "answered": told(record.answered, home.zone),
        "ended": told(record.ended, home.zone),
        "direction": str(record.direction),
        "from": record.caller,
        "to": record.called,
        "dialled": record.dialled,
        "extension": record.extension,
        "callee": record.callee,
        "answered_by": record.answered_by,
        "rang": record.rang,
        "talked": record.talked,
        "cause": record.cause,
        "sip_code": record.sip_code,
        "cost": None if record.cost is None else major(record.cost, home.currency),
        "currency": home.currency,
        "priced": record.priced,
        "rules": record.rules.split(),
        "reason": record.reason,
        "switch": record.switch,
        "call": record.call,
        "transfers": record.transfers.split(),
    }
    return {name: values[name] for name in FIELDS}


def leg_described(leg: CallLeg, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "leg": leg.leg,
        "started": told(leg.started, zone, "milliseconds"),
        "ringing": told(leg.ringing, zone, "milliseconds"),
        "answered": told(leg.answered, zone, "milliseconds"),
        "ended": told(leg.ended, zone, "milliseconds"),
        "own": leg.leg == leg.call,
        "caller": leg.caller,
        "withheld": leg.withheld,
        "dialled": leg.dialled,
        "device": leg.device,
        "gateway": leg.gateway,
        "cause": leg.cause,
        "sip_code": leg.sip_code,
        "transferred_to": leg.transferred_to,
        "consulted": leg.consulted,
    }


def ladder(call: Mapping[str, Any], legs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What happened on each leg, as lines: seconds since the start of the call, who, what."""
    began = datetime.fromisoformat(call["started"])
    happened = sorted(
        (datetime.fromisoformat(leg[what]), order, what, leg)
        for order, leg in enumerate(legs)
        for what in ("started", "ringing", "answered", "ended")
        if leg[what] is not None
    )
    for at, _, what, leg in happened:
        who = f"{leg['gateway']}/{leg['dialled']}" if leg["gateway"] else leg["device"] or leg["caller"] or "anonymous"
        code = f" ({leg['sip_code']})" if leg["sip_code"] is not None else ""
        asked = "asked" if leg["consulted"] else "called"
        words = {
            "started": f"calls {leg['dialled']}" if leg["own"] else f"is {asked} by {leg['caller'] or 'anonymous'}",
            "ringing": "rings" if not leg["own"] else "hears ringing",
            "answered": "is answered" if leg["own"] else "answers",
            "ended": f"transfers the call to {leg['transferred_to']}"
            if leg["transferred_to"] is not None
            else f"ends: {leg['cause']}{code}",
        }
        yield f"{(at - began).total_seconds():9.3f}  {who:32}  {words[what]}"


def write_csv(found: Iterable[Mapping[str, Any]]) -> None:
    """To the standard output (RFC 4180)."""
    writer = csv.writer(sys.stdout)
    writer.writerow(FIELDS)
    for row in found:
        writer.writerow([cell(row[name]) for name in FIELDS])


def cell(value: object) -> str:
    """A value of a CSV file. What a spreadsheet would run as a formula is made a text; a number in E.164 is none.

    >>> cell("=1+1"), cell("+6561234567"), cell(None), cell(["did", "key"])
    ("'=1+1", '+6561234567', '', 'did key')
    """
    text = "" if value is None else " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def write_json_lines(found: Iterable[Mapping[str, Any]]) -> None:
    import orjson

    for row in found:
        sys.stdout.write(orjson.dumps(row).decode() + "\n")


def told(moment: datetime | None, zone: ZoneInfo, precision: str = "seconds") -> str | None:
    """A time by the organisation's clock."""
    return None if moment is None else moment.astimezone(zone).isoformat(timespec=precision)


def _matching(text: str | None, pattern: re.Pattern[str], option: str, words: str) -> str | None:
    if text is not None and not pattern.fullmatch(text):
        raise InvalidText(f"must be {words}, not {validation.shown(text)}.", option)
    return text


def moment(text: str | None, zone: ZoneInfo, option: str, whole_day: timedelta) -> datetime | None:
    """A day or a time that was typed, for this option. A day begins at the first moment at which the organisation's
    clock shows it, and is `whole_day` later if it is to be counted in. Raises InvalidText."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            found += whole_day
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        words = "a day or a time, such as 2026-05-01 or 2026-05-01T14:00"
        raise InvalidText(f"must be {words}, not {validation.shown(text)}.", option) from None
