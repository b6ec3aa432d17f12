"""Which sections of its plan a call comes to, and which it is led past."""

from __future__ import annotations

from bizpbx.policy.plan import Reason


class Path:
    """Of a call to a virtual line; any other call stays in section 0."""

    def __init__(self) -> None:
        self._section = 0
        self._onward = 0
        self._past: set[int] = set()

    def leads_past(self, section: int) -> bool:
        """Whether the call was led on to a later section."""
        return section < self._onward

    def come_to(self, section: int) -> None:
        self._section = section

    def lead_to(self, section: int) -> None:
        """Go on there, past what is between."""
        self._past.update(range(self._section + 1, section))
        self._onward = section

    def told(self, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """The reasons of what has been done so far. Those of other branches would be said of what never happened."""
        return tuple(
            reason for reason in reasons if reason.section <= self._section and reason.section not in self._past
        )
