"""Nobody answers: what the caller hears, and what the people at the extension are told by mail."""

from __future__ import annotations

import io
from email.message import EmailMessage
from typing import Any

import gevent
import numpy as np
import pytest
import soundfile
from sqlalchemy import select

from bizpbx.directory.database import Database
from bizpbx.testbed.world import CallResult, PlacedCall, Speech, answers, busy
from bizpbx.voicemail.record import Voicemail as Row
from bizpbx.voicemail.record import VoicemailState
from tests.mail.server import MailServer
from tests.scenarios.conftest import ACME, Scene

PATIENCE = 90.0
"""Seconds for a mail, at the most: whatever else the machine does."""
ANN, BEN = "ann@acme.example", "ben@acme.example"
WAIT = "no_answer.wait=5"
AT_ONCE = "incoming.do_not_disturb=true"
"""Where the wait is not what a scenario is about."""


@pytest.fixture
def post(scene: Scene) -> MailServer:
    """The mail server of the controllers."""
    assert scene.post is not None
    return scene.post


def no_answer(scene: Scene, key: str, action: str, *more: str) -> None:
    emails = () if action in ("hang_up", "forward") else (f"no_answer.emails={ANN},{BEN}",)
    scene.set("extension", key, f"no_answer.action={action}", WAIT, *emails, *more)


def mails(post: MailServer, count: int = 2) -> list[EmailMessage]:
    """So many mails, and no more for a moment."""
    until(lambda: len(post.taken) >= count)
    gevent.sleep(1.5)
    assert len(post.taken) == count
    assert len({mail["To"] for mail in post.taken}) == count
    return sorted(post.taken, key=lambda mail: str(mail["To"]))


def until(true: Any) -> None:
    with gevent.Timeout(PATIENCE):
        while not true():
            gevent.sleep(0.05)


def rows(scene: Scene) -> list[Row]:
    """What is kept, the oldest first."""
    database = Database(scene.installation.config.database)
    with database.reading() as session:
        found = list(session.scalars(select(Row).order_by(Row.id)))
        session.expunge_all()
    database.close()
    return found


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def call(scene: Scene, to: str = "102", **more: Any) -> CallResult:
    return scene.installation.world.call(scene.registered("101-ip_phone"), to, **more)


def test_a_missed_call_is_told_by_mail_once_to_each_address(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "missed_call")
    result = scene.installation.world.call(scene.carrier.caller("+6591112222", display_name="Ann Lee"), "+6564291311")
    assert result.code == 480
    first, second = mails(post)
    assert [first["To"], second["To"]] == [ANN, BEN]
    assert first["Subject"] == "Missed call for 101 from Ann Lee (+6591112222)"
    assert "Ann Lee (+6591112222) called extension 101 of Acme" in text(first)
    row = rows(scene)[-1]
    assert (row.extension, row.caller, row.caller_name, row.state, row.note) == (
        "101",
        "+6591112222",
        "Ann Lee",
        VoicemailState.MISSED,
        None,
    )


def test_who_hangs_up_while_it_rings_is_a_missed_call_of_either_action(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "missed_call")
    assert call(scene, cancel_after=1.0).code == 487
    mails(post)


def test_a_busy_phone_is_a_missed_call(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "missed_call")
    scene.phone("102-ip_phone", busy)
    assert call(scene).code == 486
    assert mails(post)[0]["Subject"] == "Missed call for 102 from Sales (101)"


def test_what_was_answered_is_told_to_nobody(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "missed_call")
    before = len(rows(scene))
    scene.phone("102-ip_phone", answers(0.5))
    assert call(scene, hangup_after=0.5).answered
    gevent.sleep(3.0)
    assert post.taken == []
    assert len(rows(scene)) == before


def test_on_do_not_disturb_a_missed_call_is_told_and_the_caller_gets_busy(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "missed_call", "incoming.do_not_disturb=true")
    assert call(scene).code == 486
    mails(post)
    assert scene.rang() == set()


def test_the_mail_is_in_the_language_and_zone_of_the_organisation(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "missed_call", "incoming.do_not_disturb=true")
    scene.set("organisation", "language=zh")
    caller = scene.carrier.caller("+6591112222", withheld=True)
    scene.installation.world.call(caller, "+6564291311")
    mail = mails(post)[0]
    assert mail["Subject"] == "101 的未接来电：隐藏号码"
    assert "(Asia/Singapore) 致电 Acme 的分机 101，无人接听。" in text(mail)


GREETING = 5.3
"""Seconds from the answer to the end of the beep: more than the message, which is spoken, takes."""


def leave(
    scene: Scene, speech: Speech | None, hangup_after: float | None = None, to: str = "+6564291311"
) -> tuple[CallResult, Any]:
    """Call from outside, say something after the beep, and hang up so many seconds after the answer (None: when all of
    it has been said). Returns the result and what the caller heard."""
    world = scene.installation.world
    placed = world.place(
        scene.carrier.caller("+6591112222", display_name="Ann Lee"),
        to,
        hangup_after=60.0 if hangup_after is None else hangup_after,
        says=speech,
        listens=True,
    )
    if hangup_after is None:
        hang_up_when_all_is_said(placed)
    return placed.result(90.0), np.array(placed.heard(), dtype=np.int32)


def hang_up_when_all_is_said(placed: PlacedCall) -> None:
    placed.wait_until_said(60.0)
    # The last words are on their way.
    gevent.sleep(0.5)
    placed.hang_up()


def attached(mail: EmailMessage) -> tuple[str, float, float]:
    """Name of the recording in a mail; frequency (Hz) and length (seconds) of the tone on it."""
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "audio/mpeg"
    samples, rate = soundfile.read(io.BytesIO(part.get_content()), dtype="int16")
    return str(part.get_filename()), *tone_of(samples.astype(np.int32), rate)


