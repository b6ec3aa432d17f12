"""The codes of the rules that decide calls. Stable: they stand on the channel, in records and in docs/calls.md."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """What `Reason.rule` may be. docs/calls.md has a sentence for each; a code is never given another meaning."""

    # Who calls, and what is called
    ORGANISATION_UNKNOWN = "organisation-unknown"
    SOURCE_UNKNOWN = "source-unknown"
    SOURCE_AMBIGUOUS = "source-ambiguous"
    DEVICE_UNKNOWN = "device-unknown"
    DEVICE_INACTIVE = "device-inactive"
    DEVICE_UNLICENSED = "device-unlicensed"
    DEVICE_NOT_SECURE = "device-not-secure"
    DIALLED_INVALID = "dialled-invalid"
    DID = "did"
    DID_UNKNOWN = "did-unknown"
    KEY = "key"
    KEY_UNKNOWN = "key-unknown"
    OWN_KEY = "own-key"
    WITHHELD = "withheld"
    GATEWAY_RULE = "gateway-rule"

    # A call to an extension
    GATEWAY_MAPPED = "gateway-mapped"
    DO_NOT_DISTURB = "do-not-disturb"
    VIP = "vip"
    FORWARDING = "forwarding"
    DEVICES = "devices"
    NO_DEVICE = "no-device"

    # A call to a virtual line
    LINE = "line"
    LINE_MESSAGE = "line-message"
    LINE_RING = "line-ring"
    LINE_FORWARD = "line-forward"
    LINE_ONWARD = "line-onward"
    LINE_GATHER = "line-gather"
    LINE_WITHIN = "line-within"
    LINE_OUTSIDE = "line-outside"
    LINE_MISSED_CALL = "line-missed-call"
    LINE_HANG_UP = "line-hang-up"
    LINE_NOBODY = "line-nobody"
    LINE_NO_PAYER = "line-no-payer"
    KEY_PRESSED = "key-pressed"
    NO_KEY_PRESSED = "no-key-pressed"

    # The targets of a forward
    TARGET_SELF = "target-self"
    TARGET_CALLER = "target-caller"
    TARGET_DO_NOT_DISTURB = "target-do-not-disturb"
    TARGET_UNKNOWN = "target-unknown"
    TARGET_NO_DEVICE = "target-no-device"
    TARGET_RANG = "target-rang"
    FORWARD_INSIDE = "forward-inside"
    FORWARD_NUMBER = "forward-number"
    FORWARD_NOBODY = "forward-nobody"
    LOOP = "loop"
    DIVERSIONS = "diversions"
    SHOWS_EXTENSION = "shows-extension"
    SHOWS_CALLER = "shows-caller"

    # A call that is transferred
    TRANSFER = "transfer"
    TRANSFER_EMERGENCY = "transfer-emergency"
    TRANSFER_BACK = "transfer-back"
    TRANSFERS_OFF = "transfers-off"
    CONSULTATION = "consultation"

    # Nobody answers
    NO_ANSWER_HANG_UP = "no-answer-hang-up"
    NO_ANSWER_FORWARD = "no-answer-forward"
    NO_ANSWER_MISSED_CALL = "no-answer-missed-call"
    NO_ANSWER_VOICEMAIL = "no-answer-voicemail"
    NO_ANSWER_CALL_CENTER = "no-answer-call-center"

    # The voicemail is heard
    MAILBOX = "mailbox"
    MAILBOX_NONE = "mailbox-none"
    PIN_ASKED = "pin-asked"
    PIN_WRONG = "pin-wrong"
    PIN_LOCKED = "pin-locked"

    # A call to a public number
    EMERGENCY = "emergency"
    EMERGENCY_NO_TRUNK = "emergency-no-trunk"
    DIAL_PLAN = "dial-plan"
    E164 = "e164"
    NUMBER_INVALID = "number-invalid"
    NO_RULE = "no-rule"
    COUNTRY_ALLOWED = "country-allowed"
    COUNTRY_NOT_LISTED = "country-not-listed"
    COUNTRY_PASSCODE = "country-passcode"
    PASSCODE_REQUIRED = "passcode-required"
    PASSCODE_ASKED = "passcode-asked"
    PASSCODE_OFF = "passcode-off"
    PASSCODE_MISSING = "passcode-missing"
    PASSCODE_WRONG = "passcode-wrong"
    PASSCODE_LOCKED = "passcode-locked"
    NO_GATEWAY = "no-gateway"
    GATEWAY_FAILED = "gateway-failed"
    CALLER_ID_PLAN = "caller-id-plan"
    CALLER_ID_DRAWN = "caller-id-drawn"
    CALLER_ID = "caller-id"
    NO_CALLER_ID = "no-caller-id"

    # Before it is dialled
    ALLOWANCE_EXHAUSTED = "allowance-exhausted"
    NO_RATE = "no-rate"
    CHARGED_BEFORE = "charged-before"
    TOO_MANY_CALLS = "too-many-calls"
    TOO_MANY_NEW_COUNTRIES = "too-many-new-countries"
