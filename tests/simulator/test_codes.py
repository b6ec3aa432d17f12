"""Codes are heard in their realm, and other keys go through in their order, as on FreeSWITCH (switch_ivr_dmachine)."""

from __future__ import annotations

from bizpbx.simulator.codes import Codes

ACTION = ("execute_extension", "blind XML bizpbx-transfer")


def bound() -> Codes:
    codes = Codes()
    codes.bind("calls", "*1", *ACTION)
    return codes


def test_a_code_leads_to_its_application_and_does_not_go_through() -> None:
    codes = bound()
    assert codes.feed("*", 0.0) == ("", None)
    assert codes.feed("1", 0.1) == ("", ACTION)


def test_other_keys_go_through_at_once_and_with_those_that_were_held_back() -> None:
    codes = bound()
    assert codes.feed("5", 0.0) == ("5", None)
    assert codes.feed("*", 0.1) == ("", None)
    assert codes.feed("7", 0.2) == ("*7", None)
    assert codes.feed("*", 0.3) == ("", None)
    assert codes.overdue(1.0) == ""
    assert codes.overdue(1.9) == "*"


def test_a_realm_without_the_code_hears_nothing() -> None:
    codes = bound()
    codes.bind("quiet", "x", "log", "")
    assert [codes.feed(key, 0.0)[0] for key in "*1"] == ["*", "1"]
    codes.realm = "calls"
    codes.feed("*", 1.0)
    assert codes.feed("1", 1.1)[1] == ACTION


def test_what_was_cleared_is_heard_no_more_until_it_is_bound_again() -> None:
    codes = bound()
    codes.clear("calls")
    assert [codes.feed(key, 0.0) for key in "*1"] == [("*", None), ("1", None)]
    codes.bind("calls", "*1", *ACTION)
    codes.feed("*", 1.0)
    assert codes.feed("1", 1.1)[1] == ACTION
