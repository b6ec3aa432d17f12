"""What a caller can be told. The value is the name of the file."""

from __future__ import annotations

from enum import StrEnum


class Prompt(StrEnum):
    """bizpbx/prompts/texts has what each says, in each language."""

    NOT_ALLOWED = "not_allowed"
    ENTER_PASSCODE = "enter_passcode"
    ENTER_PASSCODE_AGAIN = "enter_passcode_again"
    WRONG_PASSCODE = "wrong_passcode"
    PASSCODE_LOCKED = "passcode_locked"
    LINES_BUSY = "lines_busy"
    NOT_IN_SERVICE = "not_in_service"
    ALLOWANCE_EXHAUSTED = "allowance_exhausted"
    ALLOWANCE_ENDING = "allowance_ending"
    TOO_MANY_CALLS = "too_many_calls"
    NEW_COUNTRY = "new_country"
    ENTER_NUMBER = "enter_number"
    NOT_TRANSFERRED = "not_transferred"
    LEAVE_A_MESSAGE = "leave_a_message"
    ENTER_PIN = "enter_pin"
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    MAILBOX_EMPTY = "mailbox_empty"
    MAILBOX_MENU = "mailbox_menu"
    MESSAGE_KEPT = "message_kept"
    MESSAGE_DELETED = "message_deleted"
    NO_MORE_MESSAGES = "no_more_messages"
