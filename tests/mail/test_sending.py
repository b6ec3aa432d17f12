"""What becomes of a mail: it leaves once, whatever the mail server and we ourselves do meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.controller.changes import Changes
from bizpbx.controller.mail import Postman
from bizpbx.controller.queries import Queries
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.mail import queue
from bizpbx.mail.outbox import Mail, MailState
from bizpbx.mail.smtp import Smtp
from tests.mail.server import MailServer
from tests.settings.given import given
from tests.settings.samples import NOON, example

UNTIL = {"extension": "100", "until": "2026-03-01T12:15:00+00:00"}


class Office:
    """An organisation, its outbox, a clock, and as many controllers that send as a test wants."""

    def __init__(self, database: Database) -> None:
        given(database, example())
        self.database = database
        self.now = NOON

    def put(self, key: str = "passcode-locked/100/1", to: str = "ann@acme.example", **details: Any) -> None:
        with self.database.writing() as session:
            organisation = session.scalars(select(Organisation.id)).one()
            queue.put(session, organisation, key, [to], "passcode-locked", UNTIL | details, self.now)

    def postman(self, smtp: Smtp | None) -> Postman:
        url = self.database.url.render_as_string(hide_password=False)
        return Postman(
            Queries(self.database), Changes(url), smtp, "pbx@acme.example", now=lambda: self.now, chance=lambda: 0.5
        )

    def mail(self) -> Mail:
        with self.database.reading() as session:
            return session.scalars(select(Mail)).one()

    def write(self, change: Callable[[Session], Any]) -> Any:
        with self.database.writing() as session:
            return change(session)


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_a_mail_leaves_with_text_and_html_and_is_told_once(office: Office, server: MailServer) -> None:
    office.put()
    office.put()
    postman = office.postman(server.smtp())
    assert postman.look()
    assert not postman.look()
    (taken,) = server.taken
    assert taken["Subject"] == "Acme: the passcode of 100 is locked"
    assert (taken["From"], taken["To"]) == ("pbx@acme.example", "ann@acme.example")
    assert taken["Auto-Submitted"] == "auto-generated"
    text, html = taken.get_body(("plain",)), taken.get_body(("html",))
    assert text is not None and "2026-03-01 20:15 (Asia/Singapore)" in text.get_content()
    assert html is not None and "<b>100</b>" in html.get_content()
    office.put()
    assert not postman.look()
    mail = office.mail()
    assert (mail.state, mail.tries, mail.claim) == (MailState.SENT, 1, None)


def test_a_server_that_is_down_for_an_hour_delays_a_mail_and_loses_none(office: Office, server: MailServer) -> None:
    office.put()
    server.stop()
    postman = office.postman(server.smtp())
    while office.now < NOON + timedelta(hours=1):
        postman.look()
        office.now += timedelta(seconds=30)
    waiting = office.mail()
    assert (waiting.state, waiting.tries) == (MailState.QUEUED, 6)
    assert waiting.last_error is not None and "refused" in waiting.last_error
    server.start()
    while not server.taken and office.now < NOON + timedelta(hours=2):
        postman.look()
        office.now += timedelta(seconds=30)
    assert len(server.taken) == 1
    assert office.mail().state is MailState.SENT


def test_a_server_that_is_down_for_days_kills_a_mail_which_can_be_sent_again(
    office: Office, server: MailServer
) -> None:
    office.put()
    server.to_data = "451 try again later"
    postman = office.postman(server.smtp())
    while office.mail().state is MailState.QUEUED:
        postman.look()
        office.now += timedelta(hours=1)
    assert timedelta(days=3) <= office.now - NOON <= timedelta(days=3, hours=2)
    dead = office.mail()
    assert (dead.state, dead.last_error) == (MailState.DEAD, "The mail server answered 451 try again later")
    assert not postman.look()
    server.to_data = "250 OK"
    before = office.write(lambda session: queue.resend(session, dead.organisation_id, dead.id, office.now))
    assert before.state is MailState.DEAD
    assert office.write(lambda session: queue.resend(session, dead.organisation_id + 1, dead.id, office.now)) is None
    assert postman.look()
    assert len(server.taken) == 1


@pytest.mark.parametrize("what", ["to_recipient", "to_data"])
def test_what_is_refused_for_good_is_not_tried_again(office: Office, server: MailServer, what: str) -> None:
    office.put()
    setattr(server, what, "550 no such user here")
    postman = office.postman(server.smtp())
    assert postman.look()
    office.now += timedelta(days=1)
    assert not postman.look()
    mail = office.mail()
    assert (mail.state, mail.tries) == (MailState.DEAD, 1)
    assert mail.last_error == "The mail server answered 550 no such user here"


def test_a_server_that_hangs_is_left_and_tried_again(office: Office, server: MailServer) -> None:
    office.put()
    server.hangs = True
    assert office.postman(server.smtp(timeout=0.3)).look()
    assert office.mail().state is MailState.QUEUED
    server.hangs = False
    office.now += timedelta(minutes=2)
    assert office.postman(server.smtp()).look()
    assert len(server.taken) == 1


def test_who_dies_between_claim_and_sending_loses_nothing(office: Office, server: MailServer) -> None:
    office.put()
    claimed = office.write(lambda session: queue.claim(session, "dead", office.now))
    postman = office.postman(server.smtp())
    office.now += queue.CLAIM - timedelta(seconds=1)
    assert not postman.look()
    office.now += timedelta(seconds=1)
    assert postman.look()
    assert len(server.taken) == 1
    # The one that was taken for dead comes back late, and changes nothing.
    assert not office.write(lambda session: queue.failed(session, claimed, "late", office.now, 0.5, for_good=True))
    assert office.mail().state is MailState.SENT


def test_a_mail_that_is_sent_twice_has_one_message_id(office: Office, server: MailServer) -> None:
    office.put()
    postman = office.postman(server.smtp())
    postman.look()
    mail = office.mail()
    office.now += timedelta(minutes=1)
    office.write(lambda session: queue.resend(session, mail.organisation_id, mail.id, office.now))
    postman.look()
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"]


def test_two_that_send_at_once_send_each_mail_once(office: Office, server: MailServer) -> None:
    for number in range(12):
        office.put(key=f"passcode-locked/100/{number}")
    start = threading.Barrier(2)
    troubles: list[BaseException] = []

    def send() -> None:
        try:
            postman = office.postman(server.smtp())
            start.wait()
            while postman.look():
                pass
        except BaseException as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    ids = [taken["Message-ID"] for taken in server.taken]
    assert len(ids) == len(set(ids)) == 12


def test_no_header_and_no_tag_comes_from_a_name(office: Office, server: MailServer) -> None:
    office.put(extension="1\r\nBcc: thief@evil.example\r\n\r\n<script>")
    assert office.postman(server.smtp()).look()
    (taken,) = server.taken
    assert taken["Bcc"] is None
    assert taken["Subject"] == "Acme: the passcode of 1 Bcc: thief@evil.example <script> is locked"
    html = taken.get_body(("html",))
    assert html is not None and "<script>" not in html.get_content()


def test_a_mail_that_cannot_be_written_is_dead_and_not_in_the_way(office: Office, server: MailServer) -> None:
    with office.database.writing() as session:
        organisation = session.scalars(select(Organisation.id)).one()
        queue.put(session, organisation, "x", ["ann@acme.example"], "passcode-locked", {}, NOON)
    assert office.postman(server.smtp()).look()
    mail = office.mail()
    assert mail.state is MailState.DEAD
    assert mail.last_error is not None and "'extension' is undefined" in mail.last_error


def test_without_a_mail_server_mails_wait(office: Office) -> None:
    office.put()
    assert not office.postman(None).look()
    assert (office.mail().state, office.mail().tries) == (MailState.QUEUED, 0)


def test_a_mail_that_is_over_is_kept_for_ninety_days_and_one_that_waits_for_as_long_as_it_takes(
    office: Office, server: MailServer
) -> None:
    # given: one mail that has left, one that was given up, and one that is to be sent again
    postman = office.postman(server.smtp())
    office.put("passcode-locked/100/1")
    postman.look()
    server.to_data = "550 no"
    for lock in (2, 3):
        office.put(f"passcode-locked/100/{lock}")
        postman.look()
    office.now += queue.KEPT - timedelta(minutes=1)
    office.write(lambda session: queue.resend(session, 1, 3, office.now))
    # when: 90 days are not over yet
    assert not postman.tidy()
    # and when: they are, at the next look an hour later
    office.now += timedelta(hours=2)
    assert postman.tidy()
    assert not postman.tidy()
    assert (office.mail().key, office.mail().state) == ("passcode-locked/100/3", MailState.QUEUED)


def test_what_is_not_committed_is_not_told(office: Office) -> None:
    with office.database.writing(keep=False) as session:
        organisation = session.scalars(select(Organisation.id)).one()
        queue.put(session, organisation, "x", ["ann@acme.example"], "passcode-locked", UNTIL, NOON)
    with office.database.reading() as session:
        assert queue.waiting(session) == queue.Waiting(0, None)
