"""What a caller writes into its INVITE. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bizpbx.testbed.world import CarrierCaller, PhoneCaller

UNESCAPED = "+*-_.!~'()&=$,;?/"
"""What RFC 3261 allows in the user part of a URI besides letters and digits."""


@dataclass(frozen=True, slots=True)
class Invite:
    """Texts of the scenario's placeholders, and the lines it needs on top."""

    target: str
    """Request URI."""
    sender: str
    """From, without its tag."""
    headers: tuple[str, ...] = ()

    @property
    def keys(self) -> dict[str, str]:
        numbered = {f"h{number}": line for number, line in enumerate(self.headers)}
        return {"target": self.target, "from": self.sender, "to": f"<{self.target}>", **numbered}


def from_phone(caller: PhoneCaller, to: str) -> Invite:
    """A call to `to` in the phone's own domain."""
    domain = caller.phone.domain
    user = caller.phone.username if caller.claims is None else caller.claims
    return Invite(uri(to, domain), named(caller.display_name, uri(user, domain)), lines(caller))


def from_carrier(caller: CarrierCaller, to: str, switch: str) -> Invite:
    """A call to `to` at `switch` (host:port), from a number as the public network presents it."""
    here = f"127.0.0.1:{caller.carrier.port}"
    if not caller.withheld:
        sender = uri(caller.number, here) if caller.number is not None else f"sip:{here}"
        return Invite(uri(to, switch), named(caller.display_name, sender), lines(caller))
    privacy = ["Privacy: id"]
    if caller.number is not None:
        privacy.insert(0, f"P-Asserted-Identity: {named(caller.display_name, uri(caller.number, here))}")
    return Invite(uri(to, switch), '"Anonymous" <sip:anonymous@anonymous.invalid>', (*privacy, *lines(caller)))


def uri(user: str, host: str) -> str:
    return f"sip:{quote(user, safe=UNESCAPED)}@{host}"


def named(name: str, address: str) -> str:
    """An address with a display name, quoted."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>' if name else f"<{address}>"


def lines(caller: PhoneCaller | CarrierCaller) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in caller.headers.items())
