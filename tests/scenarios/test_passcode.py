"""Countries that a passcode opens: keyed in before anything is dialled, and locked after too many wrong ones."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.installation import SwitchKind, event_socket_password
from bizpbx.testbed.world import SAMPLE_RATE, CallResult
from tests.scenarios.conftest import ACME, Scene, until
from tests.scenarios.events import Events, events

__all__ = ["events"]

KABUL = "+93701234567"
RIGHT = "24681357"
"""Long enough to stand nowhere by chance."""

UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def passcode(scene: Scene) -> None:
    scene.set("rule", "Standard", "countries.AF=passcode")
    scene.set("extension", "101", f"passcode={RIGHT}")


def dial(scene: Scene, keys: str = "", to: str = KABUL, user: str = "101-ip_phone") -> CallResult:
    return scene.installation.world.call(scene.registered(user), to, hangup_after=0.2, keys=keys)


def locks(scene: Scene) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        scene.installation.bizpbx("lockout", "list", "--json", "--organisation", ACME)
    )
    return found


def test_the_right_passcode_connects(scene: Scene) -> None:
    result = dial(scene, f"{RIGHT}#")
    assert result.code == 200
    assert 183 in result.provisional
    assert [call.to_user for call in scene.carrier.incoming] == [KABUL]


def test_the_right_one_after_a_wrong_one_connects(scene: Scene) -> None:
    assert dial(scene, f"1111#,,{RIGHT}#").code == 200
    assert len(scene.carrier.incoming) == 1


@pytest.mark.thorough
def test_three_wrong_ones_are_told_and_refused_and_nothing_is_dialled(scene: Scene) -> None:
    result = dial(scene, "1111#,,2222#,,3333#")
    assert result.code == 403
    assert 183 in result.provisional
    assert scene.carrier.incoming == []
    assert [(row["extension"], row["wrong"], row["locked_until"]) for row in locks(scene)] == [("101", 3, None)]


@pytest.mark.parametrize(
    ("keys", "cancel", "code"), [("#,,#,,#", None, 403), ("", 1.5, 487)], ids=["empty", "gives up"]
)
@pytest.mark.thorough
def test_who_keys_nothing_in_gets_nowhere_and_is_not_counted(
    scene: Scene, keys: str, cancel: float | None, code: int
) -> None:
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, keys=keys, cancel_after=cancel)
    assert placed.result().code == code
    assert scene.carrier.incoming == []
    assert locks(scene) == []


def test_without_a_passcode_the_call_goes_through_unless_the_organisation_refuses(scene: Scene) -> None:
    assert dial(scene, user="102-ip_phone").code == 200
    scene.set("organisation", "refuse_without_passcode=true")
    scene.carrier.forget()
    result = dial(scene, user="102-ip_phone")
    assert result.code == 403
    assert 183 in result.provisional
    assert scene.carrier.incoming == []


def test_a_denied_country_is_told_and_never_dialled(scene: Scene) -> None:
    result = dial(scene, to="+60123456789")
    assert result.code == 403
    assert 183 in result.provisional
    assert scene.carrier.incoming == []


def test_a_country_without_it_and_an_emergency_number_are_not_asked_for_it(scene: Scene) -> None:
    assert dial(scene, to="61234567").code == 200
    assert dial(scene, to="995").code == 200
    assert [call.to_user for call in scene.carrier.incoming] == ["+6561234567", "995"]


@pytest.mark.thorough
def test_five_wrong_ones_across_three_calls_and_a_restart_lock_until_it_is_cleared(scene: Scene) -> None:
    first = scene.installation.controllers[0]
    assert dial(scene, "1111#,,2222#,,3333#").code == 403
    first.kill()
    first.start()
    # The caller gives up after the fourth one; the count stays.
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, cancel_after=2.0, keys="4444#")
    assert placed.result().code == 487
    assert dial(scene, "5555#").code == 403
    assert locks(scene)[0]["lockouts"] == 1
    # Locked, the right one is not even asked for; an emergency call goes out.
    assert dial(scene).code == 403
    assert scene.carrier.incoming == []
    assert dial(scene, to="995").code == 200
    assert "passcode.locked" in first.log.read_text()
    scene.installation.bizpbx("lockout", "clear", "101", "--organisation", ACME)
    assert dial(scene, f"{RIGHT}#").code == 200


@pytest.mark.thorough
def test_a_controller_that_dies_while_asking_is_replaced_by_one_that_asks_again(scene: Scene, events: Events) -> None:
    first, second = scene.installation.controllers
    second.start()
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, hangup_after=0.2, listens=True)
    until(lambda: len(placed.heard()) > 0)
    wrong = "1111#"
    placed.press(wrong)
    # Each key was waited for, and the second question is being asked. The switch ends it by itself.
    events.runs("play_and_get_digits", len(wrong) + 1)
    first.kill()
    events.runs("play_and_get_digits", len(wrong) + 2)
    placed.press(f"{RIGHT}#")
    assert placed.result().code == 200
    assert [call.to_user for call in scene.carrier.incoming] == [KABUL]


@pytest.mark.thorough
def test_without_any_controller_nobody_gets_through(scene: Scene) -> None:
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, keys=f",,,,{RIGHT}#")
    placed.wait_for(183)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 503
    assert scene.carrier.incoming == []


def test_the_digits_are_in_no_log_no_record_and_on_no_channel(scene: Scene) -> None:
    before = {path: path.stat().st_size for path in scene.installation.folder.rglob("*.log")}
    listener = subscribed(scene)
    placed = scene.installation.world.place(
        scene.registered("101-ip_phone"), KABUL, hangup_after=1.5, keys=f"97531#,,{RIGHT}#"
    )
    placed.wait_for(200, timeout=15)
    dumps = ""
    if scene.installation.kind is SwitchKind.FREESWITCH:
        switch = scene.installation.switch
        assert isinstance(switch, FreeSwitch)
        for channel in json.loads(switch.api("show channels as json"))["rows"]:
            dumps += switch.api(f"uuid_dump {channel['uuid']}")
        assert "variable_bizpbx_stage: ring" in dumps
        assert "variable_sensitive_dtmf: true" in dumps
    assert placed.result().code == 200
    told = heard(listener)
    # What call records are made of.
    assert "Event-Name: CHANNEL_HANGUP_COMPLETE" in told
    assert "Event-Name: DTMF" not in told
    logs = [path for path in scene.installation.folder.rglob("*.log") if is_ours(path, scene.installation.folder)]
    assert len(logs) >= (2 if dumps else 1)
    # Calls before this one keyed in what may be logged.
    logged = [path.read_bytes()[before.get(path, 0) :].decode("utf-8", "replace") for path in logs]
    for text in map(without_names, (dumps, told, *logged)):
        assert RIGHT not in text
        assert "97531" not in text
        assert "RECV DTMF" not in text
        assert "INFO DTMF" not in text


def test_keys_that_come_as_rtp_events_before_an_answer_are_heard_and_are_in_no_event_and_no_log(scene: Scene) -> None:
    before = {path: path.stat().st_size for path in scene.installation.folder.rglob("*.log")}
    listener = subscribed(scene)
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, hangup_after=0.2, listens=True)
    until(lambda: len(placed.heard()) > SAMPLE_RATE)
    placed.press(f"{RIGHT}#")
    assert placed.result().code == 200
    told = heard(listener)
    assert "Event-Name: CHANNEL_HANGUP_COMPLETE" in told
    assert "Event-Name: DTMF" not in told
    logs = [path for path in scene.installation.folder.rglob("*.log") if is_ours(path, scene.installation.folder)]
    logged = [path.read_bytes()[before.get(path, 0) :].decode("utf-8", "replace") for path in logs]
    for text in map(without_names, (told, *logged)):
        assert RIGHT not in text
        assert "RECV DTMF" not in text


@pytest.mark.parametrize("keys", ["97531", "1111#,,97531"], ids=["first entry", "second entry"])
def test_who_hangs_up_in_the_middle_of_an_entry_leaves_it_in_no_event_and_no_record(scene: Scene, keys: str) -> None:
    listener = subscribed(scene)
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), KABUL, keys=keys, cancel_after=1.0)
    assert placed.result().code == 487
    told = heard(listener)
    assert "Event-Name: CHANNEL_HANGUP_COMPLETE" in told
    assert "97531" not in without_names(told)
    files = [path.read_text("utf-8") for path in scene.installation.config.records.rglob("*.cdr.xml")]
    assert not any("97531" in without_names(text) for text in files)
    assert scene.carrier.incoming == []


def subscribed(scene: Scene) -> socket.socket:
    """A connection to the event socket that is told everything."""
    listener = socket.create_connection(("127.0.0.1", scene.installation.esl_port))
    listener.settimeout(1.0)
    password = event_socket_password(scene.installation.tree)
    listener.sendall(f"auth {password}\n\nevent plain ALL\n\n".encode())
    return listener


def heard(listener: socket.socket) -> str:
    """Everything that was told since, until nothing has come for a second."""
    told = b""
    with listener:
        try:
            while data := listener.recv(65536):
                told += data
        except TimeoutError:
            pass
    return told.decode()


def without_names(text: str) -> str:
    """Legs are named by chance, and such a name may hold any digits."""
    return UUID.sub("", text)


def is_ours(path: Path, folder: Path) -> bool:
    """What the phones log of themselves is no log of ours."""
    return "phones" not in path.relative_to(folder).parts
