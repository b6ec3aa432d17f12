"""What a switch says of its gateways: `sofia xmlstatus gateway`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

COMMAND: Final = "sofia xmlstatus gateway"

NOT_SIGNED_IN: Final = ("NOREG", "DOWN")
"""States of a gateway that is not signed in to, and is not meant to be."""

# The switch writes user names into its XML as they are, so that it need not be well-formed.
_PARSER = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, recover=True)


@dataclass(frozen=True, slots=True)
class GatewayState:
    """One gateway of one switch. `name` is its name on the switch."""

    name: str
    up: bool
    """Calls are sent there; one that is down is passed over."""
    registration: str
    """The switch's own word: `REGED`, `FAIL_WAIT`, `TRYING` …; `NOREG` where none is wanted."""
    ping: float | None
    """Milliseconds that the last OPTIONS took; None: none was answered, or none are sent."""
    calls_in: int
    calls_out: int
    failed_out: int
    """Calls out that the gateway refused, or that found it down."""

    @property
    def why_down(self) -> str:
        """What to look at, for a gateway that is down."""
        if self.registration in (*NOT_SIGNED_IN, "REGED"):
            return "it does not answer OPTIONS. Is it there? One that never answers them needs `ping=null`"
        return f"signing in has not succeeded ({self.registration}). Check its host, username and password"


def states(answer: str) -> list[GatewayState]:
    """Read the answer to COMMAND, in the order of the names. What cannot be read is left out."""
    _, _, document = answer.partition("?>")
    root = etree.fromstring(document.strip().encode("utf-8", "replace") or b"<gateways/>", _PARSER)
    found = [] if root is None else [_state(element) for element in root.iter("gateway")]
    return sorted((state for state in found if state.name), key=lambda state: state.name)


def _state(element: etree._Element) -> GatewayState:
    def text(name: str) -> str:
        return (element.findtext(name) or "").strip()

    def count(name: str) -> int:
        return int(text(name)) if text(name).isdigit() else 0

    try:
        ping = float(text("pingtime"))
    except ValueError:
        ping = 0.0
    return GatewayState(
        name=text("name"),
        up=text("status") == "UP",
        registration=text("state"),
        ping=ping or None,
        calls_in=count("calls-in"),
        calls_out=count("calls-out"),
        failed_out=count("failed-calls-out"),
    )
