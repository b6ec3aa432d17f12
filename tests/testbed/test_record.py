from __future__ import annotations

import pytest

from bizpbx.testbed.sipp import log, record
from bizpbx.testbed.world import EndedBy, Registration

from .sip_log import entry, request, response

FROM = 'From: "Ann" <sip:+6531234567@pbx>;tag=1\n'
EXTRAS = (
    "Privacy: id\nP-Asserted-Identity: <sip:+6599@pbx>\n"
    "Diversion: <sip:101@pbx>;reason=unconditional\nDiversion: <sip:102@pbx>\n"
)
CANCEL = request("CANCEL", "7 CANCEL", headers='Reason: SIP;cause=200;text="Call completed elsewhere"\n')


def read(*entries: bytes) -> list[log.Logged]:
    return log.read(b"".join(entries))[0]


def invite(call: str = "one") -> bytes:
    return entry(False, request("INVITE", "7 INVITE", call, FROM + EXTRAS, uri="sip:100-mobile@127.0.0.1:9"))


def test_a_call_that_was_answered() -> None:
    (seen,) = record.incoming(
        read(
            invite(),
            entry(True, response("180 Ringing", "7 INVITE")),
            entry(True, response("200 OK", "7 INVITE")),
            entry(False, request("BYE", "8 BYE")),
        )
    )
    assert (seen.rang, seen.answered, seen.cancelled, seen.ended) == (True, True, False, True)
    assert (seen.number, seen.display_name, seen.to_user) == ("+6531234567", "Ann", "100-mobile")
    assert (seen.privacy, seen.pai, seen.diversion) == ("id", "+6599", "101")
    assert seen.header("call-id") == "one"


def test_a_call_that_was_cancelled() -> None:
    (seen,) = record.incoming(
        read(
            invite(),
            entry(True, response("180 Ringing", "7 INVITE")),
            entry(False, CANCEL),
            entry(True, response("200 OK", "7 CANCEL")),
            entry(True, response("487 Request Terminated", "7 INVITE")),
        )
    )
    assert (seen.rang, seen.answered, seen.cancelled, seen.ended) == (True, False, True, True)
    assert seen.cancel_reason is not None and "elsewhere" in seen.cancel_reason


def test_a_call_that_is_still_ringing() -> None:
    (seen,) = record.incoming(read(invite(), entry(True, response("180 Ringing", "7 INVITE"))))
    assert (seen.rang, seen.ended) == (True, False)


def test_calls_are_told_apart_and_registrations_left_out() -> None:
    seen = record.incoming(
        read(
            entry(True, request("REGISTER", "1 REGISTER", "reg")),
            invite("one"),
            invite("two"),
            entry(True, response("486 Busy Here", "7 INVITE", "two")),
        )
    )
    assert [call.ended for call in seen] == [False, True]


def test_a_call_that_was_placed() -> None:
    result = record.result(
        read(
            entry(True, request("INVITE", "1 INVITE"), 1.0),
            entry(False, response("407 Proxy Authentication Required", "1 INVITE"), 1.01),
            entry(True, request("INVITE", "2 INVITE"), 1.02),
            entry(False, response("100 Trying", "2 INVITE"), 1.03),
            entry(False, response("183 Session Progress", "2 INVITE"), 1.2),
            entry(False, response("200 OK", "2 INVITE"), 1.5),
            entry(True, request("BYE", "3 BYE"), 2.5),
            entry(False, response("200 OK", "3 BYE"), 2.6),
        )
    )
    assert (result.code, result.reason, result.answered) == (200, "OK", True)
    assert result.provisional == (100, 183)
    assert result.time_to_ring == pytest.approx(0.2)
    assert result.time_to_answer == pytest.approx(0.5)
    assert result.duration == pytest.approx(1.0)
    assert result.ended_by is EndedBy.CALLER


def test_a_call_that_was_refused() -> None:
    reason = 'Reason: Q.850;cause=17;text="USER_BUSY"\n'
    result = record.result(
        read(
            entry(True, request("INVITE", "1 INVITE")),
            entry(False, response("407 Proxy Authentication Required", "1 INVITE")),
            entry(True, request("INVITE", "2 INVITE")),
            entry(False, response("486 Busy Here", "2 INVITE", headers=reason)),
        )
    )
    assert (result.code, result.answered, result.ended_by) == (486, False, EndedBy.NOBODY)
    assert result.cause is not None and "USER_BUSY" in result.cause


def test_a_call_that_was_given_up() -> None:
    result = record.result(
        read(
            entry(True, request("INVITE", "1 INVITE")),
            entry(True, request("CANCEL", "1 CANCEL")),
            entry(False, response("200 OK", "1 CANCEL")),
            entry(False, response("487 Request Terminated", "1 INVITE")),
        )
    )
    assert result.code == 487


def test_nothing_was_placed() -> None:
    assert record.result([]).code == 0


def test_how_a_registration_ended() -> None:
    challenge = entry(False, response("401 Unauthorized", "1 REGISTER"))
    assert record.registration(read(challenge)) is None
    assert record.registration(read(challenge, challenge)) == Registration(401, "Unauthorized")
    ok = entry(False, response("200 OK", "2 REGISTER"))
    assert record.registration(read(challenge, ok)) == Registration(200, "OK")
    forbidden = entry(False, response("403 Forbidden", "2 REGISTER"))
    assert record.registration(read(challenge, forbidden)) == Registration(403, "Forbidden")
