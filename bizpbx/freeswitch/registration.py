"""Where a registration has the calls of its device sent to. Pure.

The Contact is the device's own word: any number at any address, such as that of a carrier which knows the switch by its
address. Measured on 1.11: the INVITE goes there, and to whatever host `fs_path`, `maddr` or a Path header name, past
every rule. So a registration has to lead back to where it came from. One that came through a proxy or a NAT does: the
switch itself has put `fs_path` there, with the address that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

REGISTERED: Final = "sofia::register"
"""Event of a device that has registered, or has done so again."""

_CONTACT = re.compile(r'(?:"[^"<>\\]*")?\s*<([^<>"]+)>')
_HOST = re.compile(r"(?:sips?:)?(?:[^@]*@)?\[?([0-9A-Za-z.:-]+?)\]?(?::[0-9]+)?(?:;.*)?", re.DOTALL)
_PATH = re.compile(r";fs_path=([^;]*)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def leads_elsewhere(contact: str, address: str) -> bool:
    """Whether calls would be sent to another IP address than the registration came from.

    >>> leads_elsewhere('"" <sip:100@192.0.2.7:5062>', "192.0.2.7")
    False
    >>> leads_elsewhere('"" <sip:+93701234567@203.0.113.9>', "192.0.2.7")
    True
    """
    found = _CONTACT.fullmatch(contact.strip())
    if found is None:
        return True
    uri = found.group(1)
    places = [unquote(path).strip("<>") for path in _PATH.findall(uri)]
    if any("maddr=" in each.lower() for each in (uri, *places)):
        return True
    return not all(_is_at(place, address) for place in places or [uri])


def expiry(data: Mapping[str, str]) -> str | None:
    """The command that takes a registration away, from the data of REGISTERED; None for one that leads back to where
    it came from, and for one that no call looks for."""
    if not leads_elsewhere(data.get("contact", ""), data.get("network-ip", "")):
        return None
    profile, user, host = (data.get(name, "") for name in ("profile-name", "from-user", "from-host"))
    if not all(_NAME.fullmatch(part) for part in (profile, user, host)):
        return None
    return f"sofia profile {profile} flush_inbound_reg {user}@{host}"


def _is_at(uri: str, address: str) -> bool:
    found = _HOST.fullmatch(uri)
    try:
        return found is not None and ip_address(found.group(1)) == ip_address(address.strip("[]"))
    except ValueError:
        return False  # A name: whatever it stands for, nobody says that it will stay so.
