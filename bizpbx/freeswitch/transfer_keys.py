"""The codes that the user of a device keys in while talking, and how the switch is told to hear them. Pure.

A code leads to a small context that hands the leg of the device to a controller, in the middle of its bridge. It is
bound to legs of devices when they are bridged, to no leg of a gateway: what somebody outside keys in is passed on.
"""

from __future__ import annotations

from typing import Final

CONTEXT: Final = "bizpbx-transfer"
REALM: Final = "bizpbx"
QUIET: Final = "bizpbx-quiet"
"""Realm in which no code is heard."""

ESCAPED: Final = "\\,"

BLIND: Final = "blind"
ATTENDED: Final = "attended"

CODES: Final = {BLIND: "*1", ATTENDED: "*2"}
"""What leads to which extension of the context."""

BOUND: Final = {
    f"execute_on_pre_bridge_{number}": (
        f"bind_digit_action {REALM},{code},exec:execute_extension,{kind} XML {CONTEXT},self,self"
    )
    for number, (kind, code) in enumerate(CODES.items(), 1)
}
"""Variables of a leg. The switch binds a code anew in each bridge; other keys go through at once, and one that a code
begins with after a second and a half."""


def leg_variables() -> list[str]:
    """The same for a leg in a dial string. Commas are escaped: quotes are gone before the switch looks for commas
    (switch_ivr_originate.c; measured on 1.11)."""
    return [f"{name}={value.replace(',', ESCAPED)}" for name, value in BOUND.items()]
