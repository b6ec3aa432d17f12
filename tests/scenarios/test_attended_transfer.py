"""A user has the other side held, calls somebody, and connects the two by hanging up: what costs stays metered on its
leg, once, to the user who caused it."""

from __future__ import annotations

import gevent
import pytest

from bizpbx.testbed.world import Behaviour, EndedBy, Incoming, PlacedCall, answers, refuses, rings_only
from tests.scenarios.conftest import ACME, Scene, until
from tests.scenarios.test_transfer import CALLER, NOBODY_HANGS_UP, OUTSIDE, Books, books, calls, rings, seconds
from tests.scenarios.test_usage_limit import leases, limit

__all__ = ["books"]

ASKS = ",*2,102#"
DID = "+6564291311"
ALSO_OUTSIDE = "91112222"
KABUL = "0093701234567"


def comes_in(scene: Scene, hangup_after: float = NOBODY_HANGS_UP, listens: bool = False) -> PlacedCall:
    """Somebody outside calls 101."""
    return scene.installation.world.place(scene.carrier.caller(CALLER), DID, hangup_after=hangup_after, listens=listens)


def calls_out(scene: Scene, talking: str, hangup_after: float) -> PlacedCall:
    """101 calls a number, keys this in, and hangs up so many seconds later."""
    return scene.installation.world.place(
        scene.registered("101-ip_phone"), OUTSIDE, hangup_after=hangup_after, talking=talking
    )


def all_ended(*seen: Incoming) -> bool:
    return all(call.ended for call in seen)


def test_who_hangs_up_after_the_answer_connects_the_two(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=2.5))
    scene.phone("102-ip_phone", answers(0.3, talks=4.0))
    result = comes_in(scene).result()
    assert result.ended_by is EndedBy.CALLEE
    # It is 101's own call, which shows 101; and 101 has left before.
    (asked,) = calls(scene, "102-ip_phone")
    assert (asked.number, asked.display_name, asked.answered) == ("101", "Sales", True)
    assert [call.ended for call in calls(scene, "101-ip_phone")] == [True]
    row, taken = books()
    assert taken == {}
    assert (row["direction"], row["from"], row["to"], row["callee"]) == ("incoming", CALLER, DID, "101")
    assert (row["answered_by"], row["transfers"], row["cost"]) == ("102", ["101>102"], None)
    assert row["rules"].index("did") < row["rules"].index("consultation") < row["rules"].index("key")
    assert row["talked"] == round(result.duration)


@pytest.mark.thorough
def test_a_call_out_stays_metered_when_its_user_has_left(scene: Scene, books: Books) -> None:
    scene.phone("102-ip_phone", answers(0.3, talks=4.5))
    result = calls_out(scene, ASKS, hangup_after=2.5).result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    (lease,) = taken["101"]
    assert seconds(lease) == row["talked"] > round(result.duration)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+6561234567")
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])
    assert row["cost"] == f"{row['talked'] / 100:.2f}"


@pytest.mark.thorough
def test_a_number_that_is_asked_is_charged_to_who_asks_until_it_hangs_up(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{OUTSIDE}#", talks=2.5))
    assert comes_in(scene, hangup_after=7.0).result().ended_by is EndedBy.CALLER
    (out,) = scene.carrier.incoming
    assert (out.to_user, out.diversion) == ("+6561234567", None)
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    assert seconds(taken["101"][0]) >= 3
    assert row["cost"] == f"{seconds(taken['101'][0]) / 100:.2f}"
    assert (row["answered_by"], row["transfers"]) == ("+6561234567", ["101>61234567"])


@pytest.mark.thorough
def test_two_numbers_that_are_connected_are_each_charged_to_who_called_them(scene: Scene, books: Books) -> None:
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(0.3, talks=6.0))
    calls_out(scene, f",*2,{ALSO_OUTSIDE}#", hangup_after=2.0).result()
    until(lambda: len(scene.carrier.incoming) == 2 and all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [2]
    first, second = taken["101"]
    assert {first.number, second.number} == {"+6561234567", "+6591112222"}
    assert row["cost"] == f"{(seconds(first) + seconds(second)) / 100:.2f}"
    # They count as two for the guard.
    assert first.call != second.call


@pytest.mark.thorough
def test_the_one_who_is_held_hears_that_the_line_is_not_dead(scene: Scene) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=3.0))
    placed = comes_in(scene, hangup_after=5.0, listens=True)
    rings(scene, "102-ip_phone")
    gevent.sleep(0.5)
    assert max(map(abs, placed.heard()[-8000:]), default=0) > 0
    placed.result()


