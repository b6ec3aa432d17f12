"""A call that nobody took is on file once, whatever brings the record of its leg, and however often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bizpbx.directory.database import Database
from bizpbx.freeswitch import records
from bizpbx.freeswitch.kept import kept_variables
from bizpbx.mail.outbox import Mail
from bizpbx.metering.leg import LegRecord
from bizpbx.policy.plan import Kept
from bizpbx.policy.settings import NoAnswerAction
from bizpbx.voicemail import keeping
from bizpbx.voicemail.record import Voicemail, VoicemailState
from tests.records import samples
from tests.settings.given import given
from tests.settings.samples import NOON, example

EMAILS = ["ann@acme.example", "ben@acme.example"]
MISSED = Kept(NoAnswerAction.MISSED_CALL, "102", "+6591112222", "Ann Lee")
VOICEMAIL = Kept(NoAnswerAction.VOICEMAIL, "102", "+6591112222", "Ann Lee")


@pytest.fixture
def acme(database: Database) -> Database:
    data = example()
    extension = next(one for one in data["extensions"] if one["key"] == "102")
    extension["no_answer"] = {"action": "missed_call", "emails": EMAILS}
    return given(database, data)


def leg(kept: Kept | None = MISSED, name: str = "a", **more: str) -> LegRecord:
    return records.from_file(samples.file(samples.calling(name, **kept_variables(kept), **more)))


def keep(database: Database, *legs: LegRecord) -> int:
    with database.writing() as session:
        return keeping.keep(session, legs, NOON)


def begin(database: Database, call: str = "a") -> None:
    with database.writing() as session:
        keeping.begin(session, "acme.example", "local", call, VOICEMAIL, 30, NOON)


def rows(database: Database) -> list[Voicemail]:
    with database.reading() as session:
        found = list(session.scalars(select(Voicemail).order_by(Voicemail.id)))
        session.expunge_all()
    return found


def mails(database: Database) -> list[tuple[str, str, str]]:
    with database.reading() as session:
        return [(mail.key, mail.recipient, mail.template) for mail in session.scalars(select(Mail).order_by(Mail.id))]


def test_a_missed_call_is_a_row_and_a_mail_to_each_address(acme: Database) -> None:
    assert keep(acme, leg()) == 1
    (row,) = rows(acme)
    assert (row.extension, row.caller, row.caller_name, row.state) == (
        "102",
        "+6591112222",
        "Ann Lee",
        VoicemailState.MISSED,
    )
    assert mails(acme) == [("unanswered/a", to, "missed-call") for to in EMAILS]


def test_a_record_that_comes_again_tells_nobody_again(acme: Database) -> None:
    keep(acme, leg(), leg())
    assert keep(acme, leg()) == 0
    assert len(rows(acme)) == 1
    assert len(mails(acme)) == 2


def test_a_call_that_somebody_took_is_not_missed(acme: Database) -> None:
    taken = leg(originate_disposition="SUCCESS")
    assert taken.kept is None
    assert keep(acme, taken, leg(None, "b")) == 0
    assert rows(acme) == []


def test_the_record_of_a_leg_ends_its_recording_and_tells_nobody_yet(acme: Database) -> None:
    begin(acme)
    begin(acme)
    (row,) = rows(acme)
    assert (row.state, row.longest, row.next_look) == (
        VoicemailState.RECORDING,
        30,
        NOON + timedelta(seconds=30) + keeping.OVERDUE,
    )
    assert keep(acme, leg(VOICEMAIL)) == 0
    (row,) = rows(acme)
    assert (row.state, row.next_look) == (VoicemailState.RECORDED, NOON)
    assert mails(acme) == []


def test_who_hangs_up_before_the_recording_is_a_missed_call(acme: Database) -> None:
    assert keep(acme, leg(VOICEMAIL)) == 1
    assert rows(acme)[0].state is VoicemailState.MISSED
    assert {template for _, _, template in mails(acme)} == {"missed-call"}


def test_an_extension_that_is_gone_tells_nobody_and_is_on_file(acme: Database) -> None:
    gone = Kept(NoAnswerAction.MISSED_CALL, "199", "101", "Sales")
    assert keep(acme, leg(gone)) == 1
    assert rows(acme)[0].extension == "199"
    assert mails(acme) == []


@pytest.mark.parametrize(
    "wrong",
    [{"bizpbx_unanswered": "forward"}, {"bizpbx_mailbox": "x"}, {"bizpbx_mailbox": ""}, {"bizpbx_unanswered": ""}],
)
def test_what_no_controller_writes_keeps_nothing(wrong: dict[str, str]) -> None:
    variables = samples.calling("a") | kept_variables(MISSED) | wrong
    assert records.from_file(samples.file(variables)).kept is None


def test_a_caller_that_is_no_number_is_kept_as_withheld() -> None:
    variables = samples.calling("a") | kept_variables(MISSED) | {"bizpbx_caller": "+65<script>"}
    kept = records.from_file(samples.file(variables)).kept
    assert kept is not None and kept.caller is None


def test_another_organisation_s_call_of_that_name_is_another_one(acme: Database) -> None:
    with pytest.raises(keeping.NotFound), acme.writing() as session:
        keeping.begin(session, "bravo.example", "local", "a", VOICEMAIL, 30, NOON)
    assert rows(acme) == []
