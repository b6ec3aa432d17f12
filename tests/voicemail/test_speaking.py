"""Texts become sound: by espeak-ng on this machine, and by Polly over HTTP."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from werkzeug.wrappers import Request, Response

from bizpbx.errors import NotSpoken
from bizpbx.voicemail.sounds import files, list_key, wave_key
from bizpbx.voicemail.speaking import Engine, StoredSpeaker
from bizpbx.voicemail.speaking.espeak_ng import EspeakNg
from bizpbx.voicemail.speaking.polly import Polly, ssml
from bizpbx.voicemail.speech import Speech
from bizpbx.voicemail.store.folder import FolderStore
from tests.voicemail.aws import Aws
from tests.voicemail.tones import frequency, read, tone

ACME = "acme.example"
ENGLISH = "Nobody is here at the moment. Please call again tomorrow."
CHINESE = "您好，现在没有人接听您的电话，请稍后再拨。"

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng on this machine")


def speech(text: str = ENGLISH, **changed: Any) -> Speech:
    return Speech(**({"language": "en", "pitch": 5, "rate": 5, "gender": "female", "text": text} | changed))


def spoken(engine: Engine, what: Speech, folder: Path) -> dict[int, Any]:
    """Samples by rate, as they come out of the store."""
    folder.mkdir(exist_ok=True)
    store = FolderStore(folder / "store")
    speaker = StoredSpeaker(engine, store)
    made = speaker.spoken(ACME, what)
    assert made.digest == speaker.planned(what).digest
    store.fetch(list_key(ACME, made.digest), folder / "list")
    found = {}
    for rate, sha256 in files((folder / "list").read_bytes()).items():
        store.fetch(wave_key(ACME, sha256), folder / "wave")
        samples, told = read(folder / "wave")
        assert told == rate
        assert abs(len(samples) / rate - made.milliseconds / 1000) < 0.1
        found[rate] = samples
    return found


def seconds(engine: Engine, what: Speech, folder: Path) -> float:
    return len(spoken(engine, what, folder)[8000]) / 8000


def voice_pitch(samples: Any, rate: int) -> float:
    """Hz of the voice: by the autocorrelation of its loudest half second."""
    window = rate // 2
    start = max(
        range(0, len(samples) - window, window // 4), key=lambda at: float(np.square(samples[at : at + window]).sum())
    )
    part = samples[start : start + window]
    around = np.correlate(part, part, "full")[window - 1 :]
    low, high = rate // 400, rate // 60
    return rate / (low + int(np.argmax(around[low:high])))


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text", "longest"),
    [("en", ENGLISH, 6.0), ("en-GB", ENGLISH, 6.0), ("zh", CHINESE, 9.0), ("zh-HK", CHINESE, 9.0)],
)
@pytest.mark.parametrize("gender", ["female", "male"])
def test_espeak_speaks_english_and_chinese(
    language: str, text: str, longest: float, gender: str, tmp_path: Path
) -> None:
    for samples in spoken(EspeakNg(), speech(text, language=language, gender=gender), tmp_path).values():
        assert 0.69 < float(np.abs(samples).max()) < 0.71
    assert 2.0 < len(samples) / 16000 < longest


@needs_espeak
def test_voices_differ_by_gender_pitch_and_rate(tmp_path: Path) -> None:
    def pitch(**changed: Any) -> float:
        return voice_pitch(spoken(EspeakNg(), speech(**changed), tmp_path)[16000], 16000)

    assert pitch(gender="male") < pitch(gender="female") * 0.8
    assert pitch(pitch=0) < pitch(pitch=5) * 0.95 < pitch(pitch=9)
    slow, normal, fast = (seconds(EspeakNg(), speech(rate=rate), tmp_path) for rate in (0, 5, 9))
    assert slow > normal * 1.3 and normal > fast * 1.15


@needs_espeak
@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "gmw/en"),
        ("en-US", "gmw/en-US"),
        ("en-SG", "gmw/en"),
        ("zh", "sit/cmn"),
        ("zh-TW", "sit/cmn"),
        ("zh-HK", "sit/yue"),
        ("no", "gmq/nb"),
        ("pt-BR", "roa/pt-BR"),
        ("fr", "roa/fr"),
        ("fr-CA", "roa/fr"),
    ],
)
def test_a_language_has_the_voice_that_fits_best(language: str, voice: str) -> None:
    assert EspeakNg().voice(speech(language=language)) == f"{voice}+f2"
    assert EspeakNg().voice(speech(language=language, gender="male")) == f"{voice}+m3"


@needs_espeak
def test_every_voice_is_a_woman_s_and_a_man_s(tmp_path: Path) -> None:
    engine = EspeakNg()
    languages = (
        "en",
        "en-GB",
        "en-US",
        "zh",
        "zh-HK",
        "ms",
        "ta",
        "vi",
        "de",
        "fr",
        "es",
        "ja",
        "ko",
        "th",
        "id",
        "pt",
    )
    for language in languages:
        voices = [engine.voice(speech(language=language, gender=gender)) for gender in ("female", "male")]
        first, second = (engine.samples(speech("1 2 3"), voice)[0] for voice in voices)
        assert len(first) != len(second) or bool((first != second).any()), language


@needs_espeak
def test_no_text_is_an_option_a_markup_or_a_phoneme(tmp_path: Path) -> None:
    plain = seconds(EspeakNg(), speech("hello"), tmp_path)
    for text in ("-w /tmp/x hello", "--help hello", "hello <break time='9s'/>", "[[h@l'oU]] hello", "hello $(sleep 9)"):
        # All of it is spoken, so that it takes longer than the one word.
        assert plain * 1.5 < seconds(EspeakNg(), speech(text), tmp_path) < plain * 15


@needs_espeak
@pytest.mark.parametrize(
    ("what", "words"),
    [
        (speech(language="xx"), "espeak-ng has no voice for xx"),
        (speech("..."), "nothing to be heard"),
    ],
)
def test_what_espeak_cannot_speak_is_refused_and_nothing_is_stored(what: Speech, words: str, tmp_path: Path) -> None:
    with pytest.raises(NotSpoken, match=words):
        spoken(EspeakNg(), what, tmp_path)
    assert not (tmp_path / "store").exists()


class Tireless:
    name = "espeak-ng"

    def check(self) -> str:
        return "tireless"

    def voice(self, speech: Speech) -> str:
        return "one"

    def samples(self, speech: Speech, voice: str) -> tuple[Any, int]:
        return tone(440.0, 301.0, 8_000), 8_000


def test_callers_are_not_kept_for_longer_than_five_minutes(tmp_path: Path) -> None:
    with pytest.raises(NotSpoken, match="it would take 301 s, and callers are kept 300 s; shorten it"):
        spoken(Tireless(), speech(), tmp_path)


def test_without_the_program_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSpoken, match="espeak-ng is not installed; install it"):
        EspeakNg().voice(speech())


@pytest.mark.parametrize(
    ("script", "words"),
    [("echo broken data >&2; exit 3", "espeak-ng failed: broken data."), ("exit 0", "no female voices")],
)
def test_a_program_that_fails_is_told(script: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSpoken, match=words):
        EspeakNg().voice(speech())


def says(sound: Any) -> Callable[[Request, Response], Response]:
    """An answer of Polly's with sound in it: moto has none."""
    pcm = (sound * 32767).astype("<i2").tobytes()

    def answer(request: Request, response: Response) -> Response:
        return Response(pcm, content_type="audio/pcm") if request.path == "/v1/speech" else response

    return answer


