"""Calls to virtual lines: steps one after the other, menus, hours, forwards, missed calls, and controllers that die."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import gevent
import numpy as np
import pytest
import yaml

from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.installation import event_socket_password
from bizpbx.testbed.world import CallResult, EndedBy, PlacedCall, Speech, answered, answers
from bizpbx.voicemail.record import VoicemailState
from tests.mail.server import MailServer
from tests.scenarios.conftest import ACME, Scene
from tests.scenarios.events import Events, asks, events
from tests.scenarios.test_no_answer import ANN, BEN, attached, leave, loudness, mails, no_answer, post, rows
from tests.scenarios.test_usage_limit import leases
from tests.settings.lines import Step, forward, hang_up, hours, line, menu, missed_call, play, ring

__all__ = ["events", "post"]

DID = "+6564291310"
CALLER = "+6591112222"
WELCOME = {"tts": {"language": "en", "text": "Welcome. For sales, press one. For support, press two."}}
CLOSED = {"tts": {"language": "en", "text": "We are closed."}}


def has_line(scene: Scene, *steps: Step) -> None:
    """Acme's number leads to this line, on the next call."""
    data = {
        "organisation": {"domain": ACME},
        "numbers": [{"number": DID, "to": "800"}],
        "virtual_lines": [line(*steps)],
    }
    scene.installation.apply(yaml.safe_dump(data))
    # 100 forwards elsewhere in the worked example.
    scene.set("extension", "100", "incoming.forwarding.enabled=false")


def calls(scene: Scene, **more: Any) -> PlacedCall:
    return scene.installation.world.place(scene.carrier.caller(CALLER), DID, listens=True, **more)


def until(true: Any, patience: float = 30.0) -> None:
    with gevent.Timeout(patience):
        while not true():
            gevent.sleep(0.02)


def heard_for(placed: PlacedCall) -> float:
    """Seconds of sound that the caller has heard."""
    samples = np.array(placed.heard(), dtype=np.int32)
    return float((loudness(samples) > 200).sum() * 0.02)


def presses(placed: PlacedCall, key: str) -> None:
    """Once the message has begun, in the middle of it."""
    until(lambda: heard_for(placed) > 0.3)
    placed.press(key)


def rings(scene: Scene, user: str) -> int:
    """How often a phone has rung."""
    return sum(call.rang for call in scene.registered(user).incoming)


@pytest.mark.thorough
def test_two_ring_one_after_the_other_and_the_second_s_voicemail_alone_runs(scene: Scene, post: MailServer) -> None:
    has_line(scene, ring("100"), ring("101"))
    for key in ("100", "101"):
        no_answer(scene, key, "voicemail")
    result, _ = leave(scene, Speech(440.0, 1.0), to=DID)
    assert result.answered
    # Five seconds each, and not the twenty of either.
    assert 9.0 <= (result.time_to_answer or 0.0) < 20.0
    assert scene.rang() == {"100-ip_phone", "100-mobile", "101-ip_phone"}
    told = mails(post)
    assert {mail["Subject"] for mail in told} == {f"Voicemail for 101 from Ann Lee ({CALLER})"}
    assert abs(attached(told[0])[1] - 440.0) < 5.0
    assert [(row.extension, row.state) for row in rows(scene)] == [("101", VoicemailState.STORED)]


def test_who_hangs_up_while_the_first_rings_is_a_missed_call_of_the_last(scene: Scene, post: MailServer) -> None:
    has_line(scene, ring("100"), ring("101"))
    for key in ("100", "101"):
        no_answer(scene, key, "voicemail")
    assert scene.from_outside(CALLER, cancel_after=1.0).code == 487
    assert {mail["Subject"] for mail in mails(post)} == {f"Missed call for 101 from {CALLER}"}


@pytest.mark.parametrize("dies", [False, True], ids=["one controller", "another controller"])
@pytest.mark.thorough
def test_a_ring_after_a_forward_does_not_say_who_forwarded(scene: Scene, dies: bool) -> None:
    has_line(scene, ring("100"), ring("104"))
    scene.set("extension", "100", "incoming.forwarding.enabled=true")
    scene.phone("104-ip_phone", answers(0.1))
    if dies:
        scene.installation.controllers[1].start()
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), DID, hangup_after=0.3)
    until(lambda: rings(scene, "101-ip_phone") == 1)
    if dies:
        scene.installation.controllers[0].kill()
    assert placed.result().answered
    (forwarded,) = scene.registered("101-ip_phone").incoming
    (direct,) = scene.registered("104-ip_phone").incoming
    assert (forwarded.diversion, direct.diversion) == (DID, None)


