"""`bizpbx gateway`: carrier trunks and other SIP accounts outside the PBX."""

from __future__ import annotations

from typing import Any

from bizpbx.cli.frame import options
from bizpbx.cli.frame.nouns import Noun, commands

PATIENCE = 3.0
"""Seconds that a switch gets to answer."""

app = commands(
    Noun(
        word="gateway",
        section="gateways",
        name_field="name",
        model="Gateway",
        columns=("name", "host", "port", "transport", "username", "registers", "ping", "trunk", "outbound_rule"),
        name="carrier",
        pairs="outbound_rule=Standard payer=100",
        add="carrier host=sip.carrier.example username=acme password=… trunk=true",
        about="Carrier trunks and other SIP accounts outside the PBX.",
    )
)

STATUS = ("switch", "gateway", "state", "registration", "ping_ms", "calls_in", "calls_out", "failed_out")


@app.command("status")
def status(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Ask every switch about the organisation's gateways: `up`, `down`, or `absent` where the switch does not know one.

    A gateway that is down is passed over by calls. `registration` is the switch's word: REGED is signed in, NOREG is
    not meant to be. Exits with 1 if a switch cannot be asked.

    Example:

      bizpbx gateway status --json
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        domain = store.domain(session, organisation)
        names = list(documents.gateways(session, find(session, domain)))
    rows = [row for switch, known in asked().items() for row in (line(switch, known, name, domain) for name in names)]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(STATUS, rows)


def asked() -> dict[str, Any]:
    """Switch → its gateways by their names there. Raises EslError."""
    from bizpbx import config as configuration
    from bizpbx.directory.keys import Keys
    from bizpbx.freeswitch.esl import InboundESL
    from bizpbx.freeswitch.gateway_state import COMMAND, states
    from bizpbx.freeswitch.monitor import switch_addresses

    config = configuration.load()
    password = config.freeswitch_password or Keys.load(config.secret_key, config.home).event_socket_password
    found = {}
    for address in switch_addresses(config.freeswitch):
        connection = InboundESL(address.host, address.port, password, timeout=PATIENCE, keepalive=None)
        try:
            connection.connect()
            answer = connection.api(COMMAND, deadline=PATIENCE)
        finally:
            connection.stop()
        found[address.name] = {state.name: state for state in states(answer)}
    return found


def line(switch: str, known: dict[str, Any], name: str, domain: str) -> dict[str, Any]:
    state = known.get(f"{name}.{domain}")
    if state is None:
        return {"switch": switch, "gateway": name, "state": "absent"} | dict.fromkeys(STATUS[3:])
    return {
        "switch": switch,
        "gateway": name,
        "state": "up" if state.up else "down",
        "registration": state.registration,
        "ping_ms": state.ping,
        "calls_in": state.calls_in,
        "calls_out": state.calls_out,
        "failed_out": state.failed_out,
    }