def asked(aws: Aws) -> dict[str, Any]:
    import json

    return dict(json.loads(aws.bodies[-1]))


def test_polly_speaks_and_is_asked_in_its_own_terms(aws: Aws, tmp_path: Path) -> None:
    aws.answer = says(tone(440.0, 1.5, 16_000))
    what = speech('Fish & chips <b>"now"</b>', pitch=9, rate=0)
    found = spoken(Polly(aws.url), what, tmp_path)
    assert [abs(frequency(samples, rate) - 440.0) < 2.0 for rate, samples in found.items()] == [True, True]
    request = asked(aws)
    assert request["Text"] == (
        '<speak><prosody rate="50%" pitch="+24%">Fish &amp; chips &lt;b&gt;"now"&lt;/b&gt;</prosody></speak>'
    )
    assert {name: request[name] for name in ("TextType", "OutputFormat", "SampleRate", "Engine")} == {
        "TextType": "ssml",
        "OutputFormat": "pcm",
        "SampleRate": "16000",
        "Engine": "standard",
    }


@pytest.mark.parametrize(
    ("language", "gender", "codes"),
    [
        ("en", "female", {"en-US"}),
        ("en-GB", "male", {"en-GB"}),
        ("en-SG", "female", {"en-US"}),
        ("zh", "female", {"cmn-CN"}),
        ("zh-HK", "female", {"yue-CN"}),
        ("de", "male", {"de-DE"}),
    ],
)
def test_polly_s_voice_is_of_the_language_and_gender(language: str, gender: str, codes: set[str], aws: Aws) -> None:
    from moto.polly.resources import VOICE_DATA

    name, _, engine = Polly(aws.url).voice(speech(language=language, gender=gender)).partition("/")
    voice = next(one for one in VOICE_DATA if one["Id"] == name)
    assert voice["LanguageCode"] in codes
    assert voice["Gender"].lower() == gender
    assert engine in voice["SupportedEngines"]


def test_pitch_is_refused_where_polly_has_a_neural_voice_alone(aws: Aws) -> None:
    finnish = {"language": "fi", "gender": "female"}
    assert Polly(aws.url).voice(speech(**finnish)).endswith("/neural")
    assert "pitch" not in ssml(speech(**finnish), "neural")
    with pytest.raises(NotSpoken, match="female voice for fi cannot be changed; set pitch to 5"):
        Polly(aws.url).voice(speech(pitch=6, **finnish))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"language": "sw"}, "no female voice for sw; take another language"),
        ({"language": "fi", "gender": "male"}, "no male voice for fi; take the other gender"),
    ],
)
def test_a_voice_that_polly_does_not_have_is_refused(changed: dict[str, str], words: str, aws: Aws) -> None:
    with pytest.raises(NotSpoken, match=words):
        Polly(aws.url).voice(speech(**changed))


def test_a_polly_that_refuses_or_is_away_or_says_nothing_is_told(aws: Aws, tmp_path: Path) -> None:
    with pytest.raises(NotSpoken, match="nothing to be heard"):
        spoken(Polly(aws.url), speech(), tmp_path)
    aws.refuse = 99
    with pytest.raises(NotSpoken, match="Polly refuses: 503"):
        Polly(aws.url).voice(speech())
    with pytest.raises(NotSpoken, match="Polly cannot be used: Could not connect"):
        Polly("http://127.0.0.1:9").voice(speech())


def test_without_credentials_or_region_polly_says_so(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NotSpoken, match="Polly cannot be used: You must specify a region"):
        Polly(aws.url).voice(speech())
    # `doctor` asks a Polly of AWS itself.
    with pytest.raises(NotSpoken, match="Polly cannot be used: You must specify a region"):
        Polly().check()
