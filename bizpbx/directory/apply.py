"""Apply a settings file: compare it with what is stored, check it, write the difference, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bizpbx.directory import documents, guard_limits, rate_changes, recording, schema
from bizpbx.directory.applying import (
    aftermath,
    checks,
    comparing,
    devices,
    extensions,
    line_checks,
    lines,
    messages,
    rates,
    simple,
)
from bizpbx.directory.applying.work import Work
from bizpbx.directory.database import Database
from bizpbx.directory.documents import Document
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.recording import Change
from bizpbx.directory.secrets import Secrets
from bizpbx.errors import InvalidSettings, Refused
from bizpbx.voicemail.speech import Made, Speaker

NEEDED = ("name", "timezone", "country", "currency")
"""What a new organisation cannot do without."""

STORED_AS_WRITTEN = (
    *NEEDED,
    "main_number",
    "refuse_without_passcode",
    "transfers",
    "alerts",
    "language",
    "voicemail_days",
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, or with a dry run would be done. `version` is the organisation's after it."""

    domain: str
    changes: tuple[Change, ...]
    version: int


def apply(
    database: Database,
    settings: schema.Settings,
    *,
    actor: str,
    at: datetime,
    secrets: Callable[[], Secrets],
    dry_run: bool = False,
    prune: bool = False,
    remove: Mapping[str, Collection[str]] | None = None,
    speaker: Callable[[], Speaker] | None = None,
    uploads: Collection[Made] = (),
) -> Applied:
    """All of it or nothing. A second application of the same file changes nothing.

    `prune` removes what the lists in the file do not hold; lists that are not in the file are left alone. `remove`
    names things to remove, by section (`extensions`: keys …). `secrets` is called only if there are passwords to
    write, `speaker` if there are texts to speak. `uploads` are sounds in the store that the organisation has from then
    on. Raises InvalidSettings with every problem, NoFreeLicence, NotFound for a name in `remove`, Refused if the same
    was changed elsewhere at the same moment, StoreError.
    """
    spoken = messages.speak(database, settings, speaker, uploads, dry_run=dry_run)
    try:
        with database.writing(keep=not dry_run) as session:
            return apply_in(session, settings, actor, at, secrets, prune, remove or {}, spoken)
    except IntegrityError:
        raise Refused("Another change of the same settings was made at this moment; try again.") from None


def apply_in(
    session: Session,
    settings: schema.Settings,
    actor: str,
    at: datetime,
    secrets: Callable[[], Secrets],
    prune: bool,
    remove: Mapping[str, Collection[str]],
    spoken: messages.Spoken,
) -> Applied:
    check_needed(settings.organisation, known=True)
    organisation_id = recording.lock(session, settings.organisation.domain)
    created = organisation_id is None
    if organisation_id is None:
        organisation_id = create(session, settings.organisation)
    before = documents.organisation(session, organisation_id)
    given = {field: getattr(settings.organisation, field) for field in settings.organisation.model_fields_set}
    if settings.organisation.guard is not None:
        given["guard"] = settings.organisation.guard.model_dump(exclude_unset=True)
    if "guard" in given:
        given["guard"] = guard_limits.changed(before["guard"], given["guard"])
    if "alerts" in given:
        given["alerts"] = sorted(set(given["alerts"] or ()))
    after = before | given
    work = Work(session, organisation_id, settings.organisation.domain, at, secrets, prune, after)
    messages.keep(work, spoken)
    comparing.compare(work, settings, remove)
    priced = rates.compare(work, settings.rates)
    rates.check_currency(work, before["currency"])
    checks.check(work, after, country_changed=not created and before["country"] != after["country"])
    work.stop_if_wrong()
    if created:
        work.changes.append(Change("organisation", work.domain, "", None, after))
    else:
        work.changes += recording.differences("organisation", work.domain, before, after)
    write(work, settings, after)
    if priced:
        rate_changes.write(session, organisation_id, priced)
        work.changes += priced.told(after["currency"], after["timezone"])
    changes = tuple(work.changes)
    version = 0
    if changes:
        version = recording.record(session, organisation_id, changes, actor, at)
    if priced:
        rate_changes.note_version(session, organisation_id, version)
    return Applied(work.domain, changes, version or current_version(session, organisation_id))


def write(work: Work, settings: schema.Settings, organisation: Document) -> None:
    """What is referred to comes before what refers to it, and goes after it."""
    simple.members(work)
    simple.gateways(work)
    simple.rules(work)
    extensions.extensions(work)
    lines.lines(work)
    simple.gateway_calls(work)
    simple.numbers(work)
    work.session.execute(
        update(Organisation)
        .where(Organisation.id == work.organisation_id)
        .values(
            default_rule_id=work.ids["outbound_rules"].get(organisation["default_rule"]),
            **{field: organisation[field] for field in STORED_AS_WRITTEN},
            **guard_limits.columns(organisation["guard"]),
        )
    )
    aftermath.check_removals(work)
    aftermath.check_caller_ids(work)
    aftermath.check_caller_id_plans(work)
    aftermath.check_gateway_calls(work)
    line_checks.check_flow(work)
    work.stop_if_wrong()
    lines.remove_steps(work, [work.ids["virtual_lines"][key] for key in work.sections["virtual_lines"].removed])
    removed = [work.ids["extensions"][key] for key in work.sections["extensions"].removed]
    extensions.remove_lists(work, removed)
    extensions.forget_allowances(work, work.sections["extensions"].removed)
    devices.remove(work, devices.of_extensions(work, removed))
    devices.devices(work, settings.licences)
    work.stop_if_wrong()
    for section in ("numbers", "virtual_lines", "extensions", "outbound_rules", "gateways", "members"):
        simple.remove(work, section)
    for plan in work.sections.values():
        work.changes += plan.changes()


def check_needed(organisation: schema.Organisation, *, known: bool) -> None:
    """Raises InvalidSettings if something a new organisation needs is absent, or a known one's is to be taken away."""
    problems = [
        (f"organisation.{field}", "missing", "is missing; every organisation has one.")
        for field in NEEDED
        if getattr(organisation, field) is None and (not known or field in organisation.model_fields_set)
    ]
    if problems:
        raise InvalidSettings(problems)


def create(session: Session, organisation: schema.Organisation) -> int:
    """A row with what the file says of it; what refers to others is filled in later."""
    check_needed(organisation, known=False)
    values = {field: getattr(organisation, field) for field in ("domain", *NEEDED)}
    return session.execute(insert(Organisation).values(version=0, **values).returning(Organisation.id)).scalar_one()


def current_version(session: Session, organisation_id: int) -> int:
    return session.execute(select(Organisation.version).where(Organisation.id == organisation_id)).scalar_one()
