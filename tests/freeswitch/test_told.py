"""What a leg says of why it went where it went: a transfer adds to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival
from bizpbx.freeswitch.told import told_before
from bizpbx.policy.plan import HangUp, Plan, Reason, Stage
from bizpbx.policy.request import FromTransfer, FromTrunk, Request

PLAN = Plan((HangUp(Stage.END),), (), "102")
NEW = Arrival("a", "acme.example", "", Request(FromTransfer("101-ip_phone", FromTrunk(None)), "102"), transfers=1)
DATA = {"variable_bizpbx_rule": "did devices", "variable_bizpbx_reason": "it is a DID; 101 rings"}
MORE = (Reason("transfer", "101 transfers"), Reason("key", "101 dials the key 102"))


def test_a_call_tells_its_own_reasons() -> None:
    told = told_before(DATA, replace(NEW, transfers=0))
    assert told.variables(MORE, PLAN) == {
        "bizpbx_rule": "transfer key",
        "bizpbx_reason": "101 transfers; 101 dials the key 102",
        "bizpbx_callee": "102",
    }


def test_a_call_that_was_transferred_keeps_what_was_told_before_and_who_was_called() -> None:
    told = told_before(DATA, NEW)
    assert told.variables(MORE, PLAN) == {
        "bizpbx_rule": "did devices transfer key",
        "bizpbx_reason": "it is a DID; 101 rings; 101 transfers; 101 dials the key 102",
        "bizpbx_before": "2 22",
    }


def test_another_controller_comes_to_the_same() -> None:
    written = told_before(DATA, NEW).variables(MORE[:1], PLAN)
    taken_over = {f"variable_{name}": value for name, value in written.items()}
    told = told_before(taken_over, replace(NEW, stage=Stage.RING))
    assert told.variables(MORE, PLAN) == told_before(DATA, NEW).variables(MORE, PLAN)


@pytest.mark.parametrize("transfers", [0, 1])
def test_a_line_that_is_taken_over_keeps_the_way_that_the_call_has_gone(transfers: int) -> None:
    data = DATA | {"variable_bizpbx_before": "1 10"}
    told = told_before(data, replace(NEW, stage=Stage.GATHER, section=2, transfers=transfers))
    variables = told.variables((Reason("key-pressed", "the caller pressed 2", 2),), PLAN)
    assert variables["bizpbx_rule"] == "did devices key-pressed"
    assert variables["bizpbx_reason"] == "it is a DID; 101 rings; the caller pressed 2"
    # Where the transfer began in it stays for the controller after that.
    assert variables.get("bizpbx_before") == ("1 10" if transfers else None)


def test_a_leg_that_was_called_has_told_nothing_before() -> None:
    assert told_before({}, NEW).variables(MORE[:1], PLAN)["bizpbx_reason"] == "101 transfers"
