"""`bizpbx demo`: the worked example, with calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bizpbx.demo.ladder import Played


def demo(
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Use the simulated switch even where FreeSWITCH and SIPp are installed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a call instead of ladders.")] = False,
) -> None:
    """Place the calls of the worked example and show for each who called, what was decided and why, and who rang.

    Everything happens in a temporary folder and on free ports of 127.0.0.1. With FreeSWITCH and SIPp installed, calls
    are real ones. Exits with 1 if any call goes elsewhere than docs/calls.md says.
    """
    from bizpbx.demo.ladder import ladder
    from bizpbx.demo.play import play
    from bizpbx.errors import Refused
    from bizpbx.testbed.installation import SwitchKind, available
    from bizpbx.testbed.requirements import which_switch

    kind = SwitchKind.SIMULATOR if simulated else available()

    def say(text: str) -> None:
        typer.echo(f"· {text}", err=True)

    if kind is SwitchKind.FREESWITCH:
        say("FreeSWITCH and SIPp are installed: these are real calls")
    else:
        say("asked for the simulated switch" if simulated else f"using the simulated switch: {which_switch().missing}")
    wrong = 0
    for number, played in enumerate(play(kind, say), start=1):
        wrong += not played.as_promised
        if as_json:
            typer.echo(_as_json(played))
            continue
        typer.echo(
            f"\n{number}. {played.call.title}  {'✓ as promised' if played.as_promised else '✗ NOT as promised'}\n"
        )
        for line in ladder(played):
            typer.echo(f"   {line}")
    if wrong:
        raise Refused(f"{wrong} calls did not go where docs/calls.md says.")
    say("all calls went where docs/calls.md says")


def _as_json(played: Played) -> str:
    import orjson

    fields = {
        "title": played.call.title,
        "caller": played.call.caller,
        "dialled": played.call.dials,
        "rules": [rule for rule, _ in played.reasons],
        "rang": sorted(played.rang),
        "answered": sorted(played.answered),
        "code": played.code,
        "as_promised": played.as_promised,
    }
    return orjson.dumps(fields).decode()
