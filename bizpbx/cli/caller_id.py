"""`bizpbx caller-id`: numbers that users ask to present, approved or refused by the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bizpbx.cli.frame import options

if TYPE_CHECKING:
    from bizpbx.directory.caller_id_requests import Request

app = typer.Typer(
    no_args_is_help=True,
    help="Numbers that users ask to present outside. Until one is approved, the old caller ID stays.",
)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the extension, such as 100.", show_default=False)]
Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The number in E.164, such as +6561234567.", show_default=False)
]


@app.command("list")
def list_all(
    pending: Annotated[bool, typer.Option("--pending", help="Only those that wait for a decision.")] = False,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List what was asked for, the oldest first.

    Example:

      bizpbx caller-id list --pending
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory.caller_id import RequestState
    from bizpbx.directory.caller_id_requests import requests

    states = (RequestState.PENDING,) if pending else tuple(RequestState)
    with store.opened() as database, database.reading() as session:
        rows = [described(one) for one in requests(session, store.domain(session, organisation), states)]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("key", "number", "state", "requested_at", "requested_by", "decided_by"), rows)


@app.command("request")
def request(
    key: Key,
    number: Number,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Ask for a number that is neither one of the organisation's nor the assignee's mobile number.

    Example:

      bizpbx caller-id request 100 +6561234567
    """
    from bizpbx.directory import caller_id_requests

    change(caller_id_requests.request, key, number, organisation, actor, as_json)


@app.command("approve")
def approve(
    key: Key,
    number: Number,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Approve a number that was asked for: the extension presents it from the next call on.

    Approve only what the user has proved to own: carriers and the law hold the operator to it.

    Example:

      bizpbx caller-id approve 100 +6561234567
    """
    from bizpbx.directory import caller_id_requests

    change(caller_id_requests.approve, key, number, organisation, actor, as_json)


@app.command("refuse")
def refuse(
    key: Key,
    number: Number,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Refuse a number that was asked for, or take an approval back: then the main number is presented.

    Example:

      bizpbx caller-id refuse 100 +6561234567
    """
    from bizpbx.directory import caller_id_requests

    change(caller_id_requests.refuse, key, number, organisation, actor, as_json)


def change(
    step: Callable[..., Request], key: str, number: str, organisation: str | None, actor: str | None, as_json: bool
) -> None:
    import sys
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.errors import InvalidText

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        try:
            done = step(database, domain, key, number, actor=store.actor(actor), at=datetime.now(UTC))
        except InvalidText as refused:
            raise refused.at("NUMBER") from None
    if as_json:
        output.print_json(described(done))
    else:
        sys.stdout.write(f"caller-id {key}: {done.number}: {done.state}\n")


def described(one: Request) -> dict[str, Any]:
    return {
        "key": one.key,
        "number": one.number,
        "state": str(one.state),
        "requested_at": one.requested_at.isoformat(timespec="seconds"),
        "requested_by": one.requested_by,
        "decided_at": one.decided_at.isoformat(timespec="seconds") if one.decided_at else None,
        "decided_by": one.decided_by,
    }
