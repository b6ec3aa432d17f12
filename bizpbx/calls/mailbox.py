"""Hear what is in a mailbox: the new messages, then the saved ones, the oldest first; keep or delete each.

What becomes of a message is on record before the next one is played. So a call that ends in the middle, or goes on with
another controller, finds each message as the caller left it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bizpbx.calls import mailbox_words as words
from bizpbx.calls.call import Call
from bizpbx.calls.mailboxes import Mailboxes, Message
from bizpbx.policy.plan import Listen
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice

AGAIN: Final = "1"
KEEP: Final = ("2", "#")
DELETE: Final = "3"
KEYS: Final = (AGAIN, *KEEP, DELETE)
PATIENCE: Final = 5
"""Seconds for a key after the menu."""
MENUS: Final = 3
"""How often the menu is told to somebody who presses other keys. Who presses none keeps the message."""


def listen(call: Call, step: Listen, mailboxes: Mailboxes) -> None:
    """Returns when all messages were heard. Raises CallGone when the caller hangs up."""
    organisation = call.arrival.organisation or ""
    messages = mailboxes.messages(organisation, step.mailbox)
    call.answer()
    new = sum(message.new for message in messages)
    # Keys do nothing yet: one that was meant for the PIN must not delete a message.
    call.say(words.counted(new, len(messages) - new))
    for position, message in enumerate(messages, start=1):
        _one(call, step.mailbox, message, position, mailboxes)
    if messages:
        call.say((Prompt.NO_MORE_MESSAGES,))


def _one(call: Call, mailbox: str, message: Message, position: int, mailboxes: Mailboxes) -> None:
    organisation = call.arrival.organisation or ""
    introduction: Sequence[Prompt] = words.introduced(message, position)
    while True:
        with mailboxes.recording(organisation, mailbox, message.id) as recording:
            if recording is None:
                call.say((*introduction, Prompt.MESSAGE_UNAVAILABLE))
                return
            # What was pressed while the store was asked was meant for the message before.
            key = call.offer((*introduction, recording), 0, fresh=True)
        if not key:
            # Heard to its end: it is not new any more, even if the caller hangs up now.
            mailboxes.heard(organisation, mailbox, message.id)
        key = _choice(call, key)
        if key == DELETE:
            mailboxes.delete(organisation, mailbox, message.id, _device(call))
            call.say((Prompt.MESSAGE_DELETED,))
            return
        if key != AGAIN:
            mailboxes.heard(organisation, mailbox, message.id)
            call.say((Prompt.MESSAGE_KEPT,))
            return
        introduction = ()


def _choice(call: Call, key: str) -> str:
    """One of KEYS, by the menu if none was pressed before; "" if none comes."""
    for _ in range(MENUS):
        if key in KEYS:
            return key
        key = call.offer((Prompt.MAILBOX_MENU,), PATIENCE)
        if not key:
            return ""
    return key if key in KEYS else ""


def _device(call: Call) -> str:
    caller = call.arrival.request.caller
    return caller.sip_user if isinstance(caller, FromDevice) else ""
