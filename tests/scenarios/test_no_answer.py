"""Nobody answers: what the caller hears, and what the people at the extension are told by mail."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import gevent
import pytest
from sqlalchemy import select

from bizpbx.directory.database import Database
from bizpbx.testbed.world import CallResult, Speech, answers, busy
from bizpbx.voicemail.record import Voicemail as Row
from bizpbx.voicemail.record import VoicemailState
from tests.mail.server import MailServer
from tests.scenarios.conftest import ACME, Scene

PATIENCE = 15.0
ANN, BEN = "ann@acme.example", "ben@acme.example"
WAIT = "no_answer.wait=5"


@pytest.fixture(scope="module")
def post(scene: Scene) -> Iterator[MailServer]:
    """The mail server of the controllers."""
    server = MailServer()
    server.start()
    first = scene.installation.controllers[0]
    first.kill()
    first.start(**post_of(server))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_mails(post: MailServer) -> None:
    post.taken.clear()


def post_of(server: MailServer) -> dict[str, str]:
    return {"BIZPBX_SMTP_URL": f"smtp://127.0.0.1:{server.port}", "BIZPBX_MAIL_FROM": "pbx@acme.example"}


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


__all__ = ["ACME", "Speech"]
