"""What a controller is told of a call, and what happens to the variables it sets."""

from __future__ import annotations

import pytest

from .benches import Bench
from .conftest import Controller


def test_connect_gives_the_data_of_the_call_url_encoded(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    data = controller.accept().connect()
    assert data["Content-Type"] == "command/reply"
    assert data.raw("Reply-Text") == "%2BOK%0A"
    assert (data["Socket-Mode"], data["Control"]) == ("static", "full")
    assert data.raw("Channel-Name") == "sofia/internal/100%40acme.example"
    assert data["Caller-Destination-Number"] == data["Channel-Destination-Number"] == controller.number
    assert data["Caller-Caller-ID-Number"] == "100"
    assert data["Caller-Context"] == "acme.example"
    assert (data["Channel-State"], data["Answer-State"]) == ("CS_EXECUTE", "ringing")
    assert data["Caller-Privacy-Hide-Number"] == "false"
    assert data["Unique-ID"] == data["variable_uuid"]
    assert data["variable_stage"] == "new"
    assert data.names[-4:] == ["Content-Type", "Reply-Text", "Socket-Mode", "Control"]
    call.cancel()


def test_a_first_command_that_is_not_connect_gets_no_reply(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.send("getvar stage")
    with pytest.raises(TimeoutError):
        client.read(0.3)
    assert client.ask("getvar stage") == "new"
    call.cancel()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("${stage}", "new"),
        ("${stage:1}", "ew"),
        ("${stage:0:2}", "ne"),
        ("${stage:-2}", "ew"),
        ("<${nothing}>", "<>"),
        ("${caller_id_number}", "100"),
        ("${strftime()}", "<API Execute Permission Denied>"),
        ("${strftime %Y}", "<API Execute Permission Denied>"),
        (r"a\\b", r"a\b"),
        (r"it\'s", "its"),
        (r"it\\'s ${stage}", "its new"),
        (r"\${stage}", "new"),
        ("$5", "$5"),
        ("a$$b ${stage}", "a$b new"),
        ("%41%2B 100%", "%41%2B 100%"),
        ("a=b=c", "a=b=c"),
        ("Größe", "Größe"),
        ("it's 'quoted'", "it's 'quoted'"),
        (r"tab\tnew\nline", r"tab\tnew\nline"),
    ],
)
def test_set_expands_its_argument(bench: Bench, controller: Controller, argument: str, value: str) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("set", f"x={argument}") == "+OK"
    assert client.ask("getvar x") == value
    call.cancel()


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("^^|a=1|b=2 3|c=", {"a": "1", "b": "2 3", "c": None}),
        ("a=1 b=2", {"a": "1", "b": "2"}),
        (r"^^:a=1\:2:b=3", {"a": "1:2", "b": "3"}),
        ("^^,a='x,y',b=2", {"a": "x,y", "b": "2"}),
        ("^^|a= x |b=y", {"a": " x", "b": "y"}),
        (r"^^|a=\\\\\\\\n|b=y", {"a": r"\n", "b": "y"}),
        (r"^^|a=it\\'s|b=don\\'t", {"a": "it's", "b": "don't"}),
        (r"^^|a=\s\sx\s|b=y", {"a": "  x ", "b": "y"}),
        (r"^^|a=\\s|b=y", {"a": " ", "b": "y"}),
    ],
)
def test_multiset_splits_and_unescapes(
    bench: Bench, controller: Controller, argument: str, values: dict[str, str | None]
) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "c=set")
    assert client.run("multiset", argument) == "+OK"
    found = client.variables()
    assert {name: found.get(name) for name in values} == values
    call.cancel()


def test_what_looks_like_an_escape_is_not_encoded_again(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "x=%41 %4g é+")
    assert client.connect().raw("variable_x") == "%41%20%254g%20%C3%A9%2B"
    call.cancel()


def test_push_makes_an_array(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("push", "list=a")
    assert client.variables()["list"] == "a"
    client.run("push", "list=b")
    client.run("push", "list=c")
    assert client.variables()["list"] == "ARRAY::a|:b|:c"
    call.cancel()


def test_the_application_in_hand_is_on_the_channel(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    assert client.connect()["variable_current_application"] == "socket"
    client.run("set", "x=${stage}")
    found = client.variables()
    assert (found["current_application"], found["current_application_data"]) == ("set", "x=new")
    call.cancel()