MENU = (
    menu({"1": "sales", "2": "support"}, "desk", message=WELCOME),
    ring("101", name="sales", next="end"),
    ring("102", name="support", next="end"),
    ring("103", name="desk"),
)


def has_menu(scene: Scene, seconds: int, tries: int) -> None:
    asks, *rest = MENU
    has_line(scene, asks | {"gather": asks["gather"] | {"seconds": seconds, "tries": tries}}, *rest)
    for key in ("101", "102", "103"):
        scene.phone(f"{key}-ip_phone", answers(0.1))


@pytest.mark.parametrize(
    ("key", "rang"), [("1", "101"), pytest.param("2", "102", marks=pytest.mark.thorough), ("7", "103")]
)
def test_a_key_in_the_middle_of_the_message_leads_to_its_step_and_another_elsewhere(
    scene: Scene, key: str, rang: str
) -> None:
    has_menu(scene, seconds=2, tries=1)
    placed = calls(scene, hangup_after=60.0)
    presses(placed, key)
    until(lambda: answered(scene.installation.world) != set())
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() == {f"{rang}-ip_phone"}
    # The message takes four seconds; the key has ended it.
    assert 0.3 < heard_for(placed) < 3.0


@pytest.mark.thorough
def test_what_a_device_that_is_transferred_to_a_menu_keys_in_is_for_the_menu(scene: Scene, events: Events) -> None:
    """`*1` would be the code of a transfer if it talked."""
    has_menu(scene, seconds=3, tries=3)
    user = scene.phone("102-ip_phone", answers(0.1))
    placed = scene.installation.world.place(scene.registered("104-ip_phone"), "102", hangup_after=60.0, listens=True)
    asks(user, events, "800", "*1")
    presses(placed, "*1")
    until(lambda: rings(scene, "101-ip_phone") == 1)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)


@pytest.mark.thorough
def test_without_a_key_the_message_is_heard_again_and_then_the_call_goes_on(scene: Scene) -> None:
    has_menu(scene, seconds=1, tries=2)
    placed = calls(scene, hangup_after=60.0)
    until(lambda: scene.rang() != set())
    assert scene.rang() == {"103-ip_phone"}
    # Twice some three and a half seconds of speech.
    assert 4.5 < heard_for(placed) < 9.0
    placed.hang_up()
    assert placed.result().answered


def clock(shift: timedelta) -> str:
    return (datetime.now(ZoneInfo("Asia/Singapore")) + shift).strftime("%H:%M")


@pytest.mark.parametrize("open_", [True, False])
def test_hours_lead_to_the_phones_or_to_the_closing_message(scene: Scene, open_: bool) -> None:
    begin, end = (timedelta(hours=-2), timedelta(hours=2)) if open_ else (timedelta(hours=2), timedelta(hours=4))
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    has_line(
        scene,
        hours("closed", clock(begin), clock(end), days=every),
        ring("101"),
        hang_up(),
        play(CLOSED, name="closed"),
    )
    scene.phone("101-ip_phone", answers(0.1, talks=0.3))
    placed = calls(scene, hangup_after=30.0)
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLEE)
    assert scene.rang() == ({"101-ip_phone"} if open_ else set())
    if not open_:
        assert 0.5 < heard_for(placed) < 3.0


def test_a_forward_through_the_carrier_is_charged_to_the_one_who_pays(scene: Scene, empty_books: None) -> None:
    has_line(scene, ring("101"), forward("+6598765432", "102"), hang_up())
    result = scene.from_outside(CALLER, hangup_after=1.2)
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert [call.to_user for call in scene.carrier.incoming] == ["+6598765432"]
    until(lambda: [lease.state.value for lease in leases(scene, "102")] == ["settled"])
    assert leases(scene, "101") == []


