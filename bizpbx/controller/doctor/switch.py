"""Each switch, by its event socket."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from bizpbx.config import Config
from bizpbx.controller.doctor.database import DRIFT
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.directory.keys import Keys
from bizpbx.freeswitch.esl import AuthenticationFailed, EslError, InboundESL
from bizpbx.freeswitch.gateway_state import COMMAND, states
from bizpbx.freeswitch.monitor import SwitchAddress, switch_addresses

PATIENCE = 3.0
"""Seconds for connecting, and for each answer."""

PROFILES = {"internal": "devices", "external": "gateways"}

RUNNING = re.compile(r"^\s*(\S+)\s+profile\s+\S+\s+RUNNING", re.MULTILINE)


def examine(config: Config, keys: Keys) -> Iterator[Finding]:
    found = switch_addresses(config.freeswitch)
    if not found:
        yield warning("switch", "BIZPBX_FREESWITCH names no switch; none is told when something has to be reloaded.")
    password = config.freeswitch_password or keys.event_socket_password
    for address in found:
        yield from one(address, password)


def one(address: SwitchAddress, password: str) -> Iterator[Finding]:
    name = f"switch {address.name}"
    connection = InboundESL(address.host, address.port, password, timeout=PATIENCE, keepalive=None)
    try:
        connection.connect()
        yield from asked(name, connection)
    except AuthenticationFailed:
        yield problem(
            name,
            f"{address.host}:{address.port} refuses the event socket's password. A rendered switch has to be restarted "
            "after a new key or password; for one of your own, set BIZPBX_FREESWITCH_PASSWORD.",
        )
    except EslError as error:
        yield problem(name, f"{str(error).rstrip('.')}. Start FreeSWITCH, or correct BIZPBX_FREESWITCH.")
    finally:
        connection.stop()


def asked(name: str, connection: InboundESL) -> Iterator[Finding]:
    def api(command: str) -> str:
        return connection.api(command, deadline=PATIENCE).strip()

    yield ok(name, api("version").partition(" (")[0])
    running = set(RUNNING.findall(api("sofia status")))
    for profile, whose in PROFILES.items():
        if profile not in running:
            yield problem(
                name,
                f"The SIP profile {profile}, for {whose}, does not run. Is its port taken? FreeSWITCH's log tells; "
                f"then `sofia profile {profile} start`.",
            )
    for gateway in states(api(COMMAND)):
        if not gateway.up:
            called, _, domain = gateway.name.partition(".")
            yield problem(name, f"The gateway {called} of {domain} is down: {gateway.why_down}.")
    if api("module_exists mod_xml_curl") != "true":
        yield problem(
            name, "mod_xml_curl is not loaded: it would not ask a controller about devices. Load it and restart."
        )
    seconds = api("strepoch")
    if seconds.isdigit() and abs(int(seconds) - time.time()) > DRIFT + 1:
        yield problem(name, "Its clock is not this machine's. Set both by NTP.")
