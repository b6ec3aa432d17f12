"""Channel data, as the event socket gives it, becomes an Arrival. Pure.

What identifies the caller comes from variables that the directory or the dialplan context set; of what the caller
wrote into SIP headers only the number, the name, the privacy wish and the diversions are read, as untrusted text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bizpbx.calls.call import Arrival
from bizpbx.freeswitch.dial_string import TLS_PROFILE
from bizpbx.freeswitch.esl_event import Names, find
from bizpbx.freeswitch.kept import KEPT, noted
from bizpbx.freeswitch.ring_end import DISPOSITION, ENDING, TALK_END, ring_end
from bizpbx.policy.draw import chance_of
from bizpbx.policy.plan import Stage
from bizpbx.policy.request import FromConsultation, FromDevice, FromTransfer, FromTrunk, Request

LAST_SECOND: Final = 253_402_300_800
"""The end of the year 9999, which is the last that can be told."""

TRANSFERRED_BY: Final = "bizpbx_transferred_by"
"""On a leg that was transferred: SIP user of the device whose user did it last."""

TRANSFERS: Final = "bizpbx_transfers"
"""How often it was, or was put on hold to be."""

HOLDS: Final = "bizpbx_holds"
"""On the leg of a device whose user has the other side held and calls somebody meanwhile: the leg that is held."""

Asked = FromDevice | FromTrunk | FromTransfer | FromConsultation

_DIVERTED_BY = re.compile(r"sips?:([^@;>]+)@")
ENDED_BY: Final = {Stage.MESSAGE: "playback_samples", Stage.RECORD: "record_samples"}
"""Variables that the switch sets at the end of what a stage does, and that are taken off the channel before. All other
stages are held by how the last ring ended."""

_LEG = re.compile(r"[0-9a-f-]{36}")
_STAGES = {stage.value: stage for stage in Stage}

_READ = Names(
    (
        *("Unique-ID", "Answer-State", "Call-Direction", "Caller-Context", "Caller-Destination-Number", "Socket-Mode"),
        *("Caller-Network-Addr", "Caller-Caller-ID-Number", "Caller-Caller-ID-Name", "Caller-Privacy-Hide-Number"),
        *("Caller-Channel-Created-Time", "FreeSWITCH-Switchname"),
        *(f"variable_bizpbx_{name}" for name in ("organisation", "stage", "gateway", "attempt", "step", "tries")),
        *(f"variable_bizpbx_{name}" for name in ("device", "target", "transfer", "callee")),
        *(f"variable_{name}" for name in (*ENDING, TALK_END, TRANSFERS, TRANSFERRED_BY, *ENDED_BY.values(), *KEPT)),
        *(f"variable_sip_{name}" for name in ("network_ip", "network_port", "gateway_name", "Privacy", "h_Diversion")),
        *("variable_sofia_profile_name", "variable_fail_on_single_reject", "variable_ignore_early_media"),
    )
)
"""What nearly every call is asked for, here and in the session."""


def transferred_context(organisation: str) -> str:
    """The dialplan context of calls that were transferred within an organisation (its domain)."""
    return f"transferred:{organisation}"


def consulting_context(organisation: str) -> str:
    """The dialplan context of a user who calls before he transfers, and of the one whom he has held meanwhile."""
    return f"consulting:{organisation}"


def held_by(data: Mapping[str, str]) -> str | None:
    """The leg that the user at the far end of this one has held."""
    held = data.get(f"variable_{HOLDS}", "")
    return held if _LEG.fullmatch(held) else None


def arrival_of(data: Mapping[str, str]) -> Arrival:
    """Read one channel's data (header names as FreeSWITCH sends them, values decoded)."""
    data = find(data, _READ)
    organisation = data.get("variable_bizpbx_organisation") or None
    stage = _STAGES.get(data.get("variable_bizpbx_stage", ""), Stage.NEW)
    # A call that was transferred here brings along how a ring before that ended.
    disposition = "" if stage is Stage.NEW else data.get(f"variable_{DISPOSITION}") or ""
    host = data.get("variable_sip_network_ip") or data.get("Caller-Network-Addr") or ""
    call = data.get("Unique-ID", "")
    caller = _caller(data, organisation)
    party = caller.party if isinstance(caller, FromTransfer) else caller
    consults = isinstance(caller, FromConsultation)
    return Arrival(
        id=call,
        organisation=organisation,
        source=f"{host}:{data.get('variable_sip_network_port', '')}",
        request=request_of(data, caller, data.get("Caller-Destination-Number", "")),
        gateway=data.get("variable_bizpbx_gateway") or None,
        switch=data.get("FreeSWITCH-Switchname", ""),
        stage=stage,
        attempt=_count(data.get("variable_bizpbx_attempt", "")),
        section=0 if stage is Stage.NEW else _count(data.get("variable_bizpbx_step", "")),
        finished=bool(data.get(f"variable_{ENDED_BY[stage]}") if stage in ENDED_BY else disposition),
        last=ring_end(data) if disposition else None,
        device=isinstance(party, FromDevice),
        holds=held_by(data) if consults else None,
        transfers=transfers_of(data),
        tries=_count(data.get("variable_bizpbx_tries", "")) if stage is Stage.PASSCODE else 0,
        kept=None if stage is Stage.NEW else noted(lambda name: data.get(f"variable_{name}", "")),
    )


