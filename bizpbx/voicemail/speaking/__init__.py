"""What speaks messages: an engine that makes sound of a text, and the store that the sound is put into."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from bizpbx.errors import NotSpoken
from bizpbx.voicemail.speech import Made, Speech

if TYPE_CHECKING:
    from bizpbx.config import Config
    from bizpbx.voicemail.store import Store


class Engine(Protocol):
    """Has voices, and speaks with them."""

    @property
    def name(self) -> str:
        """One of SoundSource."""

    def check(self) -> str:
        """What it is, in a few words. Raises NotSpoken if it cannot be used."""

    def voice(self, speech: Speech) -> str:
        """The name of the voice that this is spoken with. Raises NotSpoken if it has none that can."""

    def samples(self, speech: Speech, voice: str) -> tuple[Any, int]:
        """Mono samples of -1 to 1, and how many a second. Raises NotSpoken."""


class StoredSpeaker:
    """Implements `bizpbx.voicemail.speech.Speaker`."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store

    def planned(self, speech: Speech) -> Made:
        return Made(digest(self._engine.name, self._engine.voice(speech), speech), self._engine.name, 0)

    def spoken(self, domain: str, speech: Speech) -> Made:
        # They take longer to import than most commands run.
        from bizpbx.voicemail import sounds
        from bizpbx.voicemail.transcoding import LONGEST, Inaudible, transcoded

        voice = self._engine.voice(speech)
        samples, rate = self._engine.samples(speech, voice)
        if len(samples) > LONGEST * rate:
            raise NotSpoken(f"it would take {len(samples) // rate} s, and callers are kept {LONGEST} s; shorten it.")
        try:
            made = transcoded(samples, rate)
        except Inaudible:
            raise NotSpoken("there is nothing to be heard of it; write words of its language.") from None
        name = digest(self._engine.name, voice, speech)
        sounds.put(self._store, domain, name, made.waves)
        return Made(name, self._engine.name, made.milliseconds)


def digest(engine: str, voice: str, speech: Speech) -> str:
    """Names the sound of a text: SHA-256 of all that shapes it."""
    return hashlib.sha256(json.dumps([engine, voice, speech.fields()], sort_keys=True).encode()).hexdigest()


def engine_of(config: Config) -> Engine:
    """The engine of the environment."""
    if config.tts == "polly":
        from bizpbx.voicemail.speaking.polly import Polly

        return Polly(config.polly_endpoint or None)
    from bizpbx.voicemail.speaking.espeak_ng import EspeakNg

    return EspeakNg()


def speaker_of(config: Config) -> StoredSpeaker:
    """What speaks in this installation. Raises ConfigurationError for a store that is none."""
    from bizpbx.voicemail.store import store_of

    return StoredSpeaker(engine_of(config), store_of(config))
