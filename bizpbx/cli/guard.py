"""`bizpbx guard`: calls that looked like toll fraud and were refused."""

from __future__ import annotations

from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Calls that looked like toll fraud and were refused.")


@app.command("list")
def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List what was refused in the last seven days, the latest first, in the time of the organisation.

    A line is all that an extension was refused of one country for one reason, until a day passed without. The number
    is the one dialled last.

    Example:

      bizpbx guard list --json
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find
    from bizpbx.metering import guard_review
    from bizpbx.metering.moments import written

    with store.opened() as database, database.reading() as session:
        organisation_id = find(session, store.domain(session, organisation))
        zone = documents.organisation(session, organisation_id)["timezone"]
        found = guard_review.refused_lately(session, organisation_id, datetime.now(UTC))
    rows = [
        {
            "extension": each.extension,
            "country": each.country,
            "number": each.number,
            "reason": each.reason,
            "times": each.times,
            "first": written(each.first_at, zone),
            "last": written(each.last_at, zone),
            "allowed_until": written(each.allowed_until, zone) if each.allowed_until is not None else None,
        }
        for each in found
    ]
    if as_json:
        output.print_json(rows)
    else:
        columns = ("extension", "country", "number", "reason", "times", "first", "last", "allowed_until")
        output.print_table(columns, rows)


@app.command("allow")
def allow(
    key: Annotated[str, typer.Argument(metavar="EXTENSION", help="Key of the extension.")],
    country: Annotated[
        str, typer.Argument(metavar="COUNTRY", help="Country as rules name it, such as VN, or a range apart.")
    ],
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Let an extension call a country as if it had before: for 30 days it is not new, and is not counted. What the
    extension's rule does not allow stays forbidden.

    Example:

      bizpbx guard allow 100 VN
    """
    from datetime import UTC, datetime

    from sqlalchemy import select

    from bizpbx import validation
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents, recording
    from bizpbx.directory.export import find
    from bizpbx.directory.extension import Extension
    from bizpbx.errors import InvalidText, NotFound, Refused
    from bizpbx.metering import guard_review
    from bizpbx.metering.guard import may_be_new
    from bizpbx.metering.moments import written

    now = datetime.now(UTC)
    try:
        validation.destination(country)
    except InvalidText as refused:
        raise refused.at("COUNTRY") from None
    with store.opened() as database, database.writing() as session:
        domain = store.domain(session, organisation)
        organisation_id = find(session, domain)
        known = select(Extension.id).where(Extension.organisation_id == organisation_id, Extension.key == key)
        if session.execute(known).scalar_one_or_none() is None:
            raise NotFound("extension", key, "`bizpbx extension list` shows all.")
        owner = documents.organisation(session, organisation_id)
        if not may_be_new(country, owner["country"]):
            raise Refused(f"{country} is the home country of {domain}, which is never new.")
        before, until = guard_review.allow(session, organisation_id, key, country, now)
        told = [written(each, owner["timezone"]) if each is not None else None for each in (before, until)]
        change = recording.Change("guard", key, f"{country}.allowed_until", *told)
        recording.record(session, organisation_id, [change], store.actor(actor), now)
    if as_json:
        output.print_json({"extension": key, "country": country, "allowed_until": told[1]})
    else:
        typer.echo(f"{country} is not new to {key} until {told[1]}.")


@app.command("allowed")
def list_allowed(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List the countries that were let through, for whom and until when, in the time of the organisation.

    Example:

      bizpbx guard allowed
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find
    from bizpbx.metering import guard_review
    from bizpbx.metering.moments import written

    with store.opened() as database, database.reading() as session:
        organisation_id = find(session, store.domain(session, organisation))
        zone = documents.organisation(session, organisation_id)["timezone"]
        found = guard_review.allowed(session, organisation_id, datetime.now(UTC))
    rows = [
        {"extension": each.extension, "country": each.country, "allowed_until": written(each.until, zone)}
        for each in found
    ]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("extension", "country", "allowed_until"), rows)


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="EXTENSION", help="Key of the extension.")],
    country: Annotated[str, typer.Argument(metavar="COUNTRY", help="Country as `guard allowed` lists it.")],
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Take back what `allow` let through. A country that the extension was charged calls to stays known by these.

    Example:

      bizpbx guard revoke 100 VN
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents, recording
    from bizpbx.directory.export import find
    from bizpbx.errors import NotFound
    from bizpbx.metering import guard_review
    from bizpbx.metering.moments import written

    now = datetime.now(UTC)
    with store.opened() as database, database.writing() as session:
        organisation_id = find(session, store.domain(session, organisation))
        before = guard_review.revoke(session, organisation_id, key, country, now)
        if before is None:
            raise NotFound("allowed country", f"{key} {country}", "`bizpbx guard allowed` shows all.")
        told = written(before, documents.organisation(session, organisation_id)["timezone"])
        change = recording.Change("guard", key, f"{country}.allowed_until", told, None)
        recording.record(session, organisation_id, [change], store.actor(actor), now)
    if as_json:
        output.print_json({"extension": key, "country": country, "allowed_until": None})
    else:
        typer.echo(f"{country} is new to {key} again, unless it was charged calls to it.")
