"""`bizpbx device`: the SIP accounts of extensions; at most one IP phone, one mobile and one desktop app each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bizpbx.cli.frame import options
from bizpbx.policy.settings import DeviceKind

if TYPE_CHECKING:
    from bizpbx.directory.credentials import Credentials
    from bizpbx.directory.database import Database

app = typer.Typer(no_args_is_help=True, help="The SIP accounts of extensions: IP phone, mobile and desktop app.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the extension, such as 100.", show_default=False)]
Kind = Annotated[DeviceKind, typer.Argument(help="Which of its devices.", show_default=False)]


@app.command("list")
def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List all devices of the organisation.

    Example:

      bizpbx device list --json
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import records
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        found = records.extensions(session, find(session, store.domain(session, organisation)))
    rows = [described(record.row.key, device) for record in found for device in record.devices]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("key", "kind", "username", "active", "licensed", "rings", "tls", "credentials"), rows)


@app.command("show")
def show(key: Key, kind: Kind, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Show one device.

    Example:

      bizpbx device show 100 ip_phone
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import records
    from bizpbx.directory.export import find
    from bizpbx.errors import NotFound

    with store.opened() as database, database.reading() as session:
        found = records.extensions(session, find(session, store.domain(session, organisation)), [key])
    for device in found[0].devices if found else ():
        if device.kind is kind:
            (output.print_json if as_json else output.print_fields)(described(key, device))
            return
    raise NotFound("device", f"{key} {kind}", f"`bizpbx device activate {key} {kind}` adds it.")


@app.command("activate")
def activate(
    key: Key,
    kind: Kind,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Activate a device, adding it if it is new, and print its password, once. Takes a free licence of its kind.

    Example:

      bizpbx device activate 100 mobile
    """
    from bizpbx.cli.frame import changing, store

    with store.opened() as database:
        domain, document = stored(database, organisation, key)
        device = document["devices"].get(str(kind))
        if device is None:
            document["incoming"]["devices"].append(str(kind))
        document["devices"][str(kind)] = (device or {}) | {"active": True}
        applied = changing.change_one(database, domain, "extensions", document, actor=actor, dry_run=dry_run)
        fresh = bool(applied.changes) and not dry_run
        made = issued(database, domain, key, kind, actor) if fresh else None
    if as_json:
        changing.print_applied(applied, as_json=True, dry_run=dry_run, credentials=made.fields() if made else None)
        return
    changing.print_applied(applied, as_json=False, dry_run=dry_run)
    if made:
        print_credentials(made)


@app.command("deactivate")
def deactivate(
    key: Key,
    kind: Kind,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Deactivate a device: it can no longer register, call or be called. Its licence is free again, its password void.

    Example:

      bizpbx device deactivate 100 mobile
    """
    change_device(key, kind, {"active": False}, organisation, actor, dry_run, as_json)


@app.command("set")
def set_fields(
    key: Key,
    kind: Kind,
    pairs: options.Pairs,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Change a device's settings.

    Example:

      bizpbx device set 100 ip_phone tls=true
    """
    from bizpbx.cli.frame import patching
    from bizpbx.directory import schema

    fields = patching.patched({}, pairs, schema.Device)
    change_device(key, kind, fields, organisation, actor, dry_run, as_json)


@app.command("credentials")
def credentials(
    key: Key,
    kind: Kind,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new password; the device has to be configured with it.")
    ] = False,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Make the password of an activated device and print it, once: only its digest is kept.

    Examples:

      bizpbx device credentials 100 ip_phone --json

      bizpbx device credentials 100 ip_phone --rotate
    """
    from dataclasses import replace

    from bizpbx.cli.frame import output, store

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        made = issued(database, domain, key, kind, actor, rotate=rotate, dry_run=dry_run)
    if dry_run:
        made = replace(made, password="")
    if as_json:
        output.print_json(made.fields())
    else:
        print_credentials(made)


def issued(
    database: Database,
    domain: str,
    key: str,
    kind: DeviceKind,
    actor: str | None,
    *,
    rotate: bool = False,
    dry_run: bool = False,
) -> Credentials:
    from datetime import UTC, datetime

    from bizpbx.cli.frame import store
    from bizpbx.directory.credentials import issue

    who, now = store.actor(actor), datetime.now(UTC)
    return issue(database, domain, key, kind, actor=who, at=now, rotate=rotate, dry_run=dry_run)


def print_credentials(made: Credentials) -> None:
    import sys

    for name, value in made.fields().items():
        sys.stdout.write(f"{name} = {value}\n")
    if not made.password:
        sys.stderr.write("dry run: nothing was changed\n")
        return
    sys.stderr.write("The password is not kept and not shown again; --rotate makes a new one.\n")


def stored(database: Database, organisation: str | None, key: str) -> tuple[str, dict[str, Any]]:
    """Domain, and the extension as the settings file has it. Raises NotFound."""
    from bizpbx.cli.extension import NOUN
    from bizpbx.cli.frame.nouns import one_of

    return one_of(NOUN, database, organisation, key)


def change_device(
    key: str,
    kind: DeviceKind,
    fields: dict[str, Any],
    organisation: str | None,
    actor: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from bizpbx.cli.frame import changing, store
    from bizpbx.errors import NotFound

    with store.opened() as database:
        domain, document = stored(database, organisation, key)
        if str(kind) not in document["devices"]:
            raise NotFound("device", f"{key} {kind}", f"`bizpbx device activate {key} {kind}` adds it.")
        document["devices"][str(kind)] |= fields
        applied = changing.change_one(database, domain, "extensions", document, actor=actor, dry_run=dry_run)
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)


def described(key: str, device: Any) -> dict[str, Any]:
    """One device, without its secret: only whether it has one."""
    return {
        "key": key,
        "kind": str(device.kind),
        "username": f"{key}-{device.kind}",
        "active": device.active,
        "licensed": device.licensed,
        "rings": device.rings,
        "tls": device.tls,
        "credentials": device.ha1 is not None,
    }
