"""Set the example up in a folder of its own, place its calls, and see what the phones saw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files

from bizpbx.demo.calls import CALLS, DemoCall
from bizpbx.demo.ladder import Played
from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.world import Behaviour, Carrier, World, answered, answers, rang, rings_only, unregistered

DOMAIN = "acme.example"
PHONES = (
    "100-ip_phone",
    "100-mobile",
    "101-ip_phone",
    "102-ip_phone",
    "103-ip_phone",
    "104-ip_phone",
    "105-ip_phone",
)
SWITCHED_OFF = frozenset({"105-ip_phone"})
ANSWER_AFTER = 0.3
"""Seconds that a phone rings before it is picked up, so that the others ring, too."""


def play(kind: SwitchKind, progress: Callable[[str], None]) -> Iterator[Played]:
    """Place every call of the example on this switch. `progress` is told what is being set up."""
    with Installation(kind) as installation:
        progress("applying the settings of the worked example")
        installation.apply((files("bizpbx.demo") / "example.yaml").read_text("utf-8").replace("5090", "{carrier_port}"))
        passwords = {}
        for user in PHONES:
            passwords[user] = installation.credentials(DOMAIN, *user.split("-"))[1]
        progress("rendering the configuration of the switch")
        installation.render()
        progress("starting the controller")
        installation.controllers[0].start()
        progress(f"starting the switch ({kind})")
        world = installation.start_switch()
        progress("registering the phones")
        carrier = world.carrier(installation.carrier_port)
        for user in PHONES:
            world.phone(DOMAIN, user, passwords[user], _behaviour(user, None))
        for call in CALLS:
            if call.answers is not None:
                world.phone(DOMAIN, call.answers, passwords[call.answers], _behaviour(call.answers, call.answers))
            world.forget()
            yield _place(call, world, carrier, _reasons(installation, call))
            if call.answers is not None:
                world.phone(DOMAIN, call.answers, passwords[call.answers], _behaviour(call.answers, None))


def _place(call: DemoCall, world: World, carrier: Carrier, reasons: list[tuple[str, str]]) -> Played:
    phones = {phone.username: phone for phone in world.phones}
    caller = carrier.caller(call.caller) if call.from_outside else phones[call.caller]
    result = world.call(caller, call.dials)
    return Played(call, reasons, frozenset(rang(world)), frozenset(answered(world)), result.code, result.reason)


def _reasons(installation: Installation, call: DemoCall) -> list[tuple[str, str]]:
    command = ("explain", "call", "--from", call.caller, "--to", call.dials, "--json")
    plan = json.loads(installation.bizpbx(*command))
    return [(reason["rule"], reason["text"]) for reason in plan["reasons"]]


def _behaviour(user: str, answering: str | None) -> Behaviour:
    if user in SWITCHED_OFF:
        return unregistered
    return answers(ANSWER_AFTER) if user == answering else rings_only
