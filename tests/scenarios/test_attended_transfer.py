"""A user has the other side held, calls somebody, and connects the two by hanging up: what costs stays metered on its
leg, once, to the user who caused it."""

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
    OUTSIDE,
    Books,
    about,
    all_ended,
    books,
    calls,
    calls_out,
    comes_in,
    is_over,
    rings,
    seconds,
    takes,
)
from tests.scenarios.test_usage_limit import leases, limit

__all__ = ["books", "events"]

ALSO_OUTSIDE = "91112222"
KABUL = "0093701234567"
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
def test_a_call_out_stays_metered_when_its_user_has_left(scene: Scene, books: Books, events: Events) -> None:
    asked = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events)
    events.talking(2)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    events.talking(3)
    gevent.sleep(2.0)
    asked.hang_up()
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    (lease,) = taken["101"]
    assert about(row["talked"]) == seconds(lease) > round(result.duration)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+6561234567")
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])
    assert row["cost"] == f"{row['talked'] / 100:.2f}"


@pytest.mark.thorough
def test_a_number_that_is_asked_is_charged_to_who_asks_until_it_hangs_up(
    scene: Scene, books: Books, events: Events
) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    events.talking(2)
    user.hang_up()
    events.talking(3)
    gevent.sleep(3.0)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    (out,) = scene.carrier.incoming
    assert (out.to_user, out.diversion) == ("+6561234567", None)
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    assert seconds(taken["101"][0]) >= 3
    assert row["cost"] == f"{seconds(taken['101'][0]) / 100:.2f}"
    assert (row["answered_by"], row["transfers"]) == ("+6561234567", ["101>61234567"])


@pytest.mark.thorough
def test_two_numbers_that_are_connected_are_each_charged_to_who_called_them(
    scene: Scene, books: Books, events: Events
) -> None:
    placed = calls_out(scene)
    asks(placed, events, ALSO_OUTSIDE)
    events.talking(2)
    placed.hang_up()
    events.talking(3)
    gevent.sleep(1.0)
    scene.carrier.hang_up()
    until(lambda: len(scene.carrier.incoming) == 2 and all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [2]
    first, second = taken["101"]
    assert {first.number, second.number} == {"+6561234567", "+6591112222"}
    assert row["cost"] == f"{(seconds(first) + seconds(second)) / 100:.2f}"
    # They count as two for the guard.
    assert first.call != second.call


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


@pytest.mark.thorough
def test_who_hangs_up_on_a_number_that_rings_pays_for_the_transfer_once(
    scene: Scene, books: Books, events: Events
) -> None:
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(None))
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    until(lambda: len(scene.carrier.incoming) == 1)
    user.hang_up()
    until(lambda: len(scene.carrier.incoming) == 2)
    scene.carrier.answer()
    events.talking(2)
    gevent.sleep(1.0)
    scene.carrier.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in scene.carrier.incoming] == [False, True]
    row, taken = books()
    # The first was never answered.
    assert [lease.answered_at is not None for lease in taken["101"]] == [False, True]
    assert row["cost"] == f"{seconds(taken['101'][1]) / 100:.2f}"
    assert row["transfers"] == ["101>61234567"]


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


@pytest.mark.thorough
def test_the_limit_cuts_a_number_that_was_asked_after_its_user_has_left(
    scene: Scene, books: Books, events: Events
) -> None:
    limit(scene, "101", 7)
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    events.talking(2)
    user.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    _, taken = books()
    assert 6 <= seconds(taken["101"][0]) <= 7


@pytest.mark.parametrize("code", ["*1", "*2"], ids=["blind", "attended"])
@pytest.mark.thorough
def test_a_leg_is_renewed_when_its_user_has_left(scene: Scene, books: Books, events: Events, code: str) -> None:
    """Given sixteen seconds, and a limit that is raised when 101 has gone; the two talk for more than that."""
    limit(scene, "101", 16)
    asked = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events, code=code)
    events.talking(2)
    if code == "*2":
        placed.hang_up()
        events.talking(3)
    placed.result()
    assert leases(scene, "101")[-1].granted_seconds == 16
    limit(scene, "101", 600)
    gevent.sleep(16.5)
    asked.hang_up()
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    (lease,) = taken["101"]
    assert (lease.granted_seconds or 0) > 16
    assert about(row["talked"]) == seconds(lease) > 16


@pytest.mark.thorough
def test_who_cannot_pay_for_the_call_is_told_and_goes_back(scene: Scene, books: Books, events: Events) -> None:
    limit(scene, "101", 0)
    user = scene.phone("101-ip_phone", answers())
    scene.phone("103-ip_phone", answers(0.1, talks=0.5))
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    asks(user, events, "103", "*1", talks=2, questions=2)
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in calls(scene, "103-ip_phone")] == [True]
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.fixture
def passcode(scene: Scene) -> str:
    """Of 101, for calls to Kabul."""
    scene.set("rule", "Standard", "countries.AF=passcode")
    scene.set("extension", "101", "passcode=24681357")
    return "24681357"


@pytest.mark.thorough
def test_who_calls_where_a_passcode_is_required_is_asked_for_it(
    scene: Scene, books: Books, events: Events, passcode: str
) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, KABUL)
    events.runs("play_and_get_digits", 2)
    user.press(f"{passcode}#")
    events.talking(2)
    user.hang_up()
    events.talking(3)
    gevent.sleep(2.0)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    assert [(call.to_user, call.answered) for call in scene.carrier.incoming] == [("+93701234567", True)]
    row, taken = books()
    assert [(lease.number, seconds(lease) >= 2) for lease in taken["101"]] == [("+93701234567", True)]
    assert row["transfers"] == [f"101>{KABUL}"]


@pytest.mark.thorough
def test_who_hangs_up_instead_has_the_call_back(scene: Scene, books: Books, events: Events, passcode: str) -> None:
    """Nobody else can be asked for it."""
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, KABUL)
    events.runs("play_and_get_digits", 2)
    user.hang_up()
    assert takes(scene, "101-ip_phone", times=2).number == CALLER
    placed.hang_up()
    assert placed.result().code == 200
    assert scene.carrier.incoming == []
    assert books()[1] == {}


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
