"""What is in mailboxes, as calls ask for it. bizpbx.controller has it in the database and the store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bizpbx.calls.passcode import Passcodes, Verdict


@dataclass(frozen=True, slots=True)
class Message:
    """A voicemail that can be heard. `days`, `hour` and `minute` tell when it was left: how long ago by the
    organisation's calendar, and at what time by its clock."""

    id: int
    caller: str | None
    """Key, or number in E.164; None of a withheld caller."""
    days: int
    hour: int
    minute: int
    new: bool
    """Nobody has heard it by phone."""


class Mailboxes(Protocol):
    """All of it for the mailbox of one extension, `key` of the organisation with this domain."""

    @property
    def pins(self) -> Passcodes: ...

    def messages(self, organisation: str, key: str) -> Sequence[Message]:
        """The new ones, then the saved ones, the oldest first; of each at most as many as can be counted in words."""

    def recording(self, organisation: str, key: str, message: int) -> AbstractContextManager[Path | None]:
        """The file of a message on the disk of the switch, for as long as it is played; None if it cannot be had now,
        or was deleted."""

    def heard(self, organisation: str, key: str, message: int) -> None:
        """Note that it is not new."""

    def delete(self, organisation: str, key: str, message: int, device: str) -> None:
        """Delete it for good, for the person at the device with this SIP user."""


class NoMailboxes:
    """Where no voicemail is kept: all are empty, and no PIN opens one."""

    @property
    def pins(self) -> Passcodes:
        return self

    def locked(self, organisation: str, key: str) -> bool:
        return True

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        return Verdict.LOCKED

    def messages(self, organisation: str, key: str) -> Sequence[Message]:
        return ()

    def recording(self, organisation: str, key: str, message: int) -> AbstractContextManager[Path | None]:
        return nullcontext()

    def heard(self, organisation: str, key: str, message: int) -> None:
        pass

    def delete(self, organisation: str, key: str, message: int, device: str) -> None:
        pass


NO_MAILBOXES: Final = NoMailboxes()