@pytest.mark.thorough
def test_a_missed_call_is_kept_and_mailed_and_the_caller_hears_the_rest(scene: Scene, post: MailServer) -> None:
    has_line_with_a_missed_call(scene)
    placed = calls(scene, hangup_after=30.0)
    result = placed.result()
    assert result.ended_by is EndedBy.CALLEE
    assert heard_for(placed) > 0.5
    assert [(mail["To"], mail["Subject"]) for mail in mails(post)] == [
        (ANN, f"Missed call for 102 from {CALLER}"),
        (BEN, f"Missed call for 102 from {CALLER}"),
    ]
    assert [(row.extension, row.state) for row in rows(scene)] == [("102", VoicemailState.MISSED)]


@pytest.mark.thorough
def test_what_somebody_took_is_no_missed_call(scene: Scene, post: MailServer) -> None:
    has_line_with_a_missed_call(scene)
    scene.phone("101-ip_phone", answers(0.1))
    assert scene.from_outside(CALLER, hangup_after=0.5).answered
    gevent.sleep(2.0)
    assert (rows(scene), post.taken) == ([], [])


def has_line_with_a_missed_call(scene: Scene) -> None:
    no_answer(scene, "102", "hang_up", f"no_answer.emails={ANN},{BEN}")
    has_line(scene, ring("101"), missed_call("102"), play(CLOSED))


@pytest.mark.thorough
def test_a_controller_that_dies_in_a_line_is_followed_by_one_that_goes_on_at_the_step(scene: Scene) -> None:
    has_line(scene, ring("100"), ring("101"), ring("102"))
    scene.installation.controllers[1].start()
    scene.phone("102-ip_phone", answers(0.1))
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), DID, hangup_after=0.5)
    until(lambda: rings(scene, "101-ip_phone") == 1)
    scene.installation.controllers[0].kill()
    result: CallResult = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert [rings(scene, f"{key}-ip_phone") for key in ("100", "101", "102")] == [1, 1, 1]


@pytest.mark.thorough
def test_a_controller_that_dies_in_a_menu_is_followed_by_one_that_asks_again(scene: Scene) -> None:
    has_menu(scene, seconds=5, tries=1)
    scene.installation.controllers[1].start()
    placed = calls(scene, hangup_after=60.0)
    until(lambda: heard_for(placed) > 0.3)
    scene.installation.controllers[0].kill()
    # The switch plays on by itself, and what is pressed then is nobody's: the message comes again.
    until(lambda: heard_for(placed) > 4.5)
    placed.press("2")
    until(lambda: scene.rang() != set())
    assert scene.rang() == {"102-ip_phone"}
    placed.hang_up()
    assert placed.result().answered


@pytest.mark.thorough
def test_a_missed_call_is_kept_by_the_controller_that_comes_after(scene: Scene, post: MailServer) -> None:
    no_answer(scene, "102", "hang_up", f"no_answer.emails={ANN},{BEN}")
    has_line(scene, missed_call("102"), ring("101"), ring("103"))
    scene.installation.controllers[1].start()
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), DID, cancel_after=7.0)
    until(lambda: rings(scene, "101-ip_phone") == 1)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 487
    assert rings(scene, "103-ip_phone") == 1
    scene.start_controller()
    assert {mail["Subject"] for mail in mails(post)} == {f"Missed call for 102 from {CALLER}"}


def test_without_any_controller_the_phones_of_the_first_ring_step_ring(scene: Scene) -> None:
    has_line(
        scene,
        hours("late", "09:00", "10:00"),
        menu({"1": "desk"}, "desk"),
        ring("102", "103", name="desk"),
        ring("101", name="late"),
    )
    scene.installation.render()
    EventSocket(scene.installation.esl_port, event_socket_password(scene.installation.tree)).api("reloadxml")
    scene.installation.controllers[0].kill()
    scene.phone("103-ip_phone", answers(0.5))
    assert scene.from_outside(CALLER, hangup_after=0.3).answered
    assert scene.rang() == {"102-ip_phone", "103-ip_phone"}
    scene.installation.world.forget()
    assert scene.from_phone("104-ip_phone", "800", hangup_after=0.3).answered
    assert scene.rang() == {"102-ip_phone", "103-ip_phone"}
