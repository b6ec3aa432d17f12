"""What events a client of the event socket wants, and in which form: the commands `event`, `nixevent`, `filter` …"""

from __future__ import annotations

import re

from bizpbx.simulator.events import NAMES
from bizpbx.simulator.wire import Event, message

_FORMATS = ("plain", "json", "xml")

_WORDS = """
CHANNEL_ANSWER CHANNEL_APPLICATION CHANNEL_BRIDGE CHANNEL_CREATE CHANNEL_DATA CHANNEL_DESTROY CHANNEL_EXECUTE
CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_ORIGINATE CHANNEL_UUID CHANNEL_OUTGOING
CHANNEL_PARK CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_STATE CHANNEL_UNBRIDGE CHANNEL_UNPARK DETECTED_SPEECH
DTMF NOTALK TALK
"""

MY_EVENTS = frozenset(_WORDS.split())


class Subscription:
    """Each command returns the text of its reply."""

    def __init__(self) -> None:
        self.active = False
        self.format = "plain"
        self.only: str | None = None
        """UUID of the one channel whose events are wanted."""
        self._names: set[str] = set()
        self._subclasses: set[str] = set()
        self._filters: list[tuple[str, str]] = []

    def event(self, words: list[str]) -> str:
        """`event [plain|json] NAME … [CUSTOM subclass …]`."""
        if words and words[0].lower() in _FORMATS:
            self.format = words[0].lower()
            words = words[1:]
        names, subclasses = _read(words)
        if not names:
            return "-ERR no keywords supplied"
        self._names |= NAMES if "ALL" in names else names
        self._subclasses |= subclasses
        self.active = True
        return f"+OK event listener enabled {self.format}"

    def nix(self, words: list[str]) -> str:
        """`nixevent NAME …`."""
        names, subclasses = _read(words)
        if not names:
            return "-ERR no keywords supplied"
        self._names -= NAMES if "ALL" in names else names - {"CUSTOM"} | {"ALL"}
        self._subclasses -= subclasses
        self.active = True
        return "+OK events nixed"

    def none(self) -> str:
        """`noevents`."""
        if not self.active:
            return "-ERR not listening for events"
        self.active = False
        self._names.clear()
        self._subclasses.clear()
        return "+OK no longer listening for events"

    def mine(self, uuid: str, words: list[str]) -> str:
        """`myevents [json]`, and `myevents <uuid>` on an inbound connection."""
        if self.only is not None:
            return "-ERR aready enabled."
        self.only = uuid
        self.format = "json" if "json" in (word.lower() for word in words) else self.format
        self._names |= MY_EVENTS
        self.active = True
        return "+OK Events Enabled"

    def filter(self, words: list[str]) -> str:
        """`filter [add] NAME VALUE`, `filter delete NAME [VALUE]`, `filter delete all`."""
        if len(words) < 2:
            return "-ERR invalid syntax"
        if words[0].lower() == "delete":
            name, value = words[1], " ".join(words[2:])
            self._filters = [
                one
                for one in self._filters
                if not (name.lower() == "all" or (one[0].lower() == name.lower() and value in ("", one[1])))
            ]
            return f"+OK filter deleted. [{name}][{value}]"
        if words[0].lower() == "add" and len(words) > 2:
            words = words[1:]
        name, value = words[0], " ".join(words[1:])
        self._filters.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"

    def wants(self, event: Event) -> bool:
        """Whether an event is to be sent."""
        if not self.active or event.name not in self._names:
            return False
        if event.subclass and "ALL" not in self._names and event.subclass not in self._subclasses:
            return False
        if self.only is not None and self.only not in (event.get("Unique-ID"), event.get("Job-Owner-UUID")):
            return False
        return not self._filters or any(_passes(event.get(name), wanted) for name, wanted in self._filters)

    def encode(self, event: Event) -> bytes:
        """The event as it goes to the client. XML is not spoken."""
        body = event.json() if self.format == "json" else event.plain()
        head = f"Content-Length: {len(body)}\nContent-Type: text/event-{self.format}\n\n"
        return head.encode() + body


def _read(words: list[str]) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    subclasses: set[str] = set()
    for word in words:
        if "CUSTOM" in names:
            subclasses.add(word)
        elif word.upper() in NAMES:
            names.add(word.upper())
    return names, subclasses


def _passes(value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    if wanted.startswith("/"):
        return re.search(wanted.strip("/"), value) is not None
    return wanted.lower() in value.lower()


def disconnect_notice(uuid: str | None) -> bytes:
    """What the switch says when it closes a connection."""
    about = [] if uuid is None else [("Controlled-Session-UUID", uuid), ("Content-Disposition", "disconnect")]
    goodbye = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    return message("text/disconnect-notice", *about, body=goodbye)


def linger_notice(uuid: str, name: str, seconds: int) -> bytes:
    """What the switch says when the call is over and the connection stays."""
    about = [("Controlled-Session-UUID", uuid), ("Content-Disposition", "linger"), ("Channel-Name", name)]
    return message("text/disconnect-notice", *about, ("Linger-Time", str(seconds)), body="")
