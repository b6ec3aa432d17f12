"""Stored settings in the shape of the settings file, every field written out: what is exported, shown and compared.

Each function gives name → document for the names asked for, or for all, in the order of the names.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bizpbx.directory import guard_limits, licence, line_values, passcodes, values
from bizpbx.directory import rates as stored_rates
from bizpbx.directory.extension import Extension
from bizpbx.directory.gateway import Gateway, GatewayCalls
from bizpbx.directory.line_records import lines
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.outbound_rule import OutboundRule
from bizpbx.directory.records import FEW, ExtensionRecord
from bizpbx.directory.records import extensions as extension_records
from bizpbx.directory.rule_records import rules as rule_records
from bizpbx.directory.secrets import STORED
from bizpbx.directory.virtual_line import VirtualLine
from bizpbx.metering.money import limit_value
from bizpbx.policy.settings import ExtensionType

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow

Document = dict[str, Any]


def organisation(session: Session, organisation_id: int) -> Document:
    row = session.execute(
        select(Organisation.__table__, OutboundRule.name.label("default_rule"))
        .outerjoin(OutboundRule, OutboundRule.id == Organisation.default_rule_id)
        .where(Organisation.id == organisation_id)
    ).one()
    return {
        "name": row.name,
        "domain": row.domain,
        "timezone": row.timezone,
        "country": row.country,
        "currency": row.currency,
        "default_rule": row.default_rule,
        "main_number": row.main_number,
        "refuse_without_passcode": row.refuse_without_passcode,
        "transfers": row.transfers,
        "guard": guard_limits.document(row),
        "alerts": row.alerts,
        "language": row.language,
        "voicemail_days": row.voicemail_days,
    }


def members(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    query = select(Member).where(Member.organisation_id == organisation_id, *among(Member.email, names))
    found = {
        row.email: {"email": row.email, "name": row.name, "role": str(row.role), "mobile": row.mobile}
        for row in session.scalars(query)
        if names is None or row.email in names
    }
    return in_order(found)


def licences(session: Session, organisation_id: int) -> Document:
    """Kind → number of seats."""
    return {str(kind): seats for kind, (seats, _) in licence.counts(session, organisation_id).items()}


def numbers(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    query = (
        select(Number.e164, func.coalesce(Extension.key, VirtualLine.key))
        .outerjoin(
            Extension, (Extension.organisation_id == Number.organisation_id) & (Extension.id == Number.extension_id)
        )
        .outerjoin(
            VirtualLine, (VirtualLine.organisation_id == Number.organisation_id) & (VirtualLine.id == Number.line_id)
        )
        .where(Number.organisation_id == organisation_id, *among(Number.e164, names))
    )
    found = {
        e164: {"number": e164, "to": key} for e164, key in session.execute(query) if names is None or e164 in names
    }
    return in_order(found)


def gateways(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    """With STORED for a password that is stored."""
    query = (
        select(Gateway, OutboundRule.name, Extension.key)
        .outerjoin(
            GatewayCalls,
            (GatewayCalls.organisation_id == Gateway.organisation_id) & (GatewayCalls.gateway_id == Gateway.id),
        )
        .outerjoin(OutboundRule, OutboundRule.id == GatewayCalls.rule_id)
        .outerjoin(Extension, Extension.id == GatewayCalls.payer_id)
        .where(Gateway.organisation_id == organisation_id, *among(Gateway.name, names))
    )
    found = {
        row.name: {
            "name": row.name,
            "host": row.host,
            "port": row.port,
            "transport": str(row.transport),
            "username": row.username,
            "password": STORED if row.password_encrypted else None,
            "trunk": row.trunk,
            "registers": row.registers,
            "ping": row.ping,
            "addresses": row.addresses,
            "outbound_rule": rule,
            "payer": payer,
        }
        for row, rule, payer in session.execute(query)
        if names is None or row.name in names
    }
    return in_order(found)


def rates(session: Session, organisation_id: int) -> list[Document]:
    """By prefix and date."""
    query = select(Organisation.currency, Organisation.timezone).where(Organisation.id == organisation_id)
    currency, timezone = session.execute(query).one()
    found = stored_rates.stored(session, organisation_id)
    return [stored_rates.document(key, price, currency, timezone) for key, price in found.items()]


def outbound_rules(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    query = select(Gateway.id, Gateway.name).where(Gateway.organisation_id == organisation_id)
    gateway_names = dict(session.execute(query).all())
    found = {
        rule.name: {
            "name": rule.name,
            "gateway": gateway_names.get(rule.gateway_id) if rule.gateway_id is not None else None,
            "fallback_gateways": [gateway_names[each] for each in rule.fallback_ids if each in gateway_names],
            "dial_plan": [
                {
                    "starts_with": entry.starts_with,
                    "length": entry.length,
                    "strip": entry.strip,
                    "prepend": entry.prepend,
                }
                for entry in rule.dial_plan
            ],
            "countries": rule.countries,
            "caller_id_plan": [
                {"country": entry.country, "prefix": entry.prefix, "caller_id": entry.caller_id}
                for entry in rule.caller_ids
            ],
        }
        for rule in rule_records(session, organisation_id)
        if names is None or rule.name in names
    }
    return in_order(found)


def extensions(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    gateway_ids = select(Gateway.id, Gateway.name).where(Gateway.organisation_id == organisation_id)
    gateway_names = dict(session.execute(gateway_ids).all())
    rule_ids = select(OutboundRule.id, OutboundRule.name).where(OutboundRule.organisation_id == organisation_id)
    rule_names = dict(session.execute(rule_ids).all())
    currency = session.execute(select(Organisation.currency).where(Organisation.id == organisation_id)).scalar_one()
    return {
        record.row.key: extension(record, gateway_names, rule_names, currency)
        for record in extension_records(session, organisation_id, names)
    }


def extension(
    record: ExtensionRecord, gateway_names: dict[int, str], rule_names: dict[int, str], currency: str
) -> Document:
    row = record.row
    document = {
        "key": row.key,
        "label": row.label,
        "assignee": row.assignee,
        "type": str(row.type),
        "role": str(row.role),
        "passcode": passcodes.STORED if row.passcode_hash else None,
        "devices": {str(device.kind): {"tls": device.tls, "active": device.active} for device in record.devices},
        "incoming": {
            "devices": [str(device.kind) for device in record.devices if device.rings],
            "do_not_disturb": row.do_not_disturb,
            "gateway": gateway_names.get(row.gateway_id),
            "forwarding": {
                "enabled": row.forwarding_enabled,
                "number": row.forwarding_number,
                "extensions": record.targets,
                "vip": record.vips,
            },
        },
        "caller_id": {
            "mode": str(row.caller_id_mode),
            "number": row.caller_id_number,
            "assigned": [listed.number for listed in record.assigned],
            "on_forward": str(row.on_forward),
        },
    }
    if row.type is ExtensionType.NORMAL:
        document["usage_limit"] = usage_limit(record.row, currency)
        document["no_answer"] = {
            "action": str(row.no_answer_action),
            "wait": row.no_answer_wait,
            "number": row.no_answer_number,
            "emails": row.no_answer_emails,
            "message": row.greeting,
            "longest": row.no_answer_longest,
            "pin": passcodes.STORED_PIN if row.pin_hash else None,
        }
    return document | {"guard": guard_limits.document(row), "outbound_rule": rule_names.get(row.rule_id)}


def virtual_lines(session: Session, organisation_id: int, names: Collection[str] | None = None) -> dict[str, Document]:
    """Shorter keys first. Steps with name, next and the one thing that they do."""
    return {record.key: line_values.document(record) for record in lines(session, organisation_id, names)}


def usage_limit(row: AnyRow, currency: str) -> Document:
    limit = values.usage_limit(row)
    return {"kind": str(limit.kind), "value": limit_value(limit, currency)}


def among(column: InstrumentedAttribute[str], names: Collection[str] | None) -> list[ColumnElement[bool]]:
    """Narrow a query down to a few names; many are picked out of all afterwards."""
    return [column.in_(names)] if names is not None and len(names) <= FEW else []


def in_order(found: dict[str, Document]) -> dict[str, Document]:
    """By name; not by the database, whose collation differs from one to the next."""
    return dict(sorted(found.items()))
