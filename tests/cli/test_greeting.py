"""`bizpbx greeting`: what callers hear is set, told and taken away; what cannot be heard is refused in a sentence."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from bizpbx.errors import StoreError
from bizpbx.voicemail.store.folder import FolderStore
from tests.cli.test_commands import Done, Run, acme, answer, bizpbx
from tests.settings.samples import example
from tests.voicemail.aws import Aws
from tests.voicemail.conftest import aws
from tests.voicemail.test_speaking import says
from tests.voicemail.tones import encoded, tone

__all__ = ["acme", "aws", "bizpbx"]

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng on this machine")

TEXT = "Nobody is here. Please leave a message."
OTHER = "other.example"
NOTHING = {
    "action": "hang_up",
    "played": False,
    "message": None,
    "sound": None,
    "source": None,
    "seconds": None,
    "rates": [],
    "made_at": None,
    "used_by": [],
    "file": None,
}


@pytest.fixture
def mp3(tmp_path: Path) -> tuple[Path, str]:
    """A file, and its id."""
    data = encoded(tone(440.0, 1.5))
    path = tmp_path / "closed.mp3"
    path.write_bytes(data)
    return path, f"sha256:{hashlib.sha256(data).hexdigest()}"


def told(acme: Run, key: str = "101") -> dict[str, Any]:
    found: dict[str, Any] = answer(acme("greeting", "play-info", key, "--json"))
    return found


def changed(done: Done) -> list[tuple[str, Any, Any]]:
    return [(one["field"], one["before"], one["after"]) for one in answer(done)["changes"]]


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "home" / "store").rglob("*") if path.is_file()]


@needs_espeak
def test_a_text_is_set_told_changed_and_removed(acme: Run) -> None:
    assert told(acme) == {"extension": "101", **NOTHING}
    acme("greeting", "set", "101", "--text", TEXT, "--gender", "male", "--actor", "ann")
    found = told(acme)
    voice = {"language": "en", "pitch": 5, "rate": 5, "gender": "male"}
    assert found["message"] == {"tts": voice | {"text": TEXT}}
    assert (found["source"], found["rates"], found["used_by"]) == ("espeak-ng", [8000, 16000], ["extension 101"])
    assert 1.5 < found["seconds"] < 5.0
    # Another voice for the text that is there.
    assert changed(acme("greeting", "set", "101", "--rate", "0", "--json")) == [("no_answer.message.tts.rate", 5, 0)]
    assert told(acme)["seconds"] > found["seconds"]
    assert told(acme)["sound"] != found["sound"]
    assert "nothing to change" in acme("greeting", "set", "101", "--rate", "0").stdout
    assert "no_answer.message" in acme("greeting", "remove", "101").stdout
    assert told(acme) == {"extension": "101", **NOTHING}
    trail = answer(acme("audit", "list", "--noun", "extension", "--json"))
    assert ("ann", "101", "no_answer.message.tts.text", TEXT) in [
        (row["actor"], row["name"], row["field"], row["after"]) for row in trail
    ]


@needs_espeak
def test_the_language_is_that_of_the_organisation_unless_told(acme: Run) -> None:
    acme("organisation", "set", "language=zh")
    acme("greeting", "set", "101", "--text", "现在没有人接听您的电话。")
    assert told(acme)["message"]["tts"]["language"] == "zh"


def test_a_file_is_uploaded_used_twice_and_kept_when_it_is_taken_away(
    acme: Run, mp3: tuple[Path, str], tmp_path: Path
) -> None:
    path, sound = mp3
    assert acme("greeting", "upload", str(path)).stdout == f"{sound}\n"
    assert "sha256" in acme("greeting", "upload", str(path)).stdout
    (row,) = answer(acme("greeting", "list", "--json"))
    assert (row["sound"], row["source"], row["seconds"], row["used_by"]) == (sound, "mp3", 1.5, [])
    acme("greeting", "set", "101", "--sound", sound)
    set_by_file = acme("greeting", "set", "102", "--mp3", str(path), "--json")
    assert ("no_answer.message.audio", None, sound) in changed(set_by_file)
    assert told(acme)["used_by"] == ["extension 101", "extension 102"]
    acme("greeting", "remove", "101")
    acme("greeting", "remove", "102")
    assert answer(acme("greeting", "list", "--json"))[0]["used_by"] == []
    # One line of the audit trail for the sound, however often it was uploaded.
    trail = answer(acme("audit", "list", "--noun", "sound", "--json"))
    assert [(one["name"], one["after"]["source"]) for one in trail] == [(sound, "mp3")]
    assert len(stored(tmp_path)) == 3


def test_a_dry_run_leaves_no_trace(acme: Run, mp3: tuple[Path, str], tmp_path: Path) -> None:
    path, sound = mp3
    assert answer(acme("greeting", "set", "101", "--mp3", str(path), "--dry-run", "--json"))["dry_run"]
    assert acme("greeting", "upload", str(path), "--dry-run") == Done(f"{sound}\n", "dry run: nothing was changed\n")
    assert (told(acme)["sound"], answer(acme("greeting", "list", "--json")), stored(tmp_path)) == (None, [], [])


PITCH, RATE = "no_answer.message.tts.pitch", "no_answer.message.tts.rate"
SAY = ("greeting", "set", "101", "--text", "x")
SET = ("extension", "set", "101")
BOUNDS = {
    "451 characters": ((*SAY[:-1], "x" * 451), "is 451 characters long; at most 450 are allowed."),
    "pitch 10": ((*SAY, "--pitch", "10"), f"{PITCH}: must be 9 or less, not 10."),
    "rate -1": ((*SAY, "--rate", "-1"), f"{RATE}: must be 0 or more, not -1."),
    "wait 4": ((*SET, "no_answer.wait=4"), "no_answer.wait: must be 5 or more, not 4."),
    "wait 61": ((*SET, "no_answer.wait=61"), "no_answer.wait: must be 60 or less, not 61."),
    "no gender": ((*SAY, "--gender", "it"), "must be 'female' or 'male', not 'it'."),
}


@pytest.mark.parametrize(("command", "sentence"), BOUNDS.values(), ids=BOUNDS)
def test_what_is_out_of_bounds_is_refused_in_a_sentence_and_nothing_is_changed(
    acme: Run, command: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    assert sentence in acme(*command, code=1).stderr
    assert (told(acme)["message"], stored(tmp_path)) == (None, [])


@needs_espeak
def test_450_characters_are_spoken(acme: Run) -> None:
    text = ("Please call again tomorrow. " * 17)[:449] + "."
    assert len(text) == 450
    acme("greeting", "set", "101", "--text", text)
    assert told(acme)["seconds"] > 15


REFUSED = {
    "a text that is named .mp3": (["--mp3", "text.mp3"], "no MP3 file, whatever its name says", "not-playable"),
    "no file": (["--mp3", "none.mp3"], "Cannot read none.mp3", "refused"),
    "a language without a voice": (["--text", "x", "--language", "xx"], "has no voice for xx", "not-spoken"),
    "a sound that is nobody's": (["--sound", "sha256:" + "0" * 64], "is no sound of this organisation", "unknown"),
    "no id": (["--sound", "../../etc/passwd"], "must be sha256: and 64 hex digits", "invalid-text"),
    "two at once": (["--mp3", "text.mp3", "--text", "x"], "Give one of --text, --mp3 and --sound", "refused"),
    "a voice for a file": (["--mp3", "text.mp3", "--pitch", "3"], "only a text has a voice", "refused"),
    "nothing": ([], "Say what 101 is to say", "refused"),
}


@needs_espeak
@pytest.mark.parametrize(("options", "words", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_greeting_is_refused_in_a_sentence(
    acme: Run, options: list[str], words: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "text.mp3").write_text("This is a text.\n" * 100)
    done = acme("greeting", "set", "101", *options, "--json", code=1)
    assert words in done.stderr and code in done.stdout
    assert told(acme)["message"] is None


def test_without_an_engine_a_text_is_refused_at_once(acme: Run, tmp_path: Path) -> None:
    done = acme("greeting", "set", "101", "--text", TEXT, code=1, PATH=str(tmp_path))
    assert "no_answer.message.tts: espeak-ng is not installed; install it" in done.stderr
    assert told(acme)["message"] is None


def test_who_has_no_greeting_is_told(acme: Run) -> None:
    assert "There is no extension '199'" in acme("greeting", "play-info", "199", code=1).stderr
    assert "103 is a call-centre extension" in acme("greeting", "set", "103", "--text", "x", code=1).stderr


def test_polly_speaks_where_it_is_asked_to(acme: Run, aws: Aws) -> None:
    aws.answer = says(tone(440.0, 1.2, 16_000))
    polly = {"BIZPBX_TTS": "polly", "BIZPBX_POLLY_ENDPOINT": aws.url}
    acme("greeting", "set", "101", "--text", TEXT, **polly)
    assert (told(acme)["source"], told(acme)["seconds"]) == ("polly", pytest.approx(1.2, abs=0.1))
    spoken = len(aws.bodies)
    # Said again it costs nothing, also of another extension and after it was taken away.
    acme("greeting", "set", "102", "--text", TEXT, **polly)
    acme("greeting", "remove", "101")
    acme("greeting", "remove", "102")
    acme("greeting", "set", "101", "--text", TEXT, **polly)
    assert len(aws.bodies) == spoken
    done = acme("greeting", "set", "101", "--text", "x", "--language", "fi", "--pitch", "9", code=1, **polly)
    assert "cannot be changed; set pitch to 5. [not-spoken]" in done.stderr


@needs_espeak
def test_an_export_is_applied_where_the_sounds_are_and_refused_where_they_are_not(
    acme: Run, mp3: tuple[Path, str], tmp_path: Path
) -> None:
    path, sound = mp3
    acme("greeting", "set", "101", "--mp3", str(path))
    acme("greeting", "set", "102", "--text", TEXT)
    exported = acme("export").stdout
    assert "nothing to change" in acme("apply", "-", text=exported).stdout
    acme("greeting", "remove", "101")
    acme("greeting", "remove", "102")
    acme("apply", "-", text=exported)
    assert (told(acme, "101")["sound"], told(acme, "102")["message"]["tts"]["text"]) == (sound, TEXT)

    # Another installation has neither: the text is spoken there, and the file has to be uploaded.
    other = {"BIZPBX_HOME": str(tmp_path / "elsewhere")}
    acme("init", **other)
    data = yaml.safe_load(exported)
    data["gateways"][0]["password"] = "s3cret!"
    done = acme("apply", "-", "--json", text=yaml.safe_dump(data), code=1, **other)
    (problem,) = json.loads(done.stdout)["error"]["problems"]
    assert problem["path"] == "extensions[1].no_answer.message.audio"
    assert "upload one with `bizpbx greeting upload`" in problem["message"]
    acme("apply", "-", text=yaml.safe_dump(example()), **other)
    acme("greeting", "upload", str(path), **other)
    acme("apply", "-", text=yaml.safe_dump(data), **other)


def test_organisations_have_their_own_sounds(acme: Run, mp3: tuple[Path, str]) -> None:
    path, sound = mp3
    acme("apply", "-", text=yaml.safe_dump(example(OTHER, "+6564291399")))
    acme("greeting", "upload", str(path), "--organisation", "acme.example")
    assert answer(acme("greeting", "list", "--organisation", OTHER, "--json")) == []
    refused = acme("greeting", "set", "101", "--sound", sound, "--organisation", OTHER, code=1)
    assert "is no sound of this organisation" in refused.stderr


def deleted(done: Done) -> list[str]:
    found: list[str] = answer(done)["deleted"]
    return found


def test_a_sound_that_is_used_stays_and_one_that_is_not_is_deleted_from_the_store_too(
    acme: Run, mp3: tuple[Path, str], tmp_path: Path
) -> None:
    path, sound = mp3
    acme("greeting", "set", "101", "--mp3", str(path))
    done = acme("greeting", "delete", sound, code=1)
    assert "is used by extension 101; give that another message first." in done.stderr
    assert deleted(acme("greeting", "delete", "--unused", "--json")) == []
    acme("greeting", "remove", "101")
    assert deleted(acme("greeting", "delete", "--unused", "--dry-run", "--json")) == [sound]
    assert len(stored(tmp_path)) == 3
    assert f"sound {sound}: removed" in acme("greeting", "delete", sound, "--actor", "ann").stdout
    assert (stored(tmp_path), answer(acme("greeting", "list", "--json"))) == ([], [])
    trail = answer(acme("audit", "list", "--noun", "sound", "--json"))
    assert ("ann", sound, None) in [(row["actor"], row["name"], row["after"]) for row in trail]
    assert acme("greeting", "delete", sound, code=1).stderr.endswith("[not-found]\n")
    # It can be had again.
    acme("greeting", "set", "101", "--mp3", str(path))
    assert (told(acme)["sound"], len(stored(tmp_path))) == (sound, 3)


def test_files_that_another_sound_has_too_are_not_deleted(acme: Run, tmp_path: Path) -> None:
    data = encoded(tone(440.0, 1.5))
    # Two files that sound alike: what is made of them is the same.
    for name, more in (("one.mp3", b""), ("two.mp3", b"TAG" + bytes(125))):
        (tmp_path / name).write_bytes(data + more)
        acme("greeting", "set", "101" if name == "one.mp3" else "102", "--mp3", name)
    assert len(stored(tmp_path)) == 4
    acme("greeting", "remove", "101")
    assert len(deleted(acme("greeting", "delete", "--unused", "--json"))) == 1
    assert "the store has all of 1 sounds" in acme("greeting", "check").stdout


def test_a_store_that_is_away_leaves_files_that_can_be_deleted_later(
    acme: Run, mp3: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sound = mp3
    acme("greeting", "upload", str(path))

    def away(store: FolderStore, key: str) -> None:
        raise StoreError(f"{store} is away.")

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "delete", away)
        done = acme("greeting", "delete", "--unused", code=1)
    assert f"`bizpbx greeting delete {sound}` erases its files later" in done.stderr
    assert (len(stored(tmp_path)), answer(acme("greeting", "list", "--json"))) == (3, [])
    assert "Its files are erased." in acme("greeting", "delete", sound).stdout
    assert stored(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Give the ID of a sound, or --unused"),
        (["sha256:" + "0" * 64, "--unused"], "Give the ID of a sound, or --unused"),
        (["../../etc/passwd"], "ID: must be sha256: and 64 hex digits"),
        (["sha256:" + "0" * 64], "[not-found]"),
    ],
)
def test_what_cannot_be_deleted_is_refused_in_a_sentence(
    acme: Run, options: list[str], words: str, mp3: tuple[Path, str]
) -> None:
    acme("greeting", "upload", str(mp3[0]))
    assert words in acme("greeting", "delete", *options, code=1).stderr


@needs_espeak
@pytest.mark.parametrize("harm", ["list", "wave", "other wave", "damaged list"])
def test_a_sound_that_is_lost_in_the_store_is_found_and_spoken_anew(acme: Run, harm: str, tmp_path: Path) -> None:
    acme("greeting", "set", "101", "--text", TEXT)
    before = told(acme)
    assert answer(acme("greeting", "check", "--json")) == []
    listed, wave = (next(one for one in stored(tmp_path) if one.suffix == end) for end in (".json", ".wav"))
    if harm in ("list", "wave"):
        (listed if harm == "list" else wave).unlink()
    else:
        (wave if harm == "other wave" else listed).write_bytes(b"something else")
    (row,) = answer(acme("greeting", "check", "--json", code=1))
    assert (row["sound"], row["used_by"], row["repaired"]) == (before["sound"], ["extension 101"], False)
    assert "--repair` speaks it anew" in row["advice"]
    assert [row["repaired"] for row in answer(acme("greeting", "check", "--repair", "--json"))] == [True]
    assert "the store has all of 1 sounds" in acme("greeting", "check").stdout
    assert told(acme) == before


@needs_espeak
def test_what_another_engine_had_spoken_is_spoken_by_the_engine_of_today(acme: Run, aws: Aws, tmp_path: Path) -> None:
    aws.answer = says(tone(440.0, 1.2, 16_000))
    acme("greeting", "set", "101", "--text", TEXT, BIZPBX_TTS="polly", BIZPBX_POLLY_ENDPOINT=aws.url)
    lost = told(acme)["sound"]
    for path in stored(tmp_path):
        path.unlink()
    assert answer(acme("greeting", "check", "--repair", "--json"))[0]["repaired"]
    found = told(acme)
    assert (found["source"], found["message"]["tts"]["text"]) == ("espeak-ng", TEXT)
    assert [row["sound"] for row in answer(acme("greeting", "list", "--json"))] == [found["sound"]] != [lost]
    assert answer(acme("greeting", "check", "--json")) == []
    trail = answer(acme("audit", "list", "--noun", "sound", "--json"))
    assert (lost, "replaced_by", found["sound"]) in [(row["name"], row["field"], row["after"]) for row in trail]


def test_a_file_that_is_lost_has_to_be_uploaded_again(acme: Run, mp3: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = mp3
    acme("greeting", "set", "101", "--mp3", str(path))
    stored(tmp_path)[0].unlink()
    assert "upload its file again with `bizpbx greeting upload`" in acme("greeting", "check", "--repair", code=1).stdout
    acme("greeting", "upload", str(path))
    assert "the store has all of 1 sounds" in acme("greeting", "check").stdout
