"""`bizpbx explain`: what would happen to a call, and why, without placing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bizpbx.cli.frame import options

if TYPE_CHECKING:
    from bizpbx.policy.plan import Plan
    from bizpbx.policy.request import Request
    from bizpbx.policy.settings import Tenant

WITHHELD = "withheld"
LONGEST_KEY = 6
"""Digits; a longer number is one outside."""

app = typer.Typer(no_args_is_help=True, help="Say what would happen to a call, and why. Nothing is dialled.")


@app.command("call")
def call(
    caller: Annotated[
        str,
        typer.Option(
            "--from",
            help="Who calls: a number outside (+6531234567), `withheld`, a key (101) or a SIP user (101-mobile).",
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="What is dialled: a key, or a number.")],
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """Print the plan that a switch would carry out for this call, and the rule behind each step.

    Examples:

      bizpbx explain call --from +6531234567 --to +6564291310

      bizpbx explain call --from 101 --to 100 --json
    """
    import sys

    from bizpbx.cli.frame.output import print_json
    from bizpbx.policy import explain

    plan = _plan(caller, to, organisation)
    if as_json:
        print_json(explain.to_json(plan))
    else:
        sys.stdout.write("\n".join(explain.to_lines(plan)) + "\n")


def _plan(caller: str, to: str, domain: str | None) -> Plan:
    """The plan the switch would be given. Raises NotFound, Refused."""
    import secrets
    from dataclasses import replace

    from bizpbx.cli.frame import store
    from bizpbx.directory.lookup import SettingsReader
    from bizpbx.policy.decide import decide

    with store.opened() as database, database.reading() as session:
        tenant = SettingsReader().tenant(session, store.domain(session, domain))
        # A call of its own each time: a random caller ID is drawn as it would be.
        return decide(replace(_request(caller, to, tenant), chance=secrets.randbits(64)), tenant)


def _request(caller: str, to: str, tenant: Tenant) -> Request:
    from bizpbx.errors import NotFound
    from bizpbx.policy.request import FromDevice, FromTrunk, Request

    if caller.lower() in (WITHHELD, "anonymous"):
        return Request(FromTrunk(None, withheld=True), to)
    if "-" in caller:
        return Request(FromDevice(caller, secure=True), to)
    extension = tenant.extension(caller)
    if extension is None and len(caller) > LONGEST_KEY:
        return Request(FromTrunk(caller), to)
    if extension is None:
        raise NotFound("extension", caller, "A caller from outside is written as +6531234567.")
    if not extension.devices:
        raise NotFound("device", caller, f"Extension {caller} has none to call from.")
    usable = [device for device in extension.devices if device.usable] or list(extension.devices)
    # Called as it should be: over TLS, where the device requires it.
    return Request(FromDevice(usable[0].sip_user, secure=True), to)
