"""`show` and `sofia`: lists of channels, calls, registrations and profiles."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from bizpbx.simulator.channel import Channel

if TYPE_CHECKING:
    from bizpbx.simulator.core import Core


def show(switch: Core, words: list[str], argument: str) -> str:
    """`show channels|calls|registrations [count] [as json]`; without `as json`, comma-separated."""
    match words[0].lower() if words else "":
        case "channels":
            rows = [_channel(switch, channel) for channel in switch.channels]
        case "calls":
            rows = [_channel(switch, channel) for channel in switch.channels if channel.direction == "inbound"]
        case "registrations":
            rows = [_registration(switch, name, domain) for name, domain in switch.locations.names]
        case _:
            return "-USAGE: channels|calls|registrations [count] [as json]\n"
    counted = "count" in words
    if words[-2:] == ["as", "json"]:
        if not rows:
            return '{"row_count": 0}\n'
        return orjson.dumps({"row_count": len(rows), "rows": [] if counted else rows}).decode()
    table = "" if counted or not rows else _table(rows)
    return f"{table}\n{len(rows)} total.\n"


def _table(rows: list[dict[str, str]]) -> str:
    return "".join(",".join(row) + "\n" for row in [list(rows[0]), *(list(row.values()) for row in rows)])


def _channel(switch: Core, channel: Channel) -> dict[str, str]:
    profile = channel.profile
    state, _, call_state = channel.state
    return {
        "uuid": channel.uuid,
        "direction": channel.direction,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(channel.created)),
        "created_epoch": str(int(channel.created)),
        "name": channel.name,
        "state": state,
        "cid_name": profile.caller_id_name,
        "cid_num": profile.caller_id_number,
        "ip_addr": profile.network_addr,
        "dest": profile.destination_number,
        "application": channel.get("current_application") or "",
        "application_data": channel.get("current_application_data") or "",
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": "PCMU",
        "read_rate": "8000",
        "write_codec": "PCMU",
        "write_rate": "8000",
        "secure": "",
        "hostname": switch.bus.switch_name,
        "callstate": call_state,
        "call_uuid": channel.partner.uuid if channel.partner else "",
        "initial_cid_num": profile.caller_id_number,
        "initial_dest": profile.destination_number,
    }


def _registration(switch: Core, name: str, domain: str) -> dict[str, str]:
    return {
        "reg_user": name,
        "realm": domain,
        "token": "",
        "url": f"sofia/internal/sip:{name}@127.0.0.1",
        "expires": str(int(switch.clock.now()) + 300),
        "network_ip": "127.0.0.1",
        "network_port": "0",
        "network_proto": "udp",
        "hostname": switch.bus.switch_name,
        "metadata": "",
    }


def sofia(switch: Core, words: list[str], argument: str) -> str:
    """`sofia status`, `sofia profile <name> rescan …`."""
    if words[:1] == ["profile"]:
        if not set(words[1:2]) & set(switch.configuration.contexts_of_profiles):
            return f"Invalid Profile [{' '.join(words[1:2])}]"
        switch.reload()
        return "Reload XML [Success]\n+OK scan complete\n"
    if words[:1] == ["xmlstatus"]:
        return _gateways(switch)
    line = "=" * 97
    profiles: Mapping[str, str] = switch.configuration.contexts_of_profiles
    rows = "".join(f"{name:>25}\tprofile\t{'sip:mod_sofia@127.0.0.1':>42}\tRUNNING (0)\n" for name in profiles)
    rows += "".join(
        f"{f'external::{name}':>25}\tgateway\t{f'sip:{gateway.proxy}':>42}\tNOREG\n"
        for name, gateway in switch.configuration.gateways.items()
    )
    head = f"{'Name':>25}\t   Type\t{'Data':>42}\tState\n{line}\n"
    return f"{head}{rows}{line}\n{len(profiles)} profiles 0 aliases\n"


def _gateways(switch: Core) -> str:
    """Every gateway is there, and takes every sign-in."""
    rows = "".join(
        f"  <gateway>\n    <name>{gateway.name}</name>\n    <pingtime>0.00</pingtime>\n"
        f"    <state>{'REGED' if gateway.registers else 'NOREG'}</state>\n    <status>UP</status>\n"
        "    <calls-in>0</calls-in>\n    <calls-out>0</calls-out>\n    <failed-calls-out>0</failed-calls-out>\n"
        "  </gateway>\n"
        for gateway in switch.configuration.gateways.values()
    )
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<gateways>\n{rows}</gateways>\n'


def sofia_contact(switch: Core, words: list[str], argument: str) -> str:
    """`sofia_contact [profile/]name@domain`: where a device is registered."""
    profile, _, address = argument.rpartition("/")
    name, _, domain = address.partition("@")
    if switch.locations.registered(name, domain) is None:
        return "error/user_not_registered"
    return f"sofia/{profile or 'internal'}/sip:{name}@127.0.0.1"
