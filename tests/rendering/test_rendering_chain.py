"""The chain of the dialplan on the real switch: what a call becomes when its controllers die, and when."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest

from bizpbx.freeswitch.dial_string import dial_string
from bizpbx.policy.plan import DeviceTarget, Ring, Stage
from bizpbx.policy.settings import DeviceKind
from tests.rendering.controller import Connection, Controller
from tests.rendering.live import LiveSwitch, switch, wait_for
from tests.rendering.phone import Phone
from tests.rendering.samples import organisation

pytestmark = pytest.mark.freeswitch

ACME = "acme.example"
ADDRESS = f"sofia/internal/100-ip_phone.{ACME}%{ACME}"


@pytest.fixture(scope="module")
def controller() -> Controller:
    return Controller()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, controller: Controller) -> Iterator[LiveSwitch]:
    # The first address refuses: the next one is tried.
    with switch(tmp_path_factory.mktemp("switch"), [organisation()], f"127.0.0.1:1|{controller.address}") as running:
        yield running


@pytest.fixture
def called(live: LiveSwitch, controller: Controller) -> Iterator[Phone]:
    controller.seen.clear()
    controller.scripts.clear()
    phone = Phone("100-ip_phone", ACME, live.internal, on_invite=486)
    assert phone.register() == 200
    yield phone
    phone.register(expires=0)
    phone.close()
    assert controller.errors == []


@pytest.fixture
def caller(live: LiveSwitch) -> Iterator[Phone]:
    phone = Phone("101-ip_phone", ACME, live.internal)
    yield phone
    phone.close()


def die(connection: Connection) -> None:
    connection.die()


def test_a_controller_is_told_who_calls_and_where_the_call_stands(
    controller: Controller, caller: Phone, called: Phone
) -> None:
    def decide(connection: Connection) -> None:
        controller.see(connection)
        connection.execute("hangup", "CALL_REJECTED")

    controller.scripts = [decide]
    assert caller.call("100").status == 603
    (data,) = controller.seen
    assert data["variable_bizpbx_organisation"] == ACME
    assert data["variable_bizpbx_device"] == "101-ip_phone"
    assert data["variable_bizpbx_stage"] == "new"
    assert data["Caller-Destination-Number"] == "100"
    assert called.invites == []


def test_an_undecided_call_is_taken_by_the_next_controller(
    controller: Controller, caller: Phone, called: Phone
) -> None:
    def decide(connection: Connection) -> None:
        controller.see(connection)
        connection.execute("hangup", "USER_BUSY")

    controller.scripts = [die, decide]
    assert caller.call("100").status == 486
    assert controller.seen[0]["variable_bizpbx_stage"] == "new"
    assert called.invites == []


def test_an_undecided_call_rings_natively_when_all_controllers_die(
    controller: Controller, caller: Phone, called: Phone
) -> None:
    controller.scripts = [die, die]
    assert caller.call("100").status == 486
    assert len(called.invites) == 1


def test_a_ring_goes_on_without_its_controller_and_its_end_is_known_to_the_next(
    controller: Controller, caller: Phone, called: Phone
) -> None:
    def ring(connection: Connection) -> None:
        controller.see(connection)
        connection.execute("set", "bizpbx_stage=ring")
        connection.start("bridge", ADDRESS)
        assert called.rang.wait(5)
        connection.die()

    def resume(connection: Connection) -> None:
        controller.see(connection)
        connection.execute("hangup", "NO_ANSWER")

    controller.scripts = [ring, resume]
    assert caller.call("100").status == 480
    before, after = controller.seen
    assert "variable_originate_disposition" not in before
    assert after["variable_bizpbx_stage"] == "ring"
    assert after["variable_originate_disposition"] == "USER_BUSY"
    assert before["Unique-ID"] == after["Unique-ID"]
    assert len(called.invites) == 1


def test_a_decided_call_ends_with_what_its_ring_ended_with_when_nobody_resumes_it(
    controller: Controller, caller: Phone, called: Phone
) -> None:
    def ring(connection: Connection) -> None:
        connection.connect()
        connection.execute("set", "bizpbx_stage=ring")
        connection.start("bridge", ADDRESS)
        assert called.rang.wait(5)
        connection.die()

    controller.scripts = [ring]
    assert caller.call("100").status == 486
    assert len(called.invites) == 1, "it does not ring a second time"


def test_a_decided_call_that_never_rang_fails(controller: Controller, caller: Phone, called: Phone) -> None:
    def decide(connection: Connection) -> None:
        connection.connect()
        connection.execute("set", "bizpbx_stage=ring")
        connection.die()

    controller.scripts = [decide]
    assert caller.call("100").status == 503
    assert called.invites == []


def test_each_phone_is_shown_the_number_meant_for_it_beside_one_name(
    live: LiveSwitch, controller: Controller, caller: Phone, called: Phone
) -> None:
    other = Phone("100-mobile", ACME, live.internal, on_invite=486)
    assert other.register() == 200
    phone = DeviceTarget("100", DeviceKind.IP_PHONE, "100-ip_phone", ACME, "+6531234567")
    mobile = dataclasses.replace(phone, kind=DeviceKind.MOBILE, sip_user="100-mobile", number="101")
    both = Ring(Stage.RING, (phone, mobile), 5, caller_name="")

    def ring(connection: Connection) -> None:
        connection.connect()
        connection.execute("set", "effective_caller_id_name=O'Brien, [Sons] {x} <y>")
        connection.execute("bridge", dial_string(both))
        connection.execute("hangup", "USER_BUSY")

    controller.scripts = [ring]
    assert caller.call("100").status == 486
    assert called.invites[0].get("from").startswith('"O\'Brien, [Sons] {x} <y>" <sip:+6531234567@')
    assert other.invites[0].get("from").startswith('"O\'Brien, [Sons] {x} <y>" <sip:101@')
    other.register(expires=0)
    other.close()


def test_a_conversation_goes_on_without_its_controller_and_ends_normally(
    live: LiveSwitch, controller: Controller, caller: Phone, called: Phone
) -> None:
    called.on_invite = 200

    def ring(connection: Connection) -> None:
        controller.see(connection)
        connection.execute("set", "bizpbx_stage=ring")
        connection.start("bridge", ADDRESS)
        wait_for(lambda: [channel["callstate"] for channel in live.channels()] == ["ACTIVE"] * 2)
        connection.die()

    controller.scripts = [ring]
    answer = caller.call("100")
    assert answer.status == 200
    with pytest.raises(AssertionError):
        wait_for(lambda: called.ended.is_set() or caller.ended.is_set(), 1.5)
    assert len(live.channels()) == 2
    caller.hang_up(answer)
    assert called.ended.wait(5)
    wait_for(lambda: live.channels() == [])
    assert len(controller.seen) == 1, "a finished conversation is not decided again"


def test_a_conversation_that_the_called_side_ends_is_not_decided_again(
    live: LiveSwitch, controller: Controller, caller: Phone, called: Phone
) -> None:
    called.on_invite = 200

    def ring(connection: Connection) -> None:
        controller.see(connection)
        connection.start("bridge", ADDRESS)
        wait_for(lambda: [channel["callstate"] for channel in live.channels()] == ["ACTIVE"] * 2)
        connection.die()

    controller.scripts = [ring]
    assert caller.call("100").status == 200
    wait_for(lambda: len(live.channels()) == 2)
    time.sleep(0.5)
    (uuid,) = (channel["uuid"] for channel in live.channels() if channel["direction"] == "outbound")
    live.api(f"uuid_kill {uuid}")
    assert caller.ended.wait(5)
    assert len(controller.seen) == 1
