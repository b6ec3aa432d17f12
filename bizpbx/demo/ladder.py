"""One call of the demonstration as people read it: who called, what was decided and why, who rang, who answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bizpbx.demo.calls import DemoCall

Reasons = Sequence[tuple[str, str]]
"""(rule, sentence) in the order in which they were applied."""


@dataclass(frozen=True, slots=True)
class Played:
    """How one call went. `rang` and `answered` are SIP users."""

    call: DemoCall
    reasons: Reasons
    rang: frozenset[str]
    answered: frozenset[str]
    code: int
    reason: str

    @property
    def as_promised(self) -> bool:
        expected = frozenset({self.call.answers}) if self.call.answers is not None else frozenset()
        return (self.rang, self.answered, self.code) == (self.call.rings, expected, self.call.code)


ARROW = 16
"""Columns between two of the three lines of a ladder."""


def ladder(played: Played) -> Iterator[str]:
    """Lines of text: the caller on the left, the switch in the middle, the phones on the right."""
    caller = played.call.caller
    yield f"{caller:<{ARROW}}  {'bizpbx':^{ARROW}}  phones"
    yield _from_left(f"calls {played.call.dials}")
    for rule, text in played.reasons:
        yield f"{'│':>{ARROW // 2}}{'':{ARROW}}│  {rule}: {text}"
    for user in sorted(played.rang):
        note = "rings" if user not in played.answered else "rings and answers"
        yield f"{'│':>{ARROW // 2}}{'':{ARROW}}├{'─' * (ARROW - 6)}► {user} {note}"
    if not played.rang:
        yield f"{'│':>{ARROW // 2}}{'':{ARROW}}│  nobody rings"
    yield _to_left(f"{played.code} {played.reason}".strip())
    if not played.as_promised:
        expected = ", ".join(sorted(played.call.rings)) or "nobody"
        yield f"    expected: {expected} ring, {played.call.answers or 'nobody'} answers, {played.call.code}"


def _from_left(text: str) -> str:
    return f"{'├':>{ARROW // 2}}{'─' * (ARROW - 1)}►│  {text}"


def _to_left(text: str) -> str:
    return f"{'│':>{ARROW // 2}}◄{'─' * (ARROW - 1)}┤  {text}"
