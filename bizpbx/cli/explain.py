"""`bizpbx explain`: what would happen to a call, and why, without placing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bizpbx.cli.frame import options

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bizpbx.metering.quotes import Quote
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
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="MOMENT",
            help="With the office hours and prices of 2027-01-01, or 2027-01-01T08:00, by the organisation's clock. "
            "Default: now.",
            show_default=False,
        ),
    ] = None,
    through: Annotated[
        str | None,
        typer.Option(
            "--through",
            metavar="GATEWAY",
            help="With a caller outside: the gateway that the call comes in through, which may have a rule of its own.",
            show_default=False,
        ),
    ] = None,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """Print the plan that a switch would carry out for this call, the rule behind each step, and what it would cost.

    Examples:

      bizpbx explain call --from +6531234567 --to +6564291310

      bizpbx explain call --from 101 --to 100 --json

      bizpbx explain call --from +6531234567 --to 800 --at 2027-01-01T20:00

      bizpbx explain call --from +6564291310 --to 61234567 --through branch
    """
    import sys

    from bizpbx.cli.frame.output import print_json
    from bizpbx.metering import quotes
    from bizpbx.policy import explain

    plan, prices, currency = _plan(caller, to, at, through, organisation)
    if as_json:
        print_json(explain.to_json(plan) | {"prices": [quotes.to_json(price, currency) for price in prices]})
        return
    lines = explain.to_lines(plan)
    if prices:
        told = dict.fromkeys(line for price in prices for line in quotes.to_lines(price, currency))
        lines += ["price", *(f"   {line}" for line in told)]
    sys.stdout.write("\n".join(lines) + "\n")


def _plan(
    caller: str, to: str, at: str | None, through: str | None, domain: str | None
) -> tuple[Plan, tuple[Quote, ...], str]:
    """The plan the switch would be given, its prices, and the currency. Raises NotFound, Refused, InvalidText."""
    import secrets
    from dataclasses import replace

    from bizpbx.cli.frame import store
    from bizpbx.cli.frame.rates import moment_or_now
    from bizpbx.directory.lookup import SettingsReader
    from bizpbx.metering.decks import RateDeck
    from bizpbx.metering.quotes import quotes
    from bizpbx.policy.decide import decide

    with store.opened() as database, database.reading() as session:
        tenant = SettingsReader().tenant(session, store.domain(session, domain))
        moment = moment_or_now(at, tenant.organisation.timezone, "--at")
        # A call of its own each time: a random caller ID is drawn as it would be.
        asked_for = _request(caller, to, tenant)
        if through is not None:
            asked_for = _through(asked_for, through, session, tenant.organisation.id)
        request = replace(asked_for, chance=secrets.randbits(64), moment=moment)
        plan = decide(request, tenant)
        # A deck is read where there is something to price; other calls are explained without it.
        asked = quotes(plan, tenant, RateDeck(), moment)
        prices = quotes(plan, tenant, tenant.deck(), moment) if asked else ()
        return plan, prices, tenant.organisation.currency


def _through(request: Request, gateway: str, session: Session, organisation_id: int) -> Request:
    """The call as it comes in through this gateway. Raises NotFound, Refused."""
    from dataclasses import replace

    from bizpbx.directory import documents
    from bizpbx.errors import NotFound, Refused
    from bizpbx.policy.request import FromTrunk

    if not isinstance(request.caller, FromTrunk):
        raise Refused("--through is of a caller outside; a call of an extension comes from its own device.")
    if gateway not in documents.gateways(session, organisation_id, [gateway]):
        raise NotFound("gateway", gateway, "`bizpbx gateway list` shows all.")
    return replace(request, caller=replace(request.caller, gateway=gateway))


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
