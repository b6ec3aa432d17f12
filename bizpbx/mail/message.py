"""A mail as it leaves: subject, text and HTML from the templates of a language."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from bizpbx.mail.queue import Claimed

LANGUAGE: Final = "en"
NAMES: Final = uuid.UUID("6f0e3c52-5f0f-4a39-9d0e-6f5d1ad0d8a1")
MOST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    kind: str
    """`audio/mpeg` and the like."""
    content: bytes


def message(mail: Claimed, sender: str, attachment: Attachment | None = None) -> EmailMessage:
    """The mail in its organisation's language, or in English where there is none in that. Made again, it is the same to
    the byte but for its MIME boundary. Raises jinja2.TemplateError for a template that is not there, or that asks for a
    value that is not."""
    values = {
        **{name: _flat(value) for name, value in mail.details.items()},
        "organisation": _flat(mail.organisation),
        "zone": mail.zone,
        "attached": attachment is not None,
    }
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(addr_spec=sender)
    made["To"] = Address(addr_spec=mail.recipient)
    made["Subject"] = _unencoded(_flat(_template(mail, "subject").render(values))[:MOST_SUBJECT])
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = message_id(mail, sender)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_template(mail, "txt").render(values), cte="quoted-printable")
    made.add_alternative(_template(mail, "html").render(values), subtype="html", cte="quoted-printable")
    if attachment is not None:
        main, _, sub = attachment.kind.partition("/")
        made.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return made


def message_id(mail: Claimed, sender: str) -> str:
    """The same for each try, so that a mail which arrives twice can be told."""
    what = f"{mail.domain}/{mail.key}/{mail.recipient}/{mail.created_at.isoformat()}"
    return f"<{uuid.uuid5(NAMES, what)}@{sender.rpartition('@')[2]}>"


def _flat(value: Any) -> Any:
    """A text on one line, with nothing invisible in it: it may stand in a header."""
    if isinstance(value, str):
        return " ".join("".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in value).split())
    if isinstance(value, Mapping):
        return {name: _flat(each) for name, each in value.items()}
    return [_flat(each) for each in value] if isinstance(value, list) else value


def _unencoded(subject: str) -> str:
    """A subject in which nothing is an encoded word (RFC 2047). Python's email package decodes those of a value that it
    is given, and writes a line break that was in one as a line break: the caller's name would begin a header.

    >>> _unencoded("from =?utf-8?q?Ann=0D=0ABcc:_x?=")
    'from = ?utf-8?q?Ann=0D=0ABcc:_x?='
    """
    return subject.replace("=?", "= ?")


def _template(mail: Claimed, part: str) -> Template:
    languages = dict.fromkeys((mail.language, mail.language.partition("-")[0], LANGUAGE))
    return _environment().select_template([f"{language}/{mail.template}.{part}" for language in languages])


def _who(caller: str | None, name: str, withheld: str) -> str:
    """A caller: name and number, the number alone, or words for one who withholds both."""
    if caller is None:
        return withheld
    return f"{name} ({caller})" if name and name != caller else caller


def _local(moment: str, zone: str) -> str:
    """A moment by the organisation's clock."""
    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bizpbx.mail"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["local"] = _local
    environment.filters["who"] = _who
    return environment
