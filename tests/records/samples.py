"""Leg records as a switch writes them, for tests and the bench."""

from __future__ import annotations

from html import escape
from typing import Any

from bizpbx.simulator.wire import url_encode

MICRO = 1_000_000
BEGAN = 1_777_600_000
"""2026-05-01 01:46:40 UTC, 09:46:40 in Singapore."""


def file(variables: dict[str, str], switch: str = "local", name: str = "Ann") -> bytes:
    """The file of mod_xml_cdr; `name` is the display name, which it does not encode."""
    inner = "".join(f"    <{key}>{url_encode(value)}</{key}>\n" for key, value in variables.items())
    shown = name if "<!" in name else escape(name, quote=False)
    return (
        f'<?xml version="1.0"?>\n<cdr core-uuid="c0" switchname="{switch}">\n  <channel_data>\n'
        f"    <direction>{variables.get('direction', '')}</direction>\n  </channel_data>\n"
        f"  <variables>\n{inner}  </variables>\n  <app_log>\n  </app_log>\n"
        f"  <callflow>\n    <caller_profile>\n      <caller_id_name>{shown}</caller_id_name>\n"
        f"    </caller_profile>\n  </callflow>\n</cdr>\n"
    ).encode()


def stamps(began: float, rang: float | None, answered: float | None, ended: float) -> dict[str, str]:
    """Seconds after BEGAN, as the switch tells them."""

    def of(seconds: float | None) -> str:
        return "0" if seconds is None else str(int((BEGAN + seconds) * MICRO))

    return {
        "start_uepoch": of(began),
        "progress_uepoch": of(rang),
        "progress_media_uepoch": "0",
        "answer_uepoch": of(answered),
        "end_uepoch": of(ended),
    }


def calling(leg: str = "a", *, ended: float = 12.0, answered: float | None = 2.0, **more: str) -> dict[str, str]:
    """The leg of a device of extension 101 that calls 102."""
    return {
        "direction": "inbound",
        "uuid": leg,
        **stamps(0.0, 0.5, answered, ended),
        "caller_id": '"Sales" <101>',
        "hangup_cause": "NORMAL_CLEARING",
        "bizpbx_organisation": "acme.example",
        "bizpbx_call": leg,
        "bizpbx_dialled": "102",
        "bizpbx_device": "101-ip_phone",
        "bizpbx_extension": "101",
        "bizpbx_callee": "102",
        "bizpbx_rule": "key devices",
        "bizpbx_reason": "102 is an extension; its devices ring",
        **more,
    }


def called(
    leg: str = "b", call: str = "a", *, ended: float = 12.0, answered: float | None = 2.0, **more: str
) -> dict[str, str]:
    """The leg to the device of extension 102."""
    return {
        "direction": "outbound",
        "uuid": leg,
        **stamps(0.1, 0.5, answered, ended),
        "caller_id": '"Sales" <101>',
        "origination_caller_id_number": "101",
        "hangup_cause": "NORMAL_CLEARING",
        "bizpbx_organisation": "acme.example",
        "bizpbx_call": call,
        "bizpbx_target": "102-ip_phone",
        **more,
    }


def from_gateway(leg: str = "a", caller: str = "+6591112222", **more: Any) -> dict[str, str]:
    """The leg of somebody outside who calls a DID."""
    values = calling(leg, **more)
    for name in ("bizpbx_organisation", "bizpbx_device", "bizpbx_extension"):
        del values[name]
    outside = {
        "caller_id": f'"Bank" <{caller}>',
        "bizpbx_domain": "acme.example",
        "bizpbx_dialled": "6564291310",
        "bizpbx_rule": "did devices",
        "bizpbx_callee": "100",
    }
    return values | outside | _texts(more)


def to_gateway(leg: str = "b", call: str = "a", **more: Any) -> dict[str, str]:
    """The leg to a number behind a gateway."""
    values = called(leg, call, **more)
    return values | {"sip_gateway_name": "carrier.acme.example", "bizpbx_target": "+6561234567"} | _texts(more)


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def event(variables: dict[str, str], switch: str = "local") -> dict[str, str]:
    """The data of CHANNEL_HANGUP_COMPLETE."""
    headers = {f"variable_{name}": value for name, value in variables.items()}
    return {"Event-Name": "CHANNEL_HANGUP_COMPLETE", "FreeSWITCH-Switchname": switch, **headers}
