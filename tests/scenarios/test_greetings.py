"""The greeting of an extension, as callers hear it: spoken texts and uploaded files, before each no-answer action."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest

from bizpbx.testbed.world import SAMPLE_RATE, CallResult, Speech, TestbedError
from tests.mail.server import MailServer
from tests.scenarios.conftest import ACME, BRAVO, Scene, until
from tests.scenarios.test_no_answer import ANN, AT_ONCE, attached, hang_up_when_all_is_said, loudness, mails, post
from tests.voicemail.tones import encoded, frequency, tone

__all__ = ["post"]

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng on this machine")

TEXTS = {
    "en": "Nobody is here at the moment. Please call again tomorrow.",
    "zh": "您好，现在没有人接听您的电话，请稍后再拨。",
}
BEEP = 1000.0


def no_answer(scene: Scene, action: str, *more: str) -> None:
    scene.set("extension", "101", f"no_answer.action={action}", "no_answer.wait=5", f"no_answer.emails={ANN}", *more)


def greet(scene: Scene, *options: str, key: str = "101") -> dict[str, Any]:
    """Set a greeting as an admin would, and wait until it is beside the switch; returns what `play-info` tells."""
    found: dict[str, Any] = {"file": None}
    scene.installation.bizpbx("greeting", "set", key, *options, "--organisation", ACME)

    def beside_the_switch() -> bool:
        printed = scene.installation.bizpbx("greeting", "play-info", key, "--organisation", ACME, "--json")
        found.update(json.loads(printed))
        return found["file"] is not None

    until(beside_the_switch)
    return found


def call(scene: Scene, hangup_after: float = 60.0, says: Speech | None = None) -> tuple[CallResult, Any]:
    """Call 101 from outside, and hang up when all is said; returns the result and what the caller heard."""
    caller = scene.carrier.caller("+6591112222", display_name="Ann Lee")
    placed = scene.installation.world.place(caller, "+6564291311", hangup_after=hangup_after, says=says, listens=True)
    if says is not None:
        hang_up_when_all_is_said(placed)
    return placed.result(90.0), np.array(placed.heard(), dtype=np.int32)


def loud(heard: Any) -> Any:
    """What was heard, without the silence round it."""
    windows = np.flatnonzero(loudness(heard) > 150)
    assert len(windows), "nothing was heard"
    return heard[windows[0] * 160 : (windows[-1] + 1) * 160]


def seconds(samples: Any) -> float:
    return len(samples) / SAMPLE_RATE


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP3 file: two seconds of 620 Hz, in stereo at 44.1 kHz."""
    path = tmp_path_factory.mktemp("upload") / "closed.mp3"
    sound = tone(620.0, 2.0)
    path.write_bytes(encoded(np.stack([sound, sound], axis=1)))
    return path


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.thorough)])
def test_a_text_is_heard_before_the_call_ends_as_a_missed_call(scene: Scene, post: MailServer, language: str) -> None:
    no_answer(scene, "missed_call", AT_ONCE)
    info = greet(scene, "--text", TEXTS[language], "--language", language)
    result, heard = call(scene)
    # Nobody pays for it: the message is early media, and the final code is what it would be without.
    assert (result.code, 183 in result.provisional) == (486, True)
    assert 2.0 < info["seconds"] < 8.0
    assert abs(seconds(loud(heard)) - info["seconds"]) < 0.4
    # As loud as the announcements: speech, at a level that can be understood.
    assert 1000 < float(np.sqrt(np.mean(np.square(loud(heard).astype(np.float64))))) < 8000
    assert mails(post, 1)[0]["Subject"] == "Missed call for 101 from Ann Lee (+6591112222)"


@pytest.mark.thorough
def test_an_uploaded_file_is_heard_after_the_ring_and_before_the_hang_up(scene: Scene, upload: Path) -> None:
    no_answer(scene, "hang_up")
    info = greet(scene, "--mp3", str(upload))
    assert (info["source"], round(info["seconds"], 0)) == ("mp3", 2.0)
    result, heard = call(scene)
    assert result.code == 480
    assert scene.rang() == {"101-ip_phone"}
    assert abs(frequency(loud(heard), SAMPLE_RATE) - 620.0) < 3.0
    assert abs(seconds(loud(heard)) - 2.0) < 0.2


