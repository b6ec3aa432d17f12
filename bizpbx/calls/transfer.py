"""A user keys in the code of a transfer while talking: ask for the number, decide, send the other side on.

Until the last step nothing is done to the conversation. Whatever ends this before, the two talk on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bizpbx.calls.call import Arrival
from bizpbx.policy.plan import PROMPT_FOR, HangUp, Plan, Reason
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.transfer import goes_through


class Talk(Protocol):
    """The leg of the user who keyed in the code, while the other side is held. Every method raises CallGone when the
    conversation has ended."""

    def ask_number(self) -> str:
        """Ask for a number, ended by `#` or five seconds of silence. Returns "" if none came, or if it was given up."""

    def arrival(self, number: str) -> Arrival | None:
        """The other side as it would arrive if it were sent to this number; None if there is nobody who may be sent."""

    def announce(self, prompt: Prompt) -> None:
        """Tell the user something. Returns when it has been said."""

    def done(self) -> None:
        """Nothing more is to be done: no other controller is asked, and if the other side is still there, the two talk
        on."""

    def send_on(self, number: str) -> bool:
        """Send the other side on, which ends this leg. False: it is not there any more."""


def transfer(talk: Talk, decide: Callable[[Arrival], Plan]) -> tuple[Reason, ...]:
    """Carry out what the user wants. Returns why it was done, or not. Raises CallGone."""
    reasons = _carried_out(talk, decide)
    talk.done()
    return reasons


def _carried_out(talk: Talk, decide: Callable[[Arrival], Plan]) -> tuple[Reason, ...]:
    number = talk.ask_number()
    if not number:
        return ()
    arrival = talk.arrival(number)
    if arrival is None:
        talk.announce(Prompt.NOT_TRANSFERRED)
        return ()
    plan = decide(arrival)
    if not goes_through(plan):
        talk.announce(_why(plan))
    elif not talk.send_on(number):
        talk.announce(Prompt.NOT_TRANSFERRED)
    return plan.reasons


def _why(plan: Plan) -> Prompt:
    """What the user is told of a transfer that is refused."""
    causes = [step.cause for step in plan.steps if isinstance(step, HangUp) and step.cause is not None]
    return next((PROMPT_FOR[cause] for cause in causes if cause in PROMPT_FOR), Prompt.NOT_TRANSFERRED)
