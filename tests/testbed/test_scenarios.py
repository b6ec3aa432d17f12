"""The scenarios are XML that SIPp would read, whatever the behaviour."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from bizpbx.testbed.sipp import scenarios
from bizpbx.testbed.world import Behaviour, answers, busy, declines, refuses, refuses_as_dialled, rings_only, silent

BEHAVIOURS = [
    answers(),
    answers(after=0),
    answers(after=0.2, talks=1),
    busy,
    declines,
    refuses(480, after=1),
    refuses_as_dialled,
    rings_only,
    silent,
    answers(None, keys=",*1"),
    refuses(486, None),
]
ALL = [
    *(scenarios.callee(behaviour) for behaviour in BEHAVIOURS),
    scenarios.registers(),
    scenarios.caller(credentials=True, headers=2, hangup_after=0.1, cancel_after=None),
    scenarios.caller(credentials=False, headers=0, hangup_after=None, cancel_after=1.5),
]


@pytest.mark.parametrize("text", ALL)
def test_every_jump_has_a_label(text: str) -> None:
    tree = etree.fromstring(text.encode())
    labels = {label.get("id") for label in tree.iter("label")}
    jumps = {node.get(name) for node in tree.iter() for name in ("next", "ontimeout") if node.get(name)}
    assert jumps <= labels


@pytest.mark.parametrize("text", ALL)
def test_every_message_has_a_start_headers_and_one_empty_line(text: str) -> None:
    for send in etree.fromstring(text.encode()).iter("send"):
        head, empty, body = (send.text or "").strip("\n").partition("\n\n")
        if not empty:
            body = ""
        start, *headers = head.splitlines()
        assert re.fullmatch(r"SIP/2\.0 \d{3} .+|[A-Z]+ \S+ SIP/2\.0", start)
        assert all(re.match(r"[A-Za-z-]+: |\[\w[^\]]*\]", header) for header in headers)
        assert bool(body.strip()) == any(header.startswith("Content-Type: ") for header in headers)


@pytest.mark.parametrize(("seconds", "expected"), [(None, 0), (0, 0), (0.0001, 1), (0.25, 250), (3, 3000)])
def test_times_are_whole_milliseconds(seconds: float | None, expected: int) -> None:
    assert scenarios.milliseconds(seconds) == expected


def test_a_phone_without_patience_answers_at_once() -> None:
    assert Behaviour(200, 0.0) == answers(after=0)
    assert 'ontimeout="final"' not in scenarios.callee(answers(after=0))
