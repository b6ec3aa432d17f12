"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, and something should be done nevertheless."""
    PROBLEM = "problem"
    """Calls or changes fail, or secrets are open to others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what is the case and, unless all is well, what to do."""

    check: str
    state: State
    text: str

    def fields(self) -> dict[str, str]:
        return {"state": str(self.state), "check": self.check, "text": self.text}


def ok(check: str, text: str) -> Finding:
    return Finding(check, State.OK, text)


def warning(check: str, text: str) -> Finding:
    return Finding(check, State.WARNING, text)


def problem(check: str, text: str) -> Finding:
    return Finding(check, State.PROBLEM, text)