def tone_of(samples: Any, rate: int) -> tuple[float, float]:
    loud = loudness(samples, rate) > 500
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * rate / len(samples)), float(loud.sum() * 0.02)


def loudness(samples: Any, rate: int = 8000) -> Any:
    """Mean amount of each 20 ms."""
    window = rate // 50
    return np.abs(samples[: len(samples) // window * window].reshape(-1, window)).mean(axis=1)


def test_a_voicemail_is_mailed_with_what_was_said(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "voicemail")
    result, heard = leave(scene, Speech(440.0, 2.0))
    assert result.answered
    assert 4.0 <= (result.time_to_answer or 0.0) <= 15.0
    first, second = mails(post)
    assert [first["To"], second["To"]] == [ANN, BEN]
    assert first["Subject"] == "Voicemail for 101 from Ann Lee (+6591112222)"
    for mail in (first, second):
        name, frequency, seconds = attached(mail)
        assert name.startswith("voicemail-101-") and name.endswith(".mp3")
        assert abs(frequency - 440.0) < 5.0
        assert abs(seconds - 2.0) < 0.3
    row = rows(scene)[-1]
    assert row.state is VoicemailState.STORED
    assert row.seconds is not None and 2 <= row.seconds <= 5
    # The message, then the beep.
    spoken = (loudness(heard) > 200).sum() * 0.02
    assert 3.0 < spoken < 5.5
    assert not list(scene.installation.config.recordings_folder.glob("*.wav"))


@pytest.mark.thorough
def test_what_is_said_after_the_controller_was_killed_is_recorded_stored_and_mailed_once(
    scene: Scene, post: MailServer
) -> None:
    no_answer(scene, "101", "voicemail", AT_ONCE)
    recordings = scene.installation.config.recordings_folder
    caller = scene.carrier.caller("+6591112222", display_name="Ann Lee")
    placed = scene.installation.world.place(
        caller, "+6564291311", hangup_after=60.0, says=Speech(440.0, 4.0), listens=True
    )
    # when: it is being recorded
    until(lambda: any(file.stat().st_size > 8000 for file in recordings.glob("*.wav")))
    scene.installation.controllers[0].kill()
    # then: the switch goes on, and nobody is told while there is no controller
    hang_up_when_all_is_said(placed)
    assert placed.result(60.0).ended_by == "caller"
    assert post.taken == [] and len(list(recordings.glob("*.wav"))) == 1
    # and the next one stores and tells it, once
    scene.start_controller()
    for mail in mails(post):
        _, frequency, seconds = attached(mail)
        assert abs(frequency - 440.0) < 5.0
        assert 3.0 < seconds < 4.5
    assert rows(scene)[-1].state is VoicemailState.STORED
    assert not list(recordings.glob("*.wav"))


@pytest.mark.thorough
def test_a_recording_is_cut_at_the_maximum(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "voicemail", AT_ONCE, "no_answer.longest=2")
    result, _ = leave(scene, Speech(700.0, 6.0), 30.0)
    assert result.ended_by == "callee"
    _, frequency, seconds = attached(mails(post)[0])
    assert abs(frequency - 700.0) < 5.0
    assert 1.5 < seconds < 2.1
    assert rows(scene)[-1].seconds == 2


@pytest.mark.thorough
def test_silence_ends_a_recording_and_is_a_missed_call(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "voicemail", AT_ONCE)
    result, _ = leave(scene, None, 60.0)
    assert result.ended_by == "callee"
    mail = mails(post)[0]
    assert mail["Subject"] == "Missed call for 101 from Ann Lee (+6591112222)"
    assert "Nothing was said on the voicemail." in text(mail)
    assert rows(scene)[-1].note == "silent"


@pytest.mark.parametrize(
    ("hangup_after", "note"),
    [
        pytest.param(1.0, None, id="during the message"),
        pytest.param(GREETING - 0.2, "any", id="at the beep", marks=pytest.mark.thorough),
    ],
)
def test_who_leaves_before_saying_anything_is_a_missed_call(
    scene: Scene, post: MailServer, hangup_after: float, note: str | None
) -> None:
    no_answer(scene, "101", "voicemail", AT_ONCE)
    result, _ = leave(scene, Speech(440.0, 2.0), hangup_after)
    assert result.ended_by == "caller"
    mail = mails(post)[0]
    assert mail["Subject"] == "Missed call for 101 from Ann Lee (+6591112222)"
    row = rows(scene)[-1]
    assert row.state is VoicemailState.MISSED
    if note is None:
        assert row.note is None


def test_who_hangs_up_while_it_rings_is_a_missed_call_of_the_voicemail(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "voicemail")
    assert call(scene, cancel_after=1.0).code == 487
    assert mails(post)[0]["Subject"] == "Missed call for 102 from Sales (101)"


@pytest.mark.thorough
def test_on_do_not_disturb_the_voicemail_answers_at_once(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "101", "voicemail", "incoming.do_not_disturb=true")
    result, _ = leave(scene, Speech(440.0, 1.0))
    assert result.answered and (result.time_to_answer or 9.0) < 5.0
    assert scene.rang() == set()
    assert mails(post)[0]["Subject"] == "Voicemail for 101 from Ann Lee (+6591112222)"


@pytest.mark.thorough
def test_a_forward_that_nobody_answers_leads_to_the_original_s_voicemail(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "100", "voicemail")
    result, _ = leave(scene, Speech(440.0, 1.0), to="+6564291310")
    assert result.answered
    assert scene.rang() == {"101-ip_phone", "102-ip_phone", "103-ip_phone"}
    assert mails(post)[0]["Subject"] == "Voicemail for 100 from Ann Lee (+6591112222)"


__all__ = ["ACME", "Speech"]