@pytest.mark.thorough
def test_a_voicemail_has_the_greeting_in_place_of_the_announcement(
    scene: Scene, upload: Path, post: MailServer
) -> None:
    no_answer(scene, "voicemail", AT_ONCE)
    greet(scene, "--mp3", str(upload))
    result, heard = call(scene, says=Speech(440.0, 2.0))
    assert result.answered
    greeting, beep = loud(heard)[: 2 * SAMPLE_RATE], loud(heard)[-SAMPLE_RATE // 4 :]
    assert abs(frequency(greeting, SAMPLE_RATE) - 620.0) < 3.0
    assert abs(frequency(beep, SAMPLE_RATE) - BEEP) < 15.0
    assert seconds(loud(heard)) < 3.2
    _, hertz, length = attached(mails(post, 1)[0])
    assert abs(hertz - 440.0) < 5.0 and abs(length - 2.0) < 0.3


@pytest.mark.thorough
def test_nothing_is_played_before_a_forward(scene: Scene, upload: Path) -> None:
    scene.set("extension", "101", "no_answer.action=forward", "no_answer.wait=5", "no_answer.number=+6598765432")
    assert greet(scene, "--mp3", str(upload))["played"] is False
    result, heard = call(scene, hangup_after=1.0)
    assert result.answered
    assert [one.to_user for one in scene.carrier.incoming] == ["+6598765432"]
    assert len(heard) == 0 or abs(frequency(heard, SAMPLE_RATE) - 620.0) > 20.0


def test_the_next_call_hears_a_greeting_that_was_changed_and_none_that_was_removed(scene: Scene, upload: Path) -> None:
    no_answer(scene, "hang_up", AT_ONCE)
    first = greet(scene, "--mp3", str(upload))
    second = greet(scene, "--text", TEXTS["en"])
    assert first["sound"] != second["sound"]
    _, heard = call(scene)
    assert abs(seconds(loud(heard)) - second["seconds"]) < 0.4
    assert abs(frequency(loud(heard), SAMPLE_RATE) - 620.0) > 20.0
    scene.installation.bizpbx("greeting", "remove", "101", "--organisation", ACME)
    result, heard = call(scene)
    assert (result.code, len(heard)) == (486, 0)


@pytest.fixture
def store_is_down(scene: Scene) -> Iterator[Path]:
    """Nobody finds the store while this lasts."""
    store = scene.installation.config.home / "store"
    away = store.with_name("store-away")
    yield store
    if away.exists():
        away.rename(store)


def test_a_greeting_beside_the_switch_plays_while_the_store_is_down(
    scene: Scene, upload: Path, store_is_down: Path
) -> None:
    no_answer(scene, "hang_up", AT_ONCE)
    greet(scene, "--mp3", str(upload))
    store_is_down.rename(store_is_down.with_name("store-away"))
    _, heard = call(scene)
    assert abs(frequency(loud(heard), SAMPLE_RATE) - 620.0) < 3.0


def test_a_greeting_that_cannot_be_had_holds_up_no_call(scene: Scene, upload: Path, store_is_down: Path) -> None:
    no_answer(scene, "hang_up", AT_ONCE)
    info = greet(scene, "--mp3", str(upload))
    store_is_down.rename(store_is_down.with_name("store-away"))
    forget(scene, info)
    began = time.monotonic()
    result, heard = call(scene)
    assert (result.code, len(heard)) == (486, 0)
    assert time.monotonic() - began < 5.0
    log = scene.installation.controllers[0].log.read_text()
    assert info["sound"].removeprefix("sha256:") in next(line for line in log.splitlines() if "message.missing" in line)


@pytest.mark.thorough
def test_a_greeting_that_was_lost_beside_the_switch_is_fetched_for_the_call(scene: Scene, upload: Path) -> None:
    no_answer(scene, "hang_up", AT_ONCE)
    forget(scene, greet(scene, "--mp3", str(upload)))
    _, heard = call(scene)
    assert abs(frequency(loud(heard), SAMPLE_RATE) - 620.0) < 3.0


def forget(scene: Scene, info: dict[str, Any]) -> None:
    """Delete the files beside the switch."""
    files = list(scene.installation.config.sounds_folder.glob(f"*/{Path(info['file']).name}"))
    assert len(files) == 2
    for file in files:
        file.unlink()


@pytest.mark.thorough
def test_another_controller_goes_on_when_one_dies_during_the_greeting(
    scene: Scene, upload: Path, post: MailServer
) -> None:
    no_answer(scene, "missed_call", AT_ONCE)
    greet(scene, "--mp3", str(upload))
    first, second = scene.installation.controllers
    second.start()
    try:
        caller = scene.carrier.caller("+6591112222", display_name="Ann Lee")
        placed = scene.installation.world.place(caller, "+6564291311", hangup_after=20.0, listens=True)
        placed.wait_for(183)
        gevent.sleep(0.5)
        first.kill()
        result = placed.result(30.0)
        scene.start_controller()
        assert result.code == 486
        assert mails(post, 1)[0]["Subject"] == "Missed call for 101 from Ann Lee (+6591112222)"
    finally:
        second.kill()


def test_organisations_do_not_hear_each_other(scene: Scene, upload: Path) -> None:
    no_answer(scene, "hang_up", AT_ONCE)
    info = greet(scene, "--mp3", str(upload))
    with pytest.raises(TestbedError, match="is no sound of this organisation"):
        scene.installation.bizpbx("greeting", "set", "101", "--sound", info["sound"], "--organisation", BRAVO)
    assert json.loads(scene.installation.bizpbx("greeting", "list", "--json", "--organisation", BRAVO)) == []