def request_of(data: Mapping[str, str], caller: Asked, dialled: str) -> Request:
    """What is asked for on a leg. Asked anew, by whomever, chance and moment are the same."""
    moment = _moment(data.get("Caller-Channel-Created-Time", ""))
    return Request(caller, dialled, chance_of(data.get("Unique-ID", "")), moment)


def transfers_of(data: Mapping[str, str]) -> int:
    """How often this leg was transferred."""
    return _count(data.get(f"variable_{TRANSFERS}", ""))


def _moment(text: str) -> datetime | None:
    """From microseconds since 1970."""
    seconds = _count(text) // 1_000_000
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST_SECOND else None


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _caller(data: Mapping[str, str], organisation: str | None) -> Asked:
    if organisation is not None and data.get("Caller-Context") == transferred_context(organisation):
        return FromTransfer(data.get(f"variable_{TRANSFERRED_BY}", ""), far_end(data))
    if organisation is not None and data.get("Caller-Context") == consulting_context(organisation):
        by = far_end(data)
        # Nobody outside is sent there; should it be, no device is called by that name.
        return FromConsultation(by if isinstance(by, FromDevice) else FromDevice(""))
    if organisation is not None:
        return FromDevice(data.get("variable_bizpbx_device", ""), _secure(data))
    return _outsider(data)


def far_end(data: Mapping[str, str]) -> FromDevice | FromTrunk:
    """Who is at the far end of a leg, whichever side called: a device of ours, or somebody behind a gateway."""
    if data.get("Call-Direction") == "outbound":
        target = data.get("variable_bizpbx_target", "")
        return FromTrunk(target) if data.get("variable_sip_gateway_name") else FromDevice(target, _secure(data))
    device = data.get("variable_bizpbx_device")
    return FromDevice(device, _secure(data)) if device else _outsider(data)


def _secure(data: Mapping[str, str]) -> bool:
    return data.get("variable_sofia_profile_name") == TLS_PROFILE


def _outsider(data: Mapping[str, str]) -> FromTrunk:
    withheld = data.get("Caller-Privacy-Hide-Number") == "true" or "id" in data.get("variable_sip_Privacy", "").lower()
    return FromTrunk(
        number=data.get("Caller-Caller-ID-Number") or None,
        name=data.get("Caller-Caller-ID-Name", ""),
        withheld=withheld,
        diverted_by=tuple(_DIVERTED_BY.findall(data.get("variable_sip_h_Diversion", ""))),
    )
