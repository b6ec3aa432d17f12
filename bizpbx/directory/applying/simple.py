"""Writing members, gateways, rules and numbers: one statement for all that are new, one for all that changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from bizpbx.directory.applying.work import NAME_COLUMNS, Work, chunks
from bizpbx.directory.gateway import Gateway, GatewayCalls, Transport
from bizpbx.directory.member import MemberRole
from bizpbx.directory.outbound_rule import CallerIdPlanEntry, DialPlanEntry, FallbackGateway, RuleCountry
from bizpbx.directory.recording import Change
from bizpbx.directory.secrets import STORED
from bizpbx.errors import ConfigurationError
from bizpbx.policy.settings import CountryAccess

APART = ("password", "outbound_rule", "payer")
"""What of a gateway is not in its row as it is written."""


def write(work: Work, section: str, rows: dict[str, dict[str, Any]]) -> None:
    """Insert and update the rows of a section, by name; know the new ids afterwards."""
    table = NAME_COLUMNS[section].class_
    ids = work.ids[section]
    new = [row | {"organisation_id": work.organisation_id} for name, row in rows.items() if name not in ids]
    changed = [row | {"id": ids[name]} for name, row in rows.items() if name in ids]
    if new:
        work.session.execute(insert(table), new)
        work.load_ids(section)
    if changed:
        work.session.execute(update(table), changed)


def remove(work: Work, section: str) -> None:
    table = NAME_COLUMNS[section].class_
    for some in chunks([work.ids[section][name] for name in work.sections[section].removed]):
        work.session.execute(delete(table).where(table.organisation_id == work.organisation_id, table.id.in_(some)))


def members(work: Work) -> None:
    plan = work.sections["members"]
    write(
        work,
        "members",
        {name: plan.after[name] | {"role": MemberRole(plan.after[name]["role"])} for name in plan.touched},
    )


def numbers(work: Work) -> None:
    plan = work.sections["numbers"]
    # A key that goes from an extension to a line, or back, takes its numbers along.
    moved = [work.sections[one] for one in ("extensions", "virtual_lines")]
    keys = {key for old, new in (moved, moved[::-1]) for key in old.removed if key in new.added}
    rows = {
        name: {
            "e164": name,
            "extension_id": target(work, "extensions", plan.after[name]["to"]),
            "line_id": target(work, "virtual_lines", plan.after[name]["to"]),
        }
        for name in [*plan.touched, *(name for name, document in plan.after.items() if document["to"] in keys)]
    }
    write(work, "numbers", rows)


def target(work: Work, section: str, key: str | None) -> int | None:
    return work.ids[section][key] if key is not None and work.exists(section, key) else None


def gateways(work: Work) -> None:
    """Passwords are written apart: documents never hold them."""
    plan = work.sections["gateways"]
    tokens = new_tokens(work)
    rows = {}
    for name in plan.touched:
        row = {field: value for field, value in plan.after[name].items() if field not in APART}
        rows[name] = row | {"transport": Transport(row["transport"])}
    write(work, "gateways", rows)
    cleared = {name: None for name in plan.changed if plan.after[name]["password"] is None}
    passwords = [
        {"id": work.ids["gateways"][name], "password_encrypted": token} for name, token in {**tokens, **cleared}.items()
    ]
    if passwords:
        work.session.execute(update(Gateway), passwords)


def gateway_calls(work: Work) -> None:
    """Which gateways call out, once there are the rules and extensions that this needs."""
    plan = work.sections["gateways"]
    ids = work.ids["gateways"]
    for some in chunks([ids[name] for name in (*plan.changed, *plan.removed)]):
        work.session.execute(
            delete(GatewayCalls).where(
                GatewayCalls.organisation_id == work.organisation_id, GatewayCalls.gateway_id.in_(some)
            )
        )
    rows = [
        {
            "organisation_id": work.organisation_id,
            "gateway_id": ids[name],
            "rule_id": work.ids["outbound_rules"][plan.after[name]["outbound_rule"]],
            "payer_id": work.ids["extensions"][plan.after[name]["payer"]],
        }
        for name in plan.touched
        if plan.after[name]["outbound_rule"] is not None
    ]
    if rows:
        work.session.execute(insert(GatewayCalls), rows)


def new_tokens(work: Work) -> dict[str, str]:
    """Gateway → encrypted password, where it differs from what is stored; the documents say STORED from now on."""
    plan = work.sections["gateways"]
    given = {name: d["password"] for name, d in plan.after.items() if d["password"] not in (None, STORED)}
    if not given:
        return {}
    query = select(Gateway.name, Gateway.password_encrypted).where(Gateway.organisation_id == work.organisation_id)
    stored = dict(work.session.execute(query).all())
    tokens: dict[str, str] = {}
    for name, password in given.items():
        plan.after[name] = plan.after[name] | {"password": STORED}
        token = stored.get(name)
        if token is not None:
            if same(work, token, password):
                continue
            work.changes.append(Change(plan.noun, name, "password", STORED, "(new password)"))
        tokens[name] = work.secrets().encrypt(password)
    return tokens


def same(work: Work, token: str, password: str) -> bool:
    """A password that cannot be read any more is another one."""
    try:
        return work.secrets().decrypt(token) == password
    except ConfigurationError:
        return False


def rules(work: Work) -> None:
    plan = work.sections["outbound_rules"]
    touched = plan.touched
    rows = {
        name: {"name": name, "gateway_id": work.ids["gateways"].get(plan.after[name]["gateway"])} for name in touched
    }
    write(work, "outbound_rules", rows)
    ids = work.ids["outbound_rules"]
    for table in (FallbackGateway, DialPlanEntry, RuleCountry, CallerIdPlanEntry):
        for some in chunks([ids[name] for name in plan.changed]):
            work.session.execute(
                delete(table).where(table.organisation_id == work.organisation_id, table.rule_id.in_(some))
            )
    entries = [
        entry | {"organisation_id": work.organisation_id, "rule_id": ids[name], "position": position}
        for name in touched
        for position, entry in enumerate(plan.after[name]["dial_plan"])
    ]
    countries = [
        {
            "organisation_id": work.organisation_id,
            "rule_id": ids[name],
            "country": country,
            "access": CountryAccess(access),
        }
        for name in touched
        for country, access in plan.after[name]["countries"].items()
    ]
    caller_ids = [
        entry | {"organisation_id": work.organisation_id, "rule_id": ids[name]}
        for name in touched
        for entry in plan.after[name]["caller_id_plan"]
    ]
    fallbacks = [
        {
            "organisation_id": work.organisation_id,
            "rule_id": ids[name],
            "position": position,
            "gateway_id": work.ids["gateways"][gateway],
        }
        for name in touched
        for position, gateway in enumerate(plan.after[name]["fallback_gateways"])
    ]
    if fallbacks:
        work.session.execute(insert(FallbackGateway), fallbacks)
    if entries:
        work.session.execute(insert(DialPlanEntry), entries)
    if countries:
        work.session.execute(insert(RuleCountry), countries)
    if caller_ids:
        work.session.execute(insert(CallerIdPlanEntry), caller_ids)
