"""One line a call, whatever becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bizpbx.calls.call import Arrival
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.passcode import Verdict
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.controller.calls import CallHandler
from bizpbx.freeswitch.esl import ESLEvent, OutboundSessionHasGoneAway
from bizpbx.freeswitch.media import Media
from bizpbx.policy.plan import Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.rules import Rule
from bizpbx.prompts import Prompts

BUSY = Plan((HangUp(Stage.END, Cause.USER_BUSY),), (Reason(Rule.DO_NOT_DISTURB, "100 is on do not disturb"),), "100")
MEDIA = Media(Prompts(), Path("/recordings"))
DATA = {
    "Unique-ID": "a-call",
    "Caller-Destination-Number": "100",
    "variable_bizpbx_organisation": "acme.example",
    "variable_bizpbx_device": "101-ip_phone",
    "variable_bizpbx_stage": "new",
}


class Session:
    """A channel that takes every command, or is gone."""

    def __init__(self, *, gone: bool = False, data: dict[str, str] | None = DATA) -> None:
        self.session_data = data
        self.gone = gone
        self.commands: list[tuple[str, object]] = []

    def execute(self, app: str, arg: str = "", **_options: object) -> ESLEvent | None:
        return self._take(app, arg)

    def set_variables(self, variables: dict[str, str]) -> None:
        self._take("set", variables)

    def _take(self, app: str, arg: object) -> None:
        if self.gone:
            raise OutboundSessionHasGoneAway("hung up")
        self.commands.append((app, arg))


class NoPasscodes:
    """Nobody is asked for one here."""

    def locked(self, organisation: str, key: str) -> bool:
        raise AssertionError

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        raise AssertionError


def handled(session: Session, decide: Any = lambda _arrival: BUSY) -> list[Any]:
    with capture_logs() as logs:
        CallHandler(session, decide, NoPasscodes(), Unmetered(), MEDIA, NoVoicemails()).run()  # type: ignore[arg-type]
    return logs


def test_a_call_leaves_one_line_that_says_what_was_decided() -> None:
    session = Session()
    (line,) = handled(session)
    assert session.commands[-1] == ("hangup", "USER_BUSY")
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "call",
        "log_level": "info",
        "organisation": "acme.example",
        "dialled": "100",
        "resumed_from": "new",
        "callee": "100",
        "rules": ["do-not-disturb"],
        "ended": "done",
    }


def test_a_caller_who_hangs_up_is_no_fault() -> None:
    (line,) = handled(Session(gone=True))
    assert (line["ended"], line["rules"]) == ("caller hung up", ["do-not-disturb"])


def test_a_call_that_was_over_before_it_came_is_no_fault() -> None:
    (line,) = handled(Session(data=None))
    assert (line["event"], line["ended"]) == ("call", "caller hung up")


def test_a_fault_in_deciding_is_told_and_leaves_the_call_to_the_dialplan() -> None:
    session = Session()

    def fails(_arrival: Arrival) -> Plan:
        raise RuntimeError("the database is gone")

    with capture_logs() as logs, pytest.raises(RuntimeError):
        CallHandler(session, fails, NoPasscodes(), Unmetered(), MEDIA, NoVoicemails()).run()  # type: ignore[arg-type]
    (line,) = logs
    assert (line["ended"], line["callee"], line["rules"]) == ("fault", None, None)
    assert session.commands == []


def test_a_number_of_any_length_makes_a_short_line() -> None:
    (line,) = handled(Session(data=DATA | {"Caller-Destination-Number": "9" * 5000}))
    assert len(line["dialled"]) == 64