@pytest.mark.parametrize(
    ("user", "behaviour", "keys"),
    [
        pytest.param("102-ip_phone", refuses(486, 0.2), ",*2,102#,,", id="busy"),
        pytest.param("102-ip_phone", answers(0.2, talks=0.8), ",*2,102#,,", id="hangs up"),
        pytest.param("102-ip_phone", rings_only, ",*2,102#,*", id="given up while it rings"),
        pytest.param("102-ip_phone", answers(0.2), ",*2,102#,*", id="given up while talking"),
    ],
)
@pytest.mark.thorough
def test_a_call_that_comes_to_nothing_leads_back_to_who_is_held(
    scene: Scene, books: Books, user: str, behaviour: Behaviour, keys: str
) -> None:
    """As the transfer to 103 shows that follows."""
    scene.phone("101-ip_phone", answers(0.1, keys=f"{keys},,*1,103#"))
    scene.phone(user, behaviour)
    scene.phone("103-ip_phone", answers(0.1, talks=1.0))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in calls(scene, "103-ip_phone")] == [True]
    until(lambda: all_ended(*calls(scene, user)))
    row, taken = books()
    assert taken == {}
    assert (row["answered_by"], row["transfers"]) == ("103", ["101>103"])


@pytest.mark.thorough
def test_the_two_part_as_ever_after_a_call_that_came_to_nothing(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=",*2,102#,,", talks=4.0))
    scene.phone("102-ip_phone", answers(0.1, talks=0.7))
    result = comes_in(scene).result()
    assert result.ended_by is EndedBy.CALLEE
    assert len(calls(scene, "102-ip_phone")) == 1
    row, _ = books()
    assert (row["answered_by"], row["transfers"]) == ("101", [])
    assert row["talked"] == round(result.duration)


def test_who_hangs_up_while_it_rings_has_transferred_blindly(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=1.0))
    scene.phone("102-ip_phone", answers(2.0, talks=0.5))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    assert [(call.number, call.answered) for call in calls(scene, "102-ip_phone")] == [("101", False), ("101", True)]
    row, taken = books()
    assert taken == {}
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])


@pytest.mark.thorough
def test_who_hangs_up_on_a_number_that_rings_pays_for_the_transfer_once(scene: Scene, books: Books) -> None:
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(2.0, talks=1.0))
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{OUTSIDE}#", talks=1.0))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in scene.carrier.incoming] == [False, True]
    row, taken = books()
    # The first was never answered.
    assert [lease.answered_at is not None for lease in taken["101"]] == [False, True]
    assert row["cost"] == f"{seconds(taken['101'][1]) / 100:.2f}"
    assert row["transfers"] == ["101>61234567"]


@pytest.mark.thorough
def test_who_hangs_up_on_somebody_busy_is_called_back(scene: Scene, books: Books) -> None:
    """While he is told so."""
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=0.6))
    scene.phone("102-ip_phone", refuses(486, 0.4))
    placed = comes_in(scene, hangup_after=7.0)
    back = rings(scene, "101-ip_phone", times=2)
    assert back.number == CALLER
    assert placed.result().code == 200
    assert books()[0]["answered_by"] == "101"


@pytest.mark.thorough
def test_who_is_held_and_hangs_up_leaves_the_two_talking(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=4.0))
    scene.phone("102-ip_phone", answers(0.2))
    assert comes_in(scene, hangup_after=3.0).result().ended_by is EndedBy.CALLER
    gevent.sleep(0.3)
    assert not all_ended(*calls(scene, "102-ip_phone"))
    # Nobody is connected with anybody when 101 hangs up, and 102 is not left alone.
    until(lambda: all_ended(*calls(scene, "101-ip_phone"), *calls(scene, "102-ip_phone")))
    assert books()[0]["transfers"] == []


@pytest.mark.thorough
def test_the_limit_cuts_a_number_that_was_asked_after_its_user_has_left(scene: Scene, books: Books) -> None:
    limit(scene, "101", 7)
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{OUTSIDE}#", talks=2.0))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    _, taken = books()
    assert 6 <= seconds(taken["101"][0]) <= 7


@pytest.mark.parametrize("code", ["*1", "*2"], ids=["blind", "attended"])
@pytest.mark.thorough
def test_a_leg_is_renewed_when_its_user_has_left(scene: Scene, books: Books, code: str) -> None:
    """Given sixteen seconds, and a limit that is raised when 101 has gone; the two talk for more than that."""
    limit(scene, "101", 16)
    scene.phone("102-ip_phone", answers(0.2, talks=17.0))
    placed = calls_out(scene, f",{code},102#", hangup_after=1.5 if code == "*2" else NOBODY_HANGS_UP)
    placed.result()
    assert leases(scene, "101")[-1].granted_seconds == 16
    limit(scene, "101", 600)
    until(lambda: all_ended(*scene.carrier.incoming), 40.0)
    row, taken = books()
    (lease,) = taken["101"]
    assert (lease.granted_seconds or 0) > 16
    assert seconds(lease) == row["talked"] > 16


