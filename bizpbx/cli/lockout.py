"""`bizpbx lockout`: passcodes and PINs that wrong entries have locked, or are about to lock."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Passcodes and PINs that wrong entries have locked, or may soon lock.")


class Of(StrEnum):
    PASSCODE = "passcode"
    PIN = "pin"


@app.command("list")
def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List the extensions with wrong passcodes or PINs in the last 15 minutes, or with a lock that has not ended.

    Example:

      bizpbx lockout list --json
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import passcodes
    from bizpbx.directory.export import find
    from bizpbx.policy.lockout import recent

    now = datetime.now(UTC)
    with store.opened() as database, database.reading() as session:
        found = passcodes.remembered(session, find(session, store.domain(session, organisation)), now)
    rows = [
        {
            "extension": each.key,
            "locked_until": each.state.locked_until.isoformat(timespec="seconds")
            if each.state.locked_until is not None and each.state.locked(now)
            else None,
            "lockouts": each.state.lockouts,
            "wrong": len(recent(each.state, now)),
            "of": each.secret.name,
        }
        for each in found
    ]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("extension", "of", "locked_until", "lockouts", "wrong"), rows)


@app.command("clear")
def clear(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the extension.")],
    of: Annotated[
        Of, typer.Option("--of", help="What to unlock: the passcode for calls, or the pin of the mailbox.")
    ] = Of.PASSCODE,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Unlock the passcode or PIN of an extension at once, and forget its wrong entries. It stays what it is.

    Examples:

      bizpbx lockout clear 100

      bizpbx lockout clear 100 --of pin
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import passcodes, recording
    from bizpbx.directory.export import find
    from bizpbx.errors import NotFound
    from bizpbx.policy.lockout import Lockout

    now = datetime.now(UTC)
    secret, told = (passcodes.PIN, "PIN") if of is Of.PIN else (passcodes.PASSCODE, "passcode")
    with store.opened() as database, database.writing() as session:
        organisation_id = find(session, store.domain(session, organisation))
        forgotten = passcodes.clear(session, organisation_id, key, secret)
        if forgotten is None:
            raise NotFound("extension", key)
        locked = forgotten.locked_until if forgotten.locked(now) else None
        until = locked.isoformat(timespec="seconds") if locked is not None else None
        if forgotten != Lockout():
            field = "pin.locked_until" if of is Of.PIN else "locked_until"
            change = recording.Change("lockout", key, field, until, None)
            recording.record(session, organisation_id, [change], store.actor(actor), now)
    if as_json:
        output.print_json({"extension": key, "locked_until": until, "wrong": len(forgotten.wrong), "of": secret.name})
    elif until is not None:
        typer.echo(f"The {told} of {key} is not locked any more.")
    else:
        typer.echo(f"The {told} of {key} was not locked.")
