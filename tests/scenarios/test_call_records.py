"""Each call leaves one row that says who called whom, why it went there and how it ended, and a line for each leg."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest
from sqlalchemy.orm import Session

from bizpbx.cli.frame import calls
from bizpbx.directory.database import Database
from bizpbx.testbed.world import TestbedError, answers, busy
from tests.scenarios.conftest import ACME, BRAVO, Scene

PATIENCE = 30.0
Row = dict[str, Any]


@pytest.fixture
def new_calls(scene: Scene, empty_books: None) -> Callable[[int], list[Row]]:
    """Waits for so many calls on record since the scenario began, the oldest first, each with its legs."""
    seen = {row["id"] for row in listed(scene)}

    def wait(count: int) -> list[Row]:
        deadline = time.monotonic() + PATIENCE
        while (waiting(scene) or len(added()) < count) and time.monotonic() < deadline:
            gevent.sleep(0.05)
        # What comes too often would come now.
        gevent.sleep(0.6)
        rows = added()
        assert len(rows) == count
        return sorted((shown(scene, row["id"]) for row in rows), key=lambda row: row["legs"][0]["started"])

    def added() -> list[Row]:
        return [row for row in listed(scene) if row["id"] not in seen]

    return wait


@contextmanager
def home(scene: Scene, domain: str) -> Iterator[tuple[Session, calls.Home]]:
    database = Database(scene.installation.config.database)
    with database.reading() as session:
        yield session, calls.organisation(session, domain)
    database.close()


def listed(scene: Scene, domain: str = ACME) -> list[Row]:
    everything = calls.Asked(None, None, None, None, None, None, None, None, None)
    with home(scene, domain) as (session, place):
        return list(calls.rows(session, place, everything, None, None))


def shown(scene: Scene, number: int) -> Row:
    with home(scene, ACME) as (session, place):
        row = calls.one(session, place, str(number))
    assert row is not None
    return row


def waiting(scene: Scene) -> list[Path]:
    return list(scene.installation.config.records.glob("*.cdr.xml"))


def legs(row: Row) -> list[tuple[str | None, str]]:
    """Whom each leg was to, in order of their start, the call's own first; and how it ended."""
    return [(leg["device"] or leg["dialled"], leg["cause"]) for leg in row["legs"]]


def test_a_call_of_a_pbx_to_a_number_outside_is_an_outgoing_one(
    scene: Scene, new_calls: Callable[[int], list[Row]]
) -> None:
    scene.set("gateway", "second", "outbound_rule=Standard", "payer=104")
    pbx = scene.installation.world.carrier(scene.installation.second_carrier_port)
    for dialled in ("61234567", "995", "+6564291311"):
        scene.installation.world.call(pbx.caller("+6564291310"), dialled, hangup_after=1.2, cancel_after=0.5)
    rows = new_calls(3)
    assert [(row["direction"], row["from"], row["to"]) for row in rows] == [
        ("outgoing", "+6564291310", "+6561234567"),
        ("outgoing", "+6564291310", "995"),
        ("incoming", "+6564291310", "+6564291311"),
    ]
    assert rows[0]["rules"][0] == "gateway-rule"
    assert rows[0]["talked"] > 0