@pytest.mark.thorough
def test_who_cannot_pay_for_the_call_is_told_and_goes_back(scene: Scene, books: Books) -> None:
    limit(scene, "101", 0)
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{OUTSIDE}#,,*1,103#"))
    scene.phone("103-ip_phone", answers(0.1, talks=0.5))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.fixture
def passcode(scene: Scene) -> str:
    """Of 101, for calls to Kabul."""
    scene.set("rule", "Standard", "countries.AF=passcode")
    scene.set("extension", "101", "passcode=24681357")
    return "24681357"


@pytest.mark.thorough
def test_who_calls_where_a_passcode_is_required_is_asked_for_it(scene: Scene, books: Books, passcode: str) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{KABUL}#,,{passcode}#", talks=2.0))
    assert comes_in(scene, hangup_after=10.0).result().ended_by is EndedBy.CALLER
    assert [(call.to_user, call.answered) for call in scene.carrier.incoming] == [("+93701234567", True)]
    row, taken = books()
    assert [(lease.number, seconds(lease) >= 2) for lease in taken["101"]] == [("+93701234567", True)]
    assert row["transfers"] == [f"101>{KABUL}"]


@pytest.mark.thorough
def test_who_hangs_up_instead_has_the_call_back(scene: Scene, books: Books, passcode: str) -> None:
    """Nobody else can be asked for it."""
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{KABUL}#", talks=1.0))
    placed = comes_in(scene, hangup_after=7.0)
    assert rings(scene, "101-ip_phone", times=2).number == CALLER
    assert placed.result().code == 200
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("999#", id="emergency"),
        pytest.param("101#", id="who is held"),
        pytest.param("102#", id="himself"),
        pytest.param("0060123456789#", id="a country that is not allowed"),
        pytest.param("104#", id="do not disturb"),
        pytest.param("1*3#", id="given up"),
    ],
)
@pytest.mark.thorough
def test_what_may_not_be_is_told_and_nobody_is_held(scene: Scene, keys: str) -> None:
    scene.set("extension", "104", "incoming.do_not_disturb=true")
    scene.phone("102-ip_phone", answers(0.1, keys=f",*2,{keys}"))
    result = scene.from_phone("101-ip_phone", "102", hangup_after=4.0)
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    others = [phone for phone in scene.installation.world.phones if phone.incoming]
    assert [(phone.domain, phone.username) for phone in others] == [(ACME, "102-ip_phone")]
    assert scene.carrier.incoming == []


@pytest.mark.thorough
def test_who_is_asked_transfers_nobody_before_the_two_are_connected(scene: Scene) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=5.0))
    scene.phone("102-ip_phone", answers(0.2, keys=",*1,103#"))
    assert comes_in(scene, hangup_after=8.5).result().ended_by is EndedBy.CALLER
    assert scene.rang() == {"101-ip_phone", "102-ip_phone"}


@pytest.mark.thorough
def test_who_was_asked_can_send_the_call_on_once_connected(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=ASKS, talks=1.5))
    scene.phone("102-ip_phone", answers(0.2, keys=",,,*1,103#"))
    scene.phone("103-ip_phone", answers(0.1, talks=0.5))
    assert comes_in(scene).result().ended_by is EndedBy.CALLEE
    assert books()[0]["transfers"] == ["101>102", "102>103"]


@pytest.mark.thorough
def test_what_a_device_that_is_held_keys_in_does_nothing(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=",*2,102#", talks=4.0))
    scene.phone("102-ip_phone", answers(0.2, talks=6.0))
    placed = scene.installation.world.place(
        scene.registered("104-ip_phone"), "101", hangup_after=NOBODY_HANGS_UP, talking=",,,,*1,103#"
    )
    assert placed.result().ended_by is EndedBy.CALLEE
    assert scene.rang() == {"101-ip_phone", "102-ip_phone"}
    row, _ = books()
    assert (row["from"], row["answered_by"], row["transfers"]) == ("104", "102", ["101>102"])


def test_an_organisation_that_has_transfers_off_hears_no_code(scene: Scene) -> None:
    scene.set("organisation", "transfers=false")
    scene.phone("101-ip_phone", answers(0.1, keys=",*1,102#,*2,102#"))
    assert comes_in(scene, hangup_after=5.0).result().ended_by is EndedBy.CALLER
    assert scene.rang() == {"101-ip_phone"}
