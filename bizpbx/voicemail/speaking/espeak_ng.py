"""espeak-ng: speaks on this machine, without anything from outside."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from bizpbx.directory.sound import SoundSource
from bizpbx.errors import NotSpoken
from bizpbx.voicemail.speaking.languages import spoken
from bizpbx.voicemail.speech import Speech

PROGRAM: Final = "espeak-ng"

_VARIANTS: Final = {"female": "f2", "male": "m3"}
"""Its voices are men's, most of them; a variant makes a woman or another man of each."""
_WORDS: Final = 175
"""A minute: what the program itself takes for normal."""
_WORDS_STEP: Final = 15
_PITCH_STEP: Final = 10
"""Of 0 to 99; 50 is the voice as it is."""
_LONGEST: Final = 60.0
"""Seconds that the program may take; 450 characters take it a fraction of one."""

_VOICE = re.compile(r"^\s*\d+\s+(\S+)\s+\S+\s+\S+\s+(\S+)\s*(.*)$")
_OTHER = re.compile(r"\((\S+) (\d+)\)")


class _Voice(NamedTuple):
    """A line of `espeak-ng --voices`; `others`: languages that it does for, too, with the order of preference."""

    language: str
    file: str
    others: dict[str, int]


class EspeakNg:
    name = str(SoundSource.ESPEAK_NG)

    def check(self) -> str:
        version = self._run("--version").partition("Data at")[0].rpartition(":")[2].strip()
        if not self._variants or not self._voices:
            raise NotSpoken("espeak-ng has no voices; install it with all of its data.")
        return f"espeak-ng {version}, {len({voice.language for voice in self._voices})} languages"

    def voice(self, speech: Speech) -> str:
        variant = _VARIANTS[speech.gender]
        if variant not in self._variants:
            raise NotSpoken(f"this espeak-ng has no {speech.gender} voices; install it with all of its data.")
        language, region = spoken(speech.language)
        # A region without a voice of its own speaks as the language does elsewhere.
        found = self._best(f"{language}-{region.lower()}") if region else None
        found = found or self._best(language)
        if found is None:
            raise NotSpoken(f"espeak-ng has no voice for {speech.language}; `espeak-ng --voices` lists all.")
        return f"{found}+{variant}"

    def samples(self, speech: Speech, voice: str) -> tuple[Any, int]:
        import soundfile

        with tempfile.TemporaryDirectory(prefix="bizpbx-speech-") as folder:
            path = Path(folder) / "spoken.wav"
            options = (
                *("-v", voice, "-b", "1", "--stdin", "-w", str(path)),
                *("-p", str(speech.pitch * _PITCH_STEP), "-s", str(_WORDS + (speech.rate - 5) * _WORDS_STEP)),
            )
            # Two brackets begin phonemes, which are no words of the text.
            self._run(*options, text=speech.text.replace("[[", "[ ["))
            try:
                samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                raise NotSpoken("espeak-ng made no sound of it; is its disk full?") from None
        return samples[:, 0], int(rate)

    @cached_property
    def _voices(self) -> list[_Voice]:
        return [
            _Voice(found[1].lower(), found[2], {name.lower(): int(order) for name, order in _OTHER.findall(found[3])})
            for line in self._run("--voices").splitlines()
            if (found := _VOICE.match(line))
        ]

    @cached_property
    def _variants(self) -> frozenset[str]:
        lines = self._run("--voices=variant").splitlines()
        return frozenset(found[2].removeprefix("!v/") for line in lines if (found := _VOICE.match(line)))

    def _best(self, language: str) -> str | None:
        """The voice of this language, else that which does for it best."""
        # By its file: with the name of a language the variant is not looked at (1.51).
        own = next((voice.file for voice in self._voices if voice.language == language), None)
        others = [(voice.others[language], voice.file) for voice in self._voices if language in voice.others]
        return own or min(others, default=(0, None))[1]

    def _run(self, *options: str, text: str = "") -> str:
        program = shutil.which(PROGRAM)
        if program is None:
            raise NotSpoken("espeak-ng is not installed; install it, or have texts spoken by Polly (BIZPBX_TTS).")
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell; the text goes to its stdin
                [program, *options], input=text.encode(), capture_output=True, check=False, timeout=_LONGEST
            )
        except subprocess.TimeoutExpired:
            raise NotSpoken(f"espeak-ng did not come to an end within {_LONGEST:g} s; shorten the text.") from None
        except OSError as error:
            raise NotSpoken(f"espeak-ng cannot be started: {error.strerror}.") from None
        if done.returncode != 0:
            told = done.stderr.decode(errors="replace").strip().splitlines()
            raise NotSpoken(f"espeak-ng failed: {told[-1][:200] if told else f'exit {done.returncode}'}.")
        return done.stdout.decode(errors="replace")
