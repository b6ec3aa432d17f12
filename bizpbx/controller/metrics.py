"""What /metrics tells. The registry is the one thing of a process that is global."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

PASSCODE_WRONG: Final = Counter("bizpbx_passcode_wrong", "Wrong passcodes keyed in.", ["organisation"])
PASSCODE_LOCKED: Final = Counter("bizpbx_passcode_locked", "Passcodes locked after wrong ones.", ["organisation"])
PIN_WRONG: Final = Counter("bizpbx_pin_wrong", "Wrong PINs of mailboxes keyed in.", ["organisation"])
PIN_LOCKED: Final = Counter("bizpbx_pin_locked", "PINs of mailboxes locked after wrong ones.", ["organisation"])
WRONG: Final = {"passcode": PASSCODE_WRONG, "pin": PIN_WRONG}
LOCKED: Final = {"passcode": PASSCODE_LOCKED, "pin": PIN_LOCKED}
LEASES_REFUSED: Final = Counter("bizpbx_leases_refused", "Legs that were not dialled, by why.", ["reason"])
GUARD_REFUSED: Final = Counter(
    "bizpbx_guard_refused", "Calls refused because they looked like toll fraud.", ["organisation", "reason"]
)
LEASES_RENEWED: Final = Counter("bizpbx_leases_renewed", "Leases that were given more time while their leg talked.")
LEASES_PRESUMED: Final = Counter("bizpbx_leases_presumed", "Leases settled without a record of their leg.")
RECORDS_INGESTED: Final = Counter("bizpbx_records_ingested", "Legs put on record, by what brought them.", ["source"])
RECORDS_FAILED: Final = Counter("bizpbx_records_failed", "Leg records that could not be read or kept.", ["source"])
RECORDS_LAG: Final = Gauge("bizpbx_records_lag_seconds", "Age of the oldest leg record that waits.")
SPOOL_FREE: Final = Gauge("bizpbx_spool_free_bytes", "What the switch can still write of call records.")
VOICEMAILS_WAITING: Final = Gauge("bizpbx_voicemails_waiting", "Recordings that are to be stored or erased.")
VOICEMAILS_STORED: Final = Counter("bizpbx_voicemails_stored", "Voicemails that the store took.")
VOICEMAILS_REJECTED: Final = Counter("bizpbx_voicemails_rejected", "Recordings of no use, by why.", ["reason"])
STORE_FAILED: Final = Counter("bizpbx_store_failed", "Tries to store, fetch or erase a file that failed.")
MESSAGES_MISSING: Final = Counter("bizpbx_messages_missing", "Messages that were not played for want of their file.")
VOICEMAILS_UNPLAYED: Final = Counter(
    "bizpbx_voicemails_unplayed", "Voicemails that could not be played by phone for want of their file."
)
MAIL_SENT: Final = Counter("bizpbx_mail_sent", "Mails that the mail server took.")
MAIL_FAILED: Final = Counter("bizpbx_mail_failed", "Tries to send a mail that failed.")
MAIL_DEAD: Final = Counter("bizpbx_mail_dead", "Mails that were given up.")
MAIL_WAITING: Final = Gauge("bizpbx_mail_waiting", "Mails in the outbox that have not left.")
