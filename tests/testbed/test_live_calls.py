"""Phones and a carrier on a real switch: what the testbed reports is what happened."""

from __future__ import annotations

import pytest

from bizpbx.testbed.sipp import SippWorld, load
from bizpbx.testbed.sipp.phone import SippPhone
from bizpbx.testbed.world import (
    Behaviour,
    EndedBy,
    TestbedError,
    World,
    answered,
    answers,
    busy,
    declines,
    rang,
    rings_only,
    unregistered,
)

from .static_switch import DOMAIN, Static, password

pytestmark = pytest.mark.freeswitch


def phone(world: SippWorld, username: str, behaviour: Behaviour = rings_only) -> SippPhone:
    made = world.phone(DOMAIN, username, password(username), behaviour)
    assert made.registration.registered or not behaviour.registers
    return made


def test_a_world_of_sipp_phones_is_a_world(world: SippWorld) -> None:
    as_any_scenario_sees_it: World = world
    assert list(as_any_scenario_sees_it.phones) == []


def test_registers_with_its_own_password_only(world: SippWorld) -> None:
    assert world.phone(DOMAIN, "101-ip_phone", "wrong").registration.code == 403
    assert world.phone(DOMAIN, "nobody", "wrong").registration.code == 403
    assert world.phone(DOMAIN, "101-ip_phone", password("101-ip_phone")).registration.code == 200


def test_a_switch_that_is_not_there_refuses_nobody(world: SippWorld) -> None:
    elsewhere = SippWorld(world.ports.one(), world.ports.one(), patience=0.5)
    with elsewhere:
        assert not elsewhere.phone(DOMAIN, "101-ip_phone", "any").registration.registered


