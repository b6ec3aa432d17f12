"""What is kept of a call that nobody takes: on the caller's channel, and in the record of its leg. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bizpbx.freeswitch.causes import ANSWERED
from bizpbx.freeswitch.ring_end import DISPOSITION
from bizpbx.policy.names import clean_name
from bizpbx.policy.plan import Kept
from bizpbx.policy.settings import NoAnswerAction

ACTION: Final = "bizpbx_unanswered"
MAILBOX: Final = "bizpbx_mailbox"
CALLER: Final = "bizpbx_caller"
NAME: Final = "bizpbx_caller_name"
KEPT: Final = (ACTION, MAILBOX, CALLER, NAME)

_ACTIONS: Final = {str(action): action for action in (NoAnswerAction.MISSED_CALL, NoAnswerAction.VOICEMAIL)}
_KEY: Final = re.compile(r"[0-9]{2,6}")
_CALLER: Final = re.compile(r"\+[0-9]{7,15}|[0-9]{2,6}")


def kept_variables(kept: Kept | None) -> dict[str, str]:
    """What stands on the channel; "" unsets a variable."""
    if kept is None:
        return {ACTION: ""}
    return {ACTION: str(kept.action), MAILBOX: kept.mailbox, CALLER: kept.caller or "", NAME: kept.name}


def kept_of(get: Callable[[str], str]) -> Kept | None:
    """What is to be kept of a call that has ended; None of one that somebody took, or whose record says nothing.

    A ring that was answered leaves its disposition on the caller's channel; so an answer by the voicemail is none.
    """
    return None if get(DISPOSITION) == ANSWERED else noted(get)


def noted(get: Callable[[str], str]) -> Kept | None:
    """What stands on the channel, as `kept_variables` wrote it."""
    action = _ACTIONS.get(get(ACTION))
    mailbox = get(MAILBOX)
    if action is None or not _KEY.fullmatch(mailbox):
        return None
    caller = get(CALLER)
    return Kept(action, mailbox, caller if _CALLER.fullmatch(caller) else None, clean_name(get(NAME)))
