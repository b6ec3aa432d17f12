"""From stored rows to the values that decisions and rendering are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bizpbx.directory import guard_limits
from bizpbx.directory.records import DeviceRecord, ExtensionRecord
from bizpbx.directory.rule_records import RuleRecord
from bizpbx.directory.secrets import Secrets
from bizpbx.policy.settings import (
    CallerIdMode,
    CallerIdPlanEntry,
    CountryAccess,
    Device,
    DialPlanEntry,
    Extension,
    ExtensionType,
    Forwarding,
    Gateway,
    Guard,
    NoAnswer,
    Organisation,
    OutboundRule,
    UsageLimit,
)

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow


def organisation(row: AnyRow, gateways: Mapping[int, Gateway]) -> Organisation:
    trunks = [gateway for gateway in gateways.values() if gateway.trunk]
    return Organisation(
        id=row.id,
        name=row.name,
        domain=row.domain,
        timezone=row.timezone,
        country=row.country,
        main_number=row.main_number,
        trunks=tuple(sorted(trunks, key=lambda gateway: gateway.name)),
        refuse_without_passcode=row.refuse_without_passcode,
        transfers=row.transfers,
        currency=row.currency,
        guard=guard_limits.of_organisation(row),
        language=row.language,
        voicemail_days=row.voicemail_days,
    )


def gateway(row: AnyRow, domain: str, secrets: Secrets | None = None) -> Gateway:
    """With `secrets` the password is decrypted; without, left out."""
    encrypted = row.password_encrypted
    return Gateway(
        name=row.name,
        switch_name=f"{row.name}.{domain}",
        host=row.host,
        port=row.port,
        transport=str(row.transport),
        username=row.username,
        password=secrets.decrypt(encrypted) if secrets and encrypted else None,
        trunk=row.trunk,
        registers=row.registers,
        ping=row.ping,
        addresses=tuple(row.addresses),
    )


def rule(record: RuleRecord, gateways: Mapping[int, Gateway]) -> OutboundRule:
    """Without the entries of its caller-ID plan whose number is no longer one of the organisation's."""
    return OutboundRule(
        name=record.name,
        gateway=gateways.get(record.gateway_id) if record.gateway_id is not None else None,
        dial_plan=tuple(
            DialPlanEntry(tuple(entry.starts_with), entry.length, entry.strip, entry.prepend)
            for entry in record.dial_plan
        ),
        countries=tuple((country, CountryAccess(access)) for country, access in record.countries.items()),
        caller_id_plan=tuple(
            CallerIdPlanEntry(entry.country, entry.prefix, entry.caller_id)
            for entry in record.caller_ids
            if entry.owned
        ),
        fallback_gateways=tuple(gateways[each] for each in record.fallback_ids if each in gateways),
    )


def device(record: DeviceRecord, key: str, *, with_ha1: bool) -> Device:
    return Device(
        kind=record.kind,
        sip_user=sip_user(key, record.kind),
        active=record.active,
        licensed=record.licensed,
        rings=record.rings,
        tls=record.tls,
        ha1=record.ha1 if with_ha1 else None,
    )


def extension(
    record: ExtensionRecord,
    gateways: Mapping[int, Gateway],
    rules: Mapping[int, OutboundRule],
    default_rule_id: int | None,
    own_numbers: Callable[[], tuple[str, ...]],
    guard: Guard,
    *,
    with_ha1: bool = False,
) -> Extension:
    """With the caller IDs that the extension may present by what is stored now; `own_numbers` gives the
    organisation's DIDs, and is asked for them only where one of them is drawn. `guard` is the organisation's."""
    row = record.row
    rule_id = row.rule_id if row.rule_id is not None else default_rule_id
    caller_id, draws_from = caller_ids(record, own_numbers)
    return Extension(
        key=row.key,
        label=row.label,
        type=row.type,
        do_not_disturb=row.do_not_disturb,
        gateway=gateways.get(row.gateway_id) if row.gateway_id is not None else None,
        forwarding=Forwarding(
            enabled=row.forwarding_enabled,
            number=row.forwarding_number,
            extensions=tuple(record.targets),
            vip_numbers=frozenset(vip for vip in record.vips if vip.startswith("+")),
            vip_extensions=frozenset(vip for vip in record.vips if not vip.startswith("+")),
        ),
        no_answer=no_answer(row),
        devices=tuple(device(one, row.key, with_ha1=with_ha1) for one in record.devices),
        caller_id=caller_id,
        draws_from=draws_from,
        on_forward=row.on_forward,
        rule=rules.get(rule_id) if rule_id is not None else None,
        passcode=row.passcode_hash is not None,
        usage_limit=usage_limit(row),
        guard=guard_limits.of_extension(row, guard),
    )


def no_answer(row: AnyRow) -> NoAnswer:
    return NoAnswer(
        row.no_answer_action,
        row.no_answer_wait,
        row.no_answer_number,
        tuple(row.no_answer_emails),
        row.greeting_sound,
        row.no_answer_longest,
        row.pin_hash is not None,
    )


def usage_limit(row: AnyRow) -> UsageLimit:
    """Of normal extensions only; what is stored of another type is not acted on."""
    if row.type is not ExtensionType.NORMAL or row.usage_limit_value is None:
        return UsageLimit()
    return UsageLimit(row.usage_limit_kind, row.usage_limit_value)


def caller_ids(
    record: ExtensionRecord, own_numbers: Callable[[], tuple[str, ...]]
) -> tuple[str | None, tuple[str, ...]]:
    """The caller ID of an extension, and the numbers that it draws from instead. A number that is no longer the
    organisation's or the assignee's, or whose approval was taken back, is left out."""
    row = record.row
    number = row.caller_id_number
    listed = tuple(one.number for one in record.assigned if one.owned or one.number == row.mobile)
    owned = number if row.owns_caller_id or number == row.mobile else None
    match row.caller_id_mode:
        case CallerIdMode.ASSIGNED:
            return number if number in listed else next(iter(listed), None), ()
        case CallerIdMode.RANDOM:
            return owned, listed or own_numbers()
        case CallerIdMode.REQUEST:
            return number if number in record.approved else owned, ()
    return owned, ()


def sip_user(key: str, kind: str) -> str:
    return f"{key}-{kind}"
