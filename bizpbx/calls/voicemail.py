"""What is on file of a voicemail before it is recorded. bizpbx.voicemail keeps the file."""

from __future__ import annotations

from typing import Protocol

from bizpbx.calls.call import Arrival
from bizpbx.policy.plan import Plan, Record


class Voicemails(Protocol):
    """Where recordings are entered."""

    def begin(self, arrival: Arrival, plan: Plan, step: Record) -> None:
        """Enter the recording that is about to be made, for good once this returns. Asked again for the same call, by
        this controller or by another one, it enters nothing."""


class NoVoicemails:
    """For calls that are recorded nowhere."""

    def begin(self, arrival: Arrival, plan: Plan, step: Record) -> None:
        pass
