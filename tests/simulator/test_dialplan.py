"""The dialplan: hunting, transfers, and what happens where it ends."""

from __future__ import annotations

from .benches import Bench
from .client import Client, is_goodbye
from .conftest import Controller


def connected(bench: Bench, controller: Controller) -> Client:
    bench.call(controller.number)
    client = controller.accept()
    client.connect()
    return client


def test_conditions_breaks_and_captures(bench: Bench, controller: Controller) -> None:
    client = connected(bench, controller)
    assert client.run("execute_extension", "x12 XML conditions") == "+OK"
    found = client.variables()
    assert found["captured"] == "x-12-."
    assert "first" not in found
    assert found["second"] == "new"
    assert "third" not in found
    assert found["fourth"] == "anti"
    assert "fifth" not in found
    assert found["nested"] == "yes"
    assert found["any"] == "100"
    assert found["inline"] == "yes"
    assert "too_late" not in found
    client.run("hangup")


def test_anti_actions_and_later_stages(bench: Bench, controller: Controller) -> None:
    client = connected(bench, controller)
    client.run("set", "stage=ring")
    client.run("execute_extension", "y XML conditions")
    found = client.variables()
    assert found["first"] == "no"
    assert not {"captured", "second", "third", "nested"} & set(found)
    assert (found["fourth"], found["fifth"]) == ("anti", "yes")
    assert found["any"] == "$1"
    client.run("hangup")


def test_auto_hunt_goes_to_the_extension_of_that_name(bench: Bench, controller: Controller) -> None:
    client = connected(bench, controller)
    client.run("set", "auto_hunt=true")
    client.run("execute_extension", "6564291310 XML hunted")
    assert client.variables()["hunted"] == "named"
    client.run("execute_extension", "6564291311 XML hunted")
    assert client.variables()["hunted"] == "unknown"
    client.run("hangup")


def test_execute_extension_leaves_the_destination_alone(bench: Bench, controller: Controller) -> None:
    client = connected(bench, controller)
    client.run("execute_extension", "x12 XML conditions")
    data = client.connect()
    assert (data["Caller-Destination-Number"], data["Caller-Context"]) == (controller.number, "acme.example")
    assert client.run("execute_extension", "x XML no-such-context") == "+OK"
    assert client.run("execute_extension", "no-such XML acme.example") == "+OK"
    client.run("hangup")


def test_transfer_takes_effect_when_the_controller_lets_go(bench: Bench, controller: Controller) -> None:
    client = connected(bench, controller)
    other = Controller()
    assert client.run("transfer", f"{other.number} XML acme.example") == "+OK"
    assert client.connect()["Caller-Destination-Number"] == other.number
    client.ask("exit")
    second = other.accept()
    data = second.connect()
    assert data["Caller-Destination-Number"] == other.number
    assert data["Caller-RDNIS"] == controller.number
    assert "variable_after" not in data
    second.run("hangup")
    other.close()


def test_too_many_transfers_end_the_call(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "max_session_transfers=1")
    assert client.run("transfer", f"{controller.number} XML acme.example") == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == 483


def test_nothing_matches(bench: Bench) -> None:
    assert bench.call("no-such-extension").final() == 404


def test_the_actions_run_out(bench: Bench) -> None:
    assert bench.call("nothing-left").final() == 480


def test_an_unknown_application(bench: Bench) -> None:
    assert bench.call("unknown").final() == 502


def test_no_controller_listens(bench: Bench) -> None:
    assert bench.call("nobody-listens").final() == 483