def test_an_answered_call_inside(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    scene.phone("102-ip_phone", answers(1.2))
    result = scene.from_phone("101-ip_phone", "102", hangup_after=2.1)
    assert result.answered and result.time_to_answer is not None and result.time_to_ring is not None
    (row,) = new_calls(1)
    assert (row["direction"], row["from"], row["to"], row["answered_by"]) == ("internal", "101", "102", "102")
    assert row["cause"] == "NORMAL_CLEARING"
    # In whole seconds, as the phone has measured by itself.
    assert row["rang"] == pytest.approx(result.time_to_answer - result.time_to_ring, abs=1.0)
    assert row["talked"] == pytest.approx(result.duration, abs=1.0)
    assert row["rules"][:2] == ["key", "devices"]
    assert legs(row) == [("101-ip_phone", "NORMAL_CLEARING"), ("102-ip_phone", "NORMAL_CLEARING")]
    ladder = scene.installation.bizpbx("call", "show", str(row["id"]), "--organisation", ACME)
    for line in ("101-ip_phone", "calls 102"), ("102-ip_phone", "rings"), ("102-ip_phone", "answers"):
        assert any(all(word in told for word in line) for told in ladder.splitlines())


@pytest.mark.thorough
def test_a_busy_phone_and_one_that_nobody_answers(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    scene.phone("102-ip_phone", busy)
    assert scene.from_phone("101-ip_phone", "102").code == 486
    assert scene.from_phone("101-ip_phone", "103").code == 480
    engaged, missed = new_calls(2)
    assert (engaged["cause"], engaged["talked"], engaged["answered"]) == ("USER_BUSY", 0, None)
    assert legs(engaged)[1] == ("102-ip_phone", "USER_BUSY")
    assert (missed["cause"], missed["talked"], missed["answered"]) == ("NO_ANSWER", 0, None)
    assert 4 <= missed["rang"] <= 10


def test_a_call_from_outside_that_was_forwarded(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    scene.phone("102-ip_phone", answers(0.3))
    assert scene.from_outside("+6591112222", hangup_after=1.1).answered
    (row,) = new_calls(1)
    assert (row["direction"], row["from"], row["to"]) == ("incoming", "+6591112222", "+6564291310")
    assert (row["callee"], row["answered_by"], row["talked"]) == ("100", "102", 1)
    assert "forwarding" in row["rules"]
    assert {device for device, _ in legs(row)[1:]} == {"101-ip_phone", "102-ip_phone", "103-ip_phone"}


def test_a_call_that_is_refused(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    assert scene.from_phone("101-ip_phone", "+93701234567").code == 403
    (row,) = new_calls(1)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+93701234567")
    assert (row["cause"], row["talked"], row["rang"]) == ("OUTGOING_CALL_BARRED", 0, 0)
    assert "country-not-listed" in row["rules"]
    assert len(row["legs"]) == 1


def test_a_call_out_through_the_gateway(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    assert scene.from_phone("101-ip_phone", "61234567", hangup_after=1.1).answered
    (row,) = new_calls(1)
    assert (row["direction"], row["from"], row["to"], row["dialled"]) == (
        "outgoing",
        "101",
        "+6561234567",
        "61234567",
    )
    assert (row["answered_by"], row["talked"]) == ("+6561234567", 1)
    assert row["legs"][1]["gateway"] == "carrier.acme.example"


def test_events_bring_what_is_charged_and_files_the_rest(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    scene.phone("102-ip_phone", answers(0.1))
    assert scene.from_phone("101-ip_phone", "102", hangup_after=0.5).answered
    new_calls(1)
    # From here on it is known that files come.
    before = brought(scene)
    assert scene.from_phone("101-ip_phone", "102", hangup_after=0.5).answered
    assert scene.from_phone("101-ip_phone", "61234567", hangup_after=0.5).answered
    new_calls(3)
    assert brought(scene) - before == Counter(event=1, file=3)


def brought(scene: Scene) -> Counter[str]:
    """Legs on record by what brought them."""
    port = scene.installation.controllers[0].http_port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return Counter({source: int(float(n)) for source, n in re.findall(r'ingested_total\{source="(\w+)"\} (\S+)', text)})


def test_a_withheld_caller_is_on_record_without_a_number(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    caller = scene.carrier.caller("+6591112222", withheld=True)
    scene.installation.world.call(caller, "+6564291311", cancel_after=0.5)
    (row,) = new_calls(1)
    assert (row["from"], row["to"], row["callee"]) == (None, "+6564291311", "101")


def test_a_number_that_cannot_be_dialled_is_on_record(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    assert scene.from_phone("101-ip_phone", "12!34").code == 484
    (row,) = new_calls(1)
    assert (row["from"], row["dialled"], row["cause"]) == ("101", "12?34", "INVALID_NUMBER_FORMAT")


def test_tenants_do_not_see_each_other_s_calls(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    before = len(listed(scene, domain=BRAVO))
    scene.from_phone("101-ip_phone", "102", cancel_after=0.3)
    (row,) = new_calls(1)
    assert len(listed(scene, domain=BRAVO)) == before
    with pytest.raises(TestbedError, match="There is no call"):
        scene.installation.bizpbx("call", "show", str(row["id"]), "--organisation", BRAVO)


@pytest.mark.thorough
def test_without_any_controller_calls_are_on_record_once_there_is_one(
    scene: Scene, new_calls: Callable[[int], list[Row]]
) -> None:
    scene.phone("102-ip_phone", answers(0.1))
    controller = scene.installation.controllers[0]
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=2.1)
    placed.wait_for(200)
    controller.kill()
    assert placed.result().answered
    # Rings natively.
    assert scene.from_phone("101-ip_phone", "102", hangup_after=1.1).answered
    assert len(waiting(scene)) == 4
    for _ in range(2):
        controller.start()
        bridged, native = new_calls(2)
        controller.kill()
    assert (bridged["from"], bridged["answered_by"], bridged["talked"]) == ("101", "102", 2)
    assert (native["from"], native["to"], native["answered_by"], native["talked"]) == ("101", "102", "102", 1)
    assert native["rules"] == []


@pytest.mark.thorough
def test_the_passcode_is_in_no_record(scene: Scene, new_calls: Callable[[int], list[Row]]) -> None:
    scene.set("rule", "Standard", "countries.VN=passcode")
    scene.set("extension", "101", "passcode=83619275")
    place = scene.installation.world.place
    # Keyed in on the prompt, over it, and given up halfway.
    for keys in (",83619275#", "83619275#", ",8361927"):
        place(scene.registered("101-ip_phone"), "+84937712345", hangup_after=0.5, cancel_after=4.0, keys=keys).result()
    rows = new_calls(3)
    assert any(row["answered"] for row in rows)
    assert "361927" not in json.dumps(rows)
    files = list(scene.installation.config.records.rglob("*.cdr.xml"))
    assert files
    assert not [path for path in files if b"361927" in path.read_bytes()]
