"""A user has the other side held, calls somebody, and connects the two by hanging up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from bizpbx.policy.prompt import Prompt
from bizpbx.simulator import sound
from bizpbx.testbed.world import Behaviour, EndedBy, Phone, answers, refuses, rings_only
from tests.scenarios.conftest import ACME, Scene, make_short, until
from tests.scenarios.events import MOMENT, Events, asks, events
from tests.scenarios.test_transfer import (
    CALLER,
    DID,
    NOBODY_HANGS_UP,
    Books,
    about,
    all_ended,
    books,
    calls,
    comes_in,
    is_over,
    rings,
    takes,
)

__all__ = ["books", "events"]

Ends = Callable[[Phone, Phone, Events], None]


def test_who_hangs_up_after_the_answer_connects_the_two(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events)
    events.talking(2)
    user.hang_up()
    events.talking(3)
    gevent.sleep(1.0)
    asked.hang_up()
    result = placed.result()
    assert result.ended_by is EndedBy.CALLEE
    # It is 101's own call, which shows 101; and 101 has left before.
    (seen,) = asked.incoming
    assert (seen.number, seen.display_name, seen.answered) == ("101", "Sales", True)
    assert [call.ended for call in user.incoming] == [True]
    row, taken = books()
    assert taken == {}
    assert (row["direction"], row["from"], row["to"], row["callee"]) == ("incoming", CALLER, DID, "101")
    assert (row["answered_by"], row["transfers"], row["cost"]) == ("102", ["101>102"], None)
    assert row["rules"].index("did") < row["rules"].index("consultation") < row["rules"].index("key")
    assert row["talked"] == about(result.duration)


@pytest.mark.thorough
def test_the_one_who_is_held_hears_that_the_line_is_not_dead(scene: Scene, events: Events) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene, listens=True)
    asks(user, events)
    rings(scene, "102-ip_phone")
    # Nobody has said anything before.
    until(lambda: max(map(abs, placed.heard()[-8000:]), default=0) > 0)
    placed.hang_up()
    placed.result()


def busy_when_called(user: Phone, asked: Phone, events: Events) -> None:
    asked.answer()


def hangs_up(user: Phone, asked: Phone, events: Events) -> None:
    events.talking(2)
    asked.hang_up()


def given_up(user: Phone, asked: Phone, events: Events) -> None:
    user.press("*")


def given_up_while_talking(user: Phone, asked: Phone, events: Events) -> None:
    events.talking(2)
    user.press("*")


@pytest.mark.parametrize(
    ("behaviour", "ends", "talks"),
    [
        pytest.param(refuses(486, None), busy_when_called, 1, id="busy"),
        pytest.param(answers(), hangs_up, 2, id="hangs up"),
        pytest.param(rings_only, given_up, 1, id="given up while it rings"),
        pytest.param(answers(), given_up_while_talking, 2, id="given up while talking"),
    ],
)
@pytest.mark.thorough
def test_a_call_that_comes_to_nothing_leads_back_to_who_is_held(
    scene: Scene, books: Books, events: Events, behaviour: Behaviour, ends: Ends, talks: int
) -> None:
    """As the transfer to 103 shows that follows."""
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", behaviour)
    scene.phone("103-ip_phone", answers(0.1, talks=1.0))
    placed = comes_in(scene)
    asks(user, events)
    rings(scene, "102-ip_phone")
    ends(user, asked, events)
    asks(user, events, "103", "*1", talks=talks + 1, questions=2)
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in calls(scene, "103-ip_phone")] == [True]
    until(lambda: all_ended(*asked.incoming))
    row, taken = books()
    assert taken == {}
    assert (row["answered_by"], row["transfers"]) == ("103", ["101>103"])


@pytest.mark.thorough
def test_the_two_part_as_ever_after_a_call_that_came_to_nothing(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events)
    events.talking(2)
    asked.hang_up()
    events.talking(3)
    gevent.sleep(0.5)
    user.hang_up()
    result = placed.result()
    assert result.ended_by is EndedBy.CALLEE
    assert len(asked.incoming) == 1
    row, _ = books()
    assert (row["answered_by"], row["transfers"]) == ("101", [])
    assert row["talked"] == about(result.duration)


def test_who_hangs_up_while_it_rings_has_transferred_blindly(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers(None))
    placed = comes_in(scene)
    asks(user, events)
    rings(scene, "102-ip_phone")
    user.hang_up()
    rings(scene, "102-ip_phone", times=2)
    asked.answer()
    events.talking(2)
    asked.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [(call.number, call.answered) for call in asked.incoming] == [("101", False), ("101", True)]
    row, taken = books()
    assert taken == {}
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])


@pytest.fixture
def told_at_length(scene: Scene) -> Iterator[None]:
    """That nobody takes the call is said for as long as a scenario may take to do something meanwhile."""
    folder = scene.installation.config.prompts
    assert folder is not None
    sound.write(Path(folder) / "en" / "8000" / f"{Prompt.NOBODY_THERE}.wav", sound.tone(440.0, 20.0))
    yield
    make_short(Path(folder))


@pytest.mark.thorough
def test_who_hangs_up_on_somebody_busy_is_called_back(
    scene: Scene, books: Books, events: Events, told_at_length: None
) -> None:
    """While he is told so."""
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", refuses(486, 0.1))
    placed = comes_in(scene)
    asks(user, events)
    until(lambda: asked.incoming and all_ended(*asked.incoming))
    user.hang_up()
    assert takes(scene, "101-ip_phone", times=2).number == CALLER
    events.talking(2)
    placed.hang_up()
    assert placed.result().code == 200
    assert books()[0]["answered_by"] == "101"


@pytest.mark.thorough
def test_who_is_held_and_hangs_up_leaves_the_two_talking(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events)
    events.talking(2)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    gevent.sleep(0.5)
    assert not any(call.ended for call in (*user.incoming, *asked.incoming))
    # Nobody is connected with anybody when 101 hangs up, and 102 is not left alone.
    user.hang_up()
    until(lambda: all_ended(*user.incoming, *asked.incoming))
    assert books()[0]["transfers"] == []


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("999", id="emergency"),
        pytest.param("101", id="who is held"),
        pytest.param("102", id="himself"),
        pytest.param("0060123456789", id="a country that is not allowed"),
        pytest.param("104", id="do not disturb"),
        pytest.param("1*3", id="given up"),
    ],
)
@pytest.mark.thorough
def test_what_may_not_be_is_told_and_nobody_is_held(scene: Scene, events: Events, number: str) -> None:
    scene.set("extension", "104", "incoming.do_not_disturb=true")
    user = scene.phone("102-ip_phone", answers())
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=NOBODY_HANGS_UP)
    asks(user, events, number)
    is_over(events)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    others = [phone for phone in scene.installation.world.phones if phone.incoming]
    assert [(phone.domain, phone.username) for phone in others] == [(ACME, "102-ip_phone")]
    assert scene.carrier.incoming == []


@pytest.mark.thorough
def test_who_is_asked_transfers_nobody_before_the_two_are_connected(scene: Scene, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events)
    events.talking(2)
    gevent.sleep(MOMENT)
    asked.press("*1")
    gevent.sleep(1.0)
    asked.press("103#")
    gevent.sleep(1.0)
    user.hang_up()
    events.talking(3)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    assert scene.rang() == {"101-ip_phone", "102-ip_phone"}


@pytest.mark.thorough
def test_who_was_asked_can_send_the_call_on_once_connected(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    scene.phone("103-ip_phone", answers(0.1, talks=0.5))
    placed = comes_in(scene)
    asks(user, events)
    events.talking(2)
    user.hang_up()
    asks(asked, events, "103", "*1", talks=3, questions=2)
    assert placed.result().ended_by is EndedBy.CALLEE
    assert books()[0]["transfers"] == ["101>102", "102>103"]


@pytest.mark.thorough
def test_what_a_device_that_is_held_keys_in_does_nothing(scene: Scene, books: Books, events: Events) -> None:
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = scene.installation.world.place(scene.registered("104-ip_phone"), "101", hangup_after=NOBODY_HANGS_UP)
    asks(user, events)
    events.talking(2)
    placed.press("*1")
    gevent.sleep(1.0)
    placed.press("103#")
    user.hang_up()
    events.talking(3)
    gevent.sleep(1.0)
    asked.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    assert scene.rang() == {"101-ip_phone", "102-ip_phone"}
    row, _ = books()
    assert (row["from"], row["answered_by"], row["transfers"]) == ("104", "102", ["101>102"])


def test_an_organisation_that_has_transfers_off_hears_no_code(scene: Scene, events: Events) -> None:
    scene.set("organisation", "transfers=false")
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    events.talking()
    gevent.sleep(MOMENT)
    for code in ("*1", "*2"):
        user.press(code)
        gevent.sleep(1.0)
        user.press("102#")
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    assert scene.rang() == {"101-ip_phone"}
