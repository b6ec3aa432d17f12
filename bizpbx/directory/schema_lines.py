"""Virtual lines in the settings file: the steps that a call to a line's key, or to its DID, goes through."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bizpbx import validation
from bizpbx.directory.schema_types import Key, Label, Message, Section, checked, key_or_number
from bizpbx.errors import InvalidText
from bizpbx.policy.line import END, WEEKDAYS

MOST_STEPS = 50
MOST_TARGETS = 20
"""Extensions that ring together."""

KINDS = ("play", "ring", "forward", "gather", "hours", "missed_call", "hang_up")
"""Fields of a step, of which it has one."""


def own_name(text: str) -> str:
    if text == END:
        raise InvalidText(f"{END} is where a line ends; take another name.")
    return validation.step_name(text)


def menu_key(text: str) -> str:
    if len(text) != 1 or text not in "0123456789*":
        raise InvalidText(f"must be one of the keys 0 to 9 and *, not {validation.shown(text)}.")
    return text


StepName = Annotated[str, checked(own_name)]
Place = Annotated[str, checked(validation.step_name)]
"""Name of a step, or `end`."""
Time = Annotated[str, checked(validation.time_of_day)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Play(Section):
    message: Message
    answer: bool = True


class Ring(Section):
    extensions: Annotated[list[Key], Field(min_length=1, max_length=MOST_TARGETS)]
    seconds: Annotated[int, Field(ge=5, le=60)] = 30


class Forward(Section):
    to: Annotated[str, checked(key_or_number)]
    payer: Key | None = None
    seconds: Annotated[int, Field(ge=5, le=120)] = 30


class Gather(Section):
    keys: Annotated[dict[Annotated[str, checked(menu_key)], Place], Field(min_length=1)]
    none: Place | None = None
    seconds: Annotated[int, Field(ge=1, le=30)] = 5
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    message: Message | None = None


class Hours(Section):
    days: Annotated[list[Day], Field(min_length=1, max_length=len(WEEKDAYS))] = list(WEEKDAYS)
    begin: Time
    end: Time
    otherwise: Place

    @model_validator(mode="after")
    def a_while(self) -> Self:
        if self.begin == self.end:
            raise PydanticCustomError("out-of-range", "begin and end are the same; all day is 00:00 to 24:00.")
        if self.begin == "24:00":
            raise PydanticCustomError("out-of-range", "begin is the end of the day; write 00:00.")
        return self


class MissedCall(Section):
    extension: Key


class Step(Section):
    """`next` is where the call goes on after it: a step's name, or `end`; null: the step that follows."""

    name: StepName | None = None
    next: Place | None = None
    play: Play | None = None
    ring: Ring | None = None
    forward: Forward | None = None
    gather: Gather | None = None
    hours: Hours | None = None
    missed_call: MissedCall | None = None
    hang_up: bool = False

    @model_validator(mode="after")
    def one_thing(self) -> Self:
        """What it does, and where it leads, if it does not say that itself."""
        found = [kind for kind in KINDS if getattr(self, kind)]
        if len(found) != 1:
            raise PydanticCustomError(
                "incomplete",
                "must do exactly one thing, {kinds} or hang_up; it has {found}.",
                {"kinds": ", ".join(KINDS[:-1]), "found": " and ".join(found) or "none of them"},
            )
        if self.next is not None and (self.gather or self.hang_up):
            raise PydanticCustomError(
                "incomplete", "has next, and nothing comes after {kind}; take it out.", {"kind": found[0]}
            )
        return self


class VirtualLine(Section):
    key: Key
    label: Label
    steps: Annotated[list[Step], Field(min_length=1, max_length=MOST_STEPS)]
