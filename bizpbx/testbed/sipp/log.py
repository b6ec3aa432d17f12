"""SIPp's message logs, read back. Pure: bytes in, messages out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bizpbx.testbed.sipp.message import SipMessage, parse

ENTRY = re.compile(
    rb"^-{20,} (?P<date>\d{4}-\d\d-\d\d)[ \tT](?P<time>\d\d:\d\d:\d\d\.\d+)[^\n]*\n"
    rb"(?P<transport>[A-Z]+) (?:control )?message (?P<direction>sent|received) [\[(](?P<size>\d+)[^\n]*\n\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Logged:
    """One message of a log. `at` is in seconds since the epoch."""

    at: float
    sent: bool
    message: SipMessage


def read(log: bytes) -> tuple[list[Logged], int]:
    """All complete messages of a log that may still be growing, and how many bytes of it they took.

    A message is taken by the length that the log states, so that nothing in it can be mistaken for the next entry.
    Datagrams that are no SIP (keepalives) are passed over.
    """
    found: list[Logged] = []
    position = 0
    while entry := ENTRY.search(log, position):
        end = entry.end() + int(entry["size"])
        if end > len(log):
            break
        stamp = f"{entry['date'].decode()} {entry['time'].decode()[:15]}"
        at = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").astimezone().timestamp()
        try:
            message = parse(log[entry.end() : end].decode("utf-8", "replace"))
        except ValueError:
            pass
        else:
            found.append(Logged(at, entry["direction"] == b"sent", message))
        position = end
    return found, position
