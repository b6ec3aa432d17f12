"""`bizpbx demo` places the calls of the worked example, and says so when one goes elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from bizpbx.cli import demo as command
from bizpbx.demo import play as playing
from bizpbx.demo.calls import CALLS
from bizpbx.demo.ladder import Played, ladder
from bizpbx.errors import Refused

VIP = Played(
    CALLS[0],
    (("vip", "+6531234567 is on the VIP list of 100: the call is not forwarded"),),
    frozenset({"100-ip_phone", "100-mobile"}),
    frozenset({"100-mobile"}),
    200,
    "OK",
)


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bizpbx", "demo", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


@pytest.mark.thorough
def test_on_the_simulated_switch_every_call_goes_where_it_should() -> None:
    done = demo("--simulated", "--json")
    assert done.returncode == 0, done.stderr
    played = [json.loads(line) for line in done.stdout.splitlines()]
    assert [call["title"] for call in played] == [call.title for call in CALLS]
    assert all(call["as_promised"] for call in played)
    assert "simulated switch" in done.stderr


@pytest.mark.freeswitch
def test_with_freeswitch_installed_the_calls_are_real_and_it_says_so() -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    assert "FreeSWITCH and SIPp are installed" in done.stderr
    assert done.stdout.count("✓ as promised") == len(CALLS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rang": frozenset({"101-ip_phone"})},
        {"answered": frozenset({"100-ip_phone"})},
        {"code": 480},
    ],
    ids=["another phone rings", "another phone answers", "another code"],
)
def test_a_call_that_goes_elsewhere_is_not_as_promised(wrong: dict[str, object]) -> None:
    assert VIP.as_promised
    elsewhere = replace(VIP, **wrong)  # type: ignore[arg-type]
    assert not elsewhere.as_promised
    assert "expected" in "\n".join(ladder(elsewhere))


def test_the_demonstration_fails_if_one_call_goes_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        playing, "play", lambda _kind, _progress: iter([VIP, replace(VIP, code=486, reason="Busy Here")])
    )
    with pytest.raises(Refused, match="1 calls"):
        command.demo(simulated=True)
    assert "NOT as promised" in capsys.readouterr().out


def test_a_ladder_shows_who_called_what_was_decided_who_rang_and_who_answered() -> None:
    text = "\n".join(ladder(VIP))
    for part in (
        "+6531234567",
        "vip: +6531234567 is on the VIP list",
        "100-ip_phone rings",
        "100-mobile rings and answers",
    ):
        assert part in text
    assert "200 OK" in text
    # The lines of the ladder are straight.
    rungs = text.splitlines()[1:]
    column = rungs[0].index("│")
    assert all(rung[column] in "│├┤" for rung in rungs)
