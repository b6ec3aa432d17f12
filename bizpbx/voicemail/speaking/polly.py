"""Amazon Polly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final
from xml.sax.saxutils import escape

from bizpbx.directory.sound import SoundSource
from bizpbx.errors import NotSpoken
from bizpbx.voicemail import aws
from bizpbx.voicemail.speaking.languages import spoken
from bizpbx.voicemail.speech import Speech

STANDARD, NEURAL = "standard", "neural"

RATE: Final = 16_000
"""The most that Polly has as PCM."""
TRIES: Final = 3

_HOME: Final = {"en": "en-US", "cmn": "cmn-CN", "yue": "yue-CN", "ar": "arb"}
"""Of a language without a region: the voice that is taken, where it is not that of `xx-XX`."""
_PITCH_STEP: Final = 6
"""Per cent. Polly takes -33.3 to +50."""
_RATE_STEP: Final = 10
"""Per cent. Polly takes 20 to 200."""


class Polly:
    name = str(SoundSource.POLLY)

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def voice(self, speech: Speech) -> str:
        """`<voice>/<engine>`. The standard engine where the voice has it: it alone changes the pitch."""
        found = self._of_language(speech)
        if not found:
            language, _ = spoken(speech.language)
            others = any(voice["LanguageCode"].partition("-")[0] == language for voice in self._voices)
            advice = "take the other gender" if others else "take another language"
            raise NotSpoken(f"Polly has no {speech.gender} voice for {speech.language}; {advice}.")
        standard = [voice for voice in found if STANDARD in voice["SupportedEngines"]]
        if standard:
            return f"{standard[0]['Id']}/{STANDARD}"
        if speech.pitch != 5:
            raise NotSpoken(
                f"the pitch of Polly's {speech.gender} voice for {speech.language} cannot be changed; set pitch to 5."
            )
        engines = found[0]["SupportedEngines"]
        return f"{found[0]['Id']}/{NEURAL if NEURAL in engines else engines[0]}"

    def samples(self, speech: Speech, voice: str) -> tuple[Any, int]:
        import numpy as np

        name, _, engine = voice.partition("/")
        with self._told():
            answer = self._client.synthesize_speech(
                Engine=engine,
                VoiceId=name,
                OutputFormat="pcm",
                SampleRate=str(RATE),
                TextType="ssml",
                Text=ssml(speech, engine),
            )
            pcm = answer["AudioStream"].read()
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
        return samples.astype(np.float32) / 32768, RATE

    def check(self) -> str:
        voices = len(self._voices)
        return f"Polly at {self._endpoint or self._client.meta.region_name}, {voices} voices"

    def _of_language(self, speech: Speech) -> list[dict[str, Any]]:
        """Voices of the gender: those of the region, else those of the region that the language is at home in, else
        those of another."""
        language, region = spoken(speech.language)
        mine = [voice for voice in self._voices if voice["Gender"].lower() == speech.gender]
        home = _HOME.get(language, f"{language}-{language.upper()}")
        for code in (f"{language}-{region}", home):
            if found := [voice for voice in mine if voice["LanguageCode"] == code]:
                return found
        elsewhere = [voice for voice in mine if voice["LanguageCode"].partition("-")[0] == language]
        return [voice for voice in elsewhere if voice["LanguageCode"] == elsewhere[0]["LanguageCode"]]

    @cached_property
    def _client(self) -> Any:
        return aws.client("polly", self._endpoint, TRIES)

    @cached_property
    def _voices(self) -> list[dict[str, Any]]:
        """In one order, whatever order they come in."""
        found: list[dict[str, Any]] = []
        with self._told():
            more: dict[str, str] = {}
            while True:
                answer = self._client.describe_voices(**more)
                found += answer["Voices"]
                if not answer.get("NextToken"):
                    break
                more = {"NextToken": answer["NextToken"]}
        return sorted(found, key=lambda voice: (voice["LanguageCode"], voice["Id"]))

    @contextmanager
    def _told(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            raise NotSpoken(f"Polly refuses: {aws.words(error)[:300]}.") from None
        except BotoCoreError as error:
            raise NotSpoken(f"Polly cannot be used: {str(error).rstrip('.')[:300]}.") from None


def ssml(speech: Speech, engine: str) -> str:
    """The text as Polly reads it: what is markup in it is words."""
    pitch = f' pitch="{(speech.pitch - 5) * _PITCH_STEP:+d}%"' if engine == STANDARD else ""
    rate = 100 + (speech.rate - 5) * _RATE_STEP
    return f'<speak><prosody rate="{rate}%"{pitch}>{escape(speech.text)}</prosody></speak>'
