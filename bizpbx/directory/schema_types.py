"""What the sections of the settings file are made of: texts as the one validator takes them, and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bizpbx import validation
from bizpbx.directory import passcodes
from bizpbx.directory.secrets import STORED
from bizpbx.errors import InvalidText
from bizpbx.metering.money import is_amount


def checked(check: Callable[[str], str]) -> AfterValidator:
    """The one validator's verdict, as pydantic collects it."""

    def verdict(text: str) -> str:
        try:
            return check(text)
        except InvalidText as refused:
            raise PydanticCustomError("invalid-text", "{sentence}", {"sentence": refused.sentence}) from None

    return AfterValidator(verdict)


def key_or_number(text: str) -> str:
    """A caller on the VIP list: an extension's key or a public number."""
    return validation.e164(text) if text.startswith("+") else validation.extension_key(text)


def digits_or_nothing(text: str) -> str:
    return validation.digits(text) if text else text


def stored_or_password(text: str) -> str:
    return text if text == STORED else validation.sip_password(text)


def stored_or_passcode(text: str) -> str:
    return text if text == passcodes.STORED else validation.passcode(text)


def stored_or_pin(text: str) -> str:
    return text if text == passcodes.STORED_PIN else validation.passcode(text)


Label = Annotated[str, checked(validation.label)]
Domain = Annotated[str, checked(validation.domain)]
Host = Annotated[str, checked(validation.host)]
Email = Annotated[str, checked(validation.email)]
Key = Annotated[str, checked(validation.extension_key)]
E164 = Annotated[str, checked(validation.e164)]
GatewayName = Annotated[str, checked(validation.gateway_name)]
Country = Annotated[str, checked(validation.country)]
Destination = Annotated[str, checked(validation.destination)]
Language = Annotated[str, checked(validation.language)]
Digits = Annotated[str, checked(validation.digits)]
Amount = Annotated[str, checked(is_amount)]
"""In the major unit of the organisation's currency, which is known once the file is compared."""


class Section(BaseModel):
    """Unknown fields are refused, and a type is what it says: the text 100 is not the number 100."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Speech(Section):
    """A text that is spoken. 5 is as the voice is; 0 the lowest or slowest, 9 the highest or fastest."""

    language: Language
    pitch: Annotated[int, Field(ge=0, le=9)] = 5
    rate: Annotated[int, Field(ge=0, le=9)] = 5
    gender: Literal["female", "male"] = "female"
    text: Annotated[str, checked(validation.message)]


class Message(Section):
    """What callers hear: a text, or a sound that was uploaded."""

    tts: Speech | None = None
    audio: Annotated[str, checked(validation.sound)] | None = None

    @model_validator(mode="after")
    def one_of_two(self) -> Self:
        if (self.tts is None) == (self.audio is None):
            raise PydanticCustomError("incomplete", "must have either tts or audio; write one of the two.")
        return self
