"""What the switch says of its gateways, also where its XML is not well-formed."""

from __future__ import annotations

import pytest

from bizpbx.freeswitch.gateway_state import GatewayState, states

ANSWER = """<?xml version="1.0" encoding="ISO-8859-1"?>
<gateways>
  <gateway>
    <name>second.acme.example</name>
    <username>a&b</username>
    <pingtime>0.00</pingtime>
    <state>FAIL_WAIT</state>
    <status>DOWN</status>
    <calls-in>0</calls-in>
    <calls-out>0</calls-out>
    <failed-calls-out>3</failed-calls-out>
    <retry>14s</retry>
  </gateway>
  <gateway>
    <name>carrier.acme.example</name>
    <pingtime>1.25</pingtime>
    <state>NOREG</state>
    <status>UP</status>
    <calls-in>2</calls-in>
    <calls-out>5</calls-out>
    <failed-calls-out>1</failed-calls-out>
  </gateway>
</gateways>
"""


def test_each_gateway_with_its_state() -> None:
    assert states(ANSWER) == [
        GatewayState("carrier.acme.example", True, "NOREG", 1.25, 2, 5, 1),
        GatewayState("second.acme.example", False, "FAIL_WAIT", None, 0, 0, 3),
    ]


def test_what_to_look_at_follows_from_why_it_is_down() -> None:
    up, failed = states(ANSWER)
    assert "OPTIONS" in up.why_down
    assert "username and password" in failed.why_down


@pytest.mark.parametrize("answer", ["", "Invalid Gateway!\n", "-ERR no such command", "<gateways></gateways>"])
def test_an_answer_without_gateways_has_none(answer: str) -> None:
    assert states(answer) == []
