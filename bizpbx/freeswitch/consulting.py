"""How the switch by itself connects, or brings back, the three of an attended transfer: variables of their legs. Pure.

The user's leg and the one that is held go to contexts of their own (dialplan_templates/consulting.xml), and whoever is
called meanwhile is a leg of the user's call there. Whatever becomes of the controllers: when the user hangs up, a hook
sends the held leg on, which fetches the leg that answered, or rings the number anew where none did; when the called one
hangs up, the user's own dialplan fetches the held leg.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final

from bizpbx.errors import InvalidText

CONSULTING: Final = "bizpbx_consulting"
"""On the leg of a device whose user calls before he transfers, as long as a controller has to do with it."""

HELD_BY: Final = "bizpbx_held_by"
"""On the leg that is held: the one whose user holds it."""

HELD: Final = "bizpbx_held"
"""On the leg that is held, and is not to be taken for one any more once it was bridged."""

CONSULTED: Final = "bizpbx_consulted"
"""On the leg that is held: the leg that was called meanwhile and answered."""

CONSULTED_BY: Final = "bizpbx_consulted_by"
"""On the leg that is called meanwhile: key of the extension that calls. Gone when it is connected with the held one."""

HOOK: Final = "api_hangup_hook"
"""What the switch does when a leg is hung up."""

JOINING: Final = "joining"
"""Extension of the transfer's context where the called leg waits to be fetched once the user has hung up."""

HOLD_TONE: Final = "tone_stream://%(200,200,425);%(200,4400,425)"
"""Two short tones, and so much silence that they come every five seconds: the line is not dead."""

HOLD_TONES: Final = 720
"""An hour, after which the one who is held is hung up on: nobody is held for ever, whatever the switch may miss."""

CANCEL: Final = "*"
"""Key that ends the user's call before its time, and brings the user back. No number has it."""

_LEG: Final = re.compile(r"[0-9a-f-]{36}")
_KEY: Final = re.compile(r"[0-9]{2,6}")


@dataclass(frozen=True, slots=True)
class Consulting:
    """Who is held while a ring is made, and the key of the extension that calls."""

    held: str
    by: str


def leg_name(granted: str) -> str:
    """UUID of a leg that needs no lease, by the one that it would be granted talk time under: nobody else has it."""
    return str(uuid.uuid5(uuid.UUID(granted), "consulted"))


def leg_variables(consulting: Consulting, leg: str, context: str) -> list[str]:
    """Variables of a called leg in a dial string. It goes to `context` when the user hangs up. Raises InvalidText."""
    held, leg = _checked(_LEG, consulting.held), _checked(_LEG, leg)
    return [
        f"{CONSULTED_BY}={_checked(_KEY, consulting.by)}",
        f"transfer_after_bridge={JOINING}:XML:{context}",
        f"api_on_answer_joined='uuid_setvar {held} {CONSULTED} {leg}'",
    ]


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidText(f"{text!r} cannot be part of a command to the switch.")
    return text