def test_caller_and_called_hang_up_when_they_are_told(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", answers(None))
    for who in EndedBy.CALLER, EndedBy.CALLEE:
        placed = world.place(anna, "101", hangup_after=None)
        placed.wait_for(180)
        ben.answer()
        placed.wait_for(200)
        (placed if who is EndedBy.CALLER else ben).hang_up()
        result = placed.result()
        assert (result.code, result.ended_by) == (200, who)
        world.settle()


def test_one_phone_calls_another(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", answers(after=0.1))

    result = world.call(anna, "101", hangup_after=0.2)

    assert (result.code, result.provisional) == (200, (100, 180))
    assert result.ended_by is EndedBy.CALLER
    assert result.time_to_ring is not None and result.time_to_answer is not None
    assert result.time_to_answer - result.time_to_ring >= 0.05
    assert result.duration >= 0.15
    (seen,) = ben.incoming
    assert (seen.number, seen.rang, seen.answered, seen.cancelled, seen.ended) == (
        "100-ip_phone",
        True,
        True,
        False,
        True,
    )
    assert rang(world) == answered(world) == {"101-ip_phone"}
    assert not anna.incoming


def test_the_callee_hangs_up(world: SippWorld) -> None:
    anna = phone(world, "100-ip_phone")
    phone(world, "101-ip_phone", answers(after=0, talks=0.2))

    result = world.call(anna, "101", hangup_after=None)

    assert result.answered
    assert result.ended_by is EndedBy.CALLEE
    assert result.cause is not None and "NORMAL_CLEARING" in result.cause


@pytest.mark.parametrize(
    ("behaviour", "code"), [(busy, 486), (declines, 603), (unregistered, 480)], ids=["busy", "declines", "unregistered"]
)
def test_nobody_takes_the_call(world: SippWorld, behaviour: Behaviour, code: int) -> None:
    anna = phone(world, "100-ip_phone")
    phone(world, "101-ip_phone", behaviour)

    result = world.call(anna, "101")

    assert result.code == code
    assert not result.answered
    assert rang(world) == set()


def test_a_phone_that_is_told_to_stop_ringing(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", rings_only)

    result = world.call(anna, "short-101")

    assert result.code == 480
    (seen,) = ben.incoming
    assert seen.rang and seen.cancelled and not seen.answered
    assert seen.cancel_reason is not None and "NO_ANSWER" in seen.cancel_reason


def test_the_caller_gives_up(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", rings_only)

    result = world.call(anna, "101", cancel_after=0.2)

    assert result.code == 487
    (seen,) = ben.incoming
    assert seen.rang and seen.cancelled and seen.ended


@pytest.mark.parametrize(("dialled", "code"), [("403", 403), ("999", 404)])
def test_the_switch_refuses(world: SippWorld, dialled: str, code: int) -> None:
    assert world.call(phone(world, "100-ip_phone"), dialled).code == code


def test_a_caller_with_a_wrong_password(world: SippWorld) -> None:
    stranger = world.phone(DOMAIN, "101-ip_phone", "wrong")
    assert world.call(stranger, "100").code == 403


def test_two_phones_ring_and_the_first_to_answer_wins(world: SippWorld) -> None:
    caller = phone(world, "101-ip_phone")
    slow, fast = phone(world, "100-ip_phone", rings_only), phone(world, "100-mobile", answers(after=0.15))

    result = world.call(caller, "100")

    assert result.answered
    assert rang(world) == {"100-ip_phone", "100-mobile"}
    assert answered(world) == {"100-mobile"}
    assert slow.incoming[0].cancelled and not fast.incoming[0].cancelled
    assert "Call completed elsewhere" in (slow.incoming[0].cancel_reason or "")


def test_a_call_from_outside(world: SippWorld, switch: Static) -> None:
    desk = phone(world, "100-ip_phone", answers())
    carrier = world.carrier(switch.carrier_port)

    result = world.call(
        carrier.caller("+6531234567", display_name="Élan [x]", headers={"X-Trace": "a, b"}), "+6564291310"
    )

    assert result.answered
    (seen,) = desk.incoming
    assert (seen.number, seen.display_name, seen.privacy) == ("+6531234567", "Élan [x]", None)


def test_a_withheld_number(world: SippWorld, switch: Static) -> None:
    desk = phone(world, "100-ip_phone", answers())
    carrier = world.carrier(switch.carrier_port)

    assert world.call(carrier.caller("+6531234567", withheld=True), "+6564291310").answered
    assert desk.incoming[0].privacy == "id"


def test_a_call_to_the_outside(world: SippWorld, switch: Static) -> None:
    carrier = world.carrier(switch.carrier_port, answers(after=0.1))

    assert world.call(phone(world, "100-ip_phone"), "+4930123456").answered

    (seen,) = carrier.incoming
    assert (seen.number, seen.display_name) == ("+6564291310", "Acme [one]")
    assert (seen.to_user, seen.diversion) == ("+4930123456", "+6564291311")
    assert "unconditional" in (seen.header("diversion") or "")


def test_a_busy_number_outside(world: SippWorld, switch: Static) -> None:
    world.carrier(switch.carrier_port, busy)
    assert world.call(phone(world, "100-ip_phone"), "+4930123456").code == 486


def test_in_and_out_again_through_the_same_carrier(world: SippWorld, switch: Static) -> None:
    carrier = world.carrier(switch.carrier_port)

    assert world.call(carrier.caller("+6531234567"), "+6564291312").answered
    assert [(seen.number, seen.to_user) for seen in carrier.incoming] == [("+6531234567", "+6599999999")]


def test_several_calls_at_once(world: SippWorld, switch: Static) -> None:
    anna, carrier = phone(world, "101-ip_phone"), world.carrier(switch.carrier_port)
    desk = phone(world, "100-ip_phone", answers(after=0))

    placed = [world.place(carrier.caller(f"+653123456{digit}"), "+6564291310", hangup_after=0.3) for digit in range(3)]
    placed.append(world.place(anna, "100", hangup_after=0.3))

    for call in placed:
        call.wait_for(200)
    assert all(call.result().answered for call in placed)
    world.settle()
    assert {seen.number for seen in desk.incoming} == {"+6531234560", "+6531234561", "+6531234562", "101-ip_phone"}


def test_a_call_that_never_ends_is_given_up(world: SippWorld) -> None:
    anna = phone(world, "100-ip_phone")
    phone(world, "101-ip_phone", rings_only)
    with pytest.raises(TestbedError, match="did not end within"):
        world.call(anna, "101", timeout=0.5)


def test_a_phone_forgets_and_is_replaced(world: SippWorld) -> None:
    anna = phone(world, "100-ip_phone")
    phone(world, "101-ip_phone", busy)
    assert world.call(anna, "101").code == 486
    phone(world, "101-ip_phone", answers())
    assert world.call(anna, "101").answered
    assert rang(world) == {"101-ip_phone"}
    world.forget()
    assert rang(world) == set()


def test_a_phone_signs_off(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", answers())
    ben.unregister()
    assert world.call(anna, "101").code == 480


def test_load(world: SippWorld) -> None:
    anna, ben = phone(world, "100-ip_phone"), phone(world, "101-ip_phone", answers(after=0))

    result = load(world, anna, "101", calls=20, rate=20)

    assert (result.calls, result.answered, result.failures) == (20, 20, {})
    assert result.to_ring is not None and result.to_answer is not None
    assert 0 < result.to_ring.p50 <= result.to_ring.p90 <= result.to_ring.p99 <= result.to_ring.worst
    assert result.to_ring.p50 <= result.to_answer.p50
    assert len(ben.incoming) == 20


def test_load_on_a_busy_phone(world: SippWorld) -> None:
    anna = phone(world, "100-ip_phone")
    phone(world, "101-ip_phone", busy)
    result = load(world, anna, "101", calls=5, rate=20)
    assert (result.answered, result.failures, result.to_answer) == (0, {486: 5}, None)
