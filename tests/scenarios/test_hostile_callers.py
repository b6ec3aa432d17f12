"""Whatever is dialled or said of a caller: no call leaves its plan, nothing is expanded, everything goes on working."""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator

import gevent
import pytest

from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.installation import SwitchKind, event_socket_password
from bizpbx.testbed.sipp.carrier import SippCarrier
from bizpbx.testbed.world import CallResult, PlacedCall, answers, busy
from tests.scenarios.attempts import Attempt, attempts
from tests.scenarios.conftest import ACME, Scene
from tests.scenarios.flood import Flood

CALLER = "104-ip_phone"
SECRET = "canary-" + secrets.token_hex(8)
"""In a header of every call, and so in a variable of its channel."""
GLOBAL_SECRET = "canary-" + secrets.token_hex(8)
RATE = 100
OURS = frozenset(
    (
        *("Allow", "Allow-Events", "CSeq", "Call-ID", "Contact", "Content-Disposition", "Content-Length"),
        *("Content-Type", "From", "Max-Forwards", "P-Asserted-Identity", "Supported", "To", "User-Agent", "Via"),
        "X-FS-Support",
    )
)
"""Headers of an INVITE of the switch."""
TOGETHER = 40
"""Calls under way at once on the simulator."""


@pytest.fixture
def api(scene: Scene) -> Iterator[EventSocket]:
    connection = EventSocket(scene.installation.esl_port, event_socket_password(scene.installation.tree))
    yield connection
    connection.close()


def place(scene: Scene, corpus: list[Attempt]) -> dict[str, int]:
    """Final SIP code of each call, by its name."""
    inside = [attempt for attempt in corpus if not attempt.outside]
    outside = [attempt for attempt in corpus if attempt.outside]
    if scene.installation.kind is SwitchKind.SIMULATOR:
        return {**simulated(scene, inside), **simulated(scene, outside)}
    assert isinstance(scene.carrier, SippCarrier)
    host, _, port = scene.carrier.address.partition(":")
    canary = f"X-Canary: {SECRET}\r\n"
    phone = Flood(
        ("127.0.0.1", scene.installation.devices_port), CALLER, ACME, scene.passwords[ACME, CALLER], extra=canary
    )
    carrier = Flood(
        (host, int(port)), "+6591112222", "127.0.0.1", contact=f"127.0.0.1:{scene.carrier.port}", extra=canary
    )
    try:
        return {**phone.place(inside, RATE), **carrier.place(outside, RATE)}
    finally:
        phone.close()
        carrier.close()


def simulated(scene: Scene, corpus: list[Attempt]) -> dict[str, int]:
    codes: dict[str, int] = {}
    for start in range(0, len(corpus), TOGETHER):
        batch = corpus[start : start + TOGETHER]
        placed = [(attempt.name, simulated_call(scene, attempt)) for attempt in batch]
        codes.update({name: call.result().code for name, call in placed})
    return codes


def simulated_call(scene: Scene, attempt: Attempt) -> PlacedCall:
    """What a SIP stack makes of the INVITE."""
    headers = {name: decoded(value) for name, value in attempt.headers} | {"X-Canary": SECRET}
    said = {"display_name": decoded(attempt.display_name), "headers": headers}
    world = scene.installation.world
    if attempt.outside:
        number = "+6591112222" if attempt.number is None else decoded(attempt.number)
        return world.place(scene.carrier.caller(number, **said), decoded(attempt.dialled))  # type: ignore[arg-type]
    claims = attempt.number and decoded(attempt.number)
    return world.place(scene.registered(CALLER).caller(claims=claims, **said), decoded(attempt.dialled))  # type: ignore[arg-type]


def decoded(text: str) -> str:
    """What is no Unicode as a SIP stack passes it on."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def test_no_call_leaves_its_plan_and_nothing_is_expanded(
    scene: Scene, api: EventSocket, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = tmp_path_factory.mktemp("made") / "f"
    corpus = attempts(str(made), scene.installation.carrier_port)
    assert len({attempt.name.partition(",")[0] for attempt in corpus}) >= 60
    if scene.installation.kind is SwitchKind.SIMULATOR:
        # It parses no SIP: a third shows that the plan is the same there.
        corpus = corpus[::3]
    for user in ("100-ip_phone", "100-mobile", "101-ip_phone", "102-ip_phone", "103-ip_phone"):
        scene.phone(user, busy)
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port, busy)
    show_that_the_canaries_sing(scene, api)
    processes = alive(scene)
    logged = scene.installation.controllers[0].log.stat().st_size
    api.api("fsctl sps 1000")
    scene.installation.world.forget()

    codes = place(scene, corpus)

    # Nothing is answered, and whoever should not ring does not: all who could ring are busy, and would have said so.
    assert {name: code for name, code in codes.items() if 200 <= code < 300} == {}
    assert [each.name for each in corpus if each.rings is None and codes[each.name] == 486] == []
    # What a parser lets through, and that is nearly all of it, arrives where it should.
    said = [each for each in corpus if not each.goes_astray]
    arrived = [each for each in said if codes[each.name] == 486]
    assert len(arrived) > 0.8 * len(said), Counter(codes[each.name] for each in said)
    check_who_rang(scene, corpus)
    check_what_was_seen(scene)
    # Nothing was carried out, and nothing holds a secret.
    assert not made.exists()
    logs = [path for path in scene.installation.folder.rglob("*.log") if not path.parent.name.endswith("-caller")]
    assert scene.installation.controllers[0].log in logs
    for path in logs:
        text = path.read_text("utf-8", "replace")
        assert SECRET not in text, path
        assert GLOBAL_SECRET not in text, path
    check_that_all_goes_on(scene, api, processes, logged)


def show_that_the_canaries_sing(scene: Scene, api: EventSocket) -> None:
    """What is proven to be absent would be there: the variables hold the secrets."""
    caller = scene.registered(CALLER).caller(headers={"X-Canary": SECRET})
    scene.phone("101-ip_phone", answers(5))
    placed = scene.installation.world.place(caller, "101", cancel_after=1.5)
    placed.wait_for(180)
    assert placed_holds(api, "sip_h_X-Canary", SECRET)
    assert placed.result().code == 487
    scene.phone("101-ip_phone", busy)
    if isinstance(scene.installation.switch, FreeSwitch):
        api.api(f"global_setvar canary={GLOBAL_SECRET}")
        assert api.api("expand echo ${canary}").strip() == GLOBAL_SECRET


def placed_holds(api: EventSocket, variable: str, value: str) -> bool:
    """Whether a channel has this variable; the switch lists its channels with a delay."""
    for _ in range(20):
        rows = json.loads(api.api("show channels as json")).get("rows", [])
        if value in {api.api(f"uuid_getvar {row['uuid']} {variable}").strip() for row in rows}:
            return True
        gevent.sleep(0.05)
    return False


def check_who_rang(scene: Scene, corpus: list[Attempt]) -> None:
    rang = Counter(seen.to_user for seen in scene.carrier.incoming)
    rang.update({phone.username: len(phone.incoming) for phone in scene.installation.world.phones if phone.incoming})
    assert rang <= Counter(each.rings for each in corpus if each.rings is not None)


def check_what_was_seen(scene: Scene) -> None:
    for seen in scene.carrier.incoming:
        assert (seen.number, seen.pai, seen.privacy, seen.diversion) == ("+6564291310", "+6564291310", None, None)
    inside = [seen for user in ("102-ip_phone", "103-ip_phone") for seen in scene.registered(user).incoming]
    assert {(seen.number, seen.display_name) for seen in inside} == {("104", "Workshop")}
    from_outside = scene.registered("101-ip_phone").incoming
    for seen in (*scene.carrier.incoming, *inside, *from_outside):
        # Nothing goes further by a name of its own, and nothing in a header that is ours.
        assert {name for name, _ in seen.headers} <= OURS
        assert "isup-oli" not in (seen.header("From") or "")
        for name, value in seen.headers:
            assert SECRET not in value and GLOBAL_SECRET not in value, (name, value)
            assert "${" not in value and value.isprintable(), (name, value)
            assert not name.lower().startswith("x-") or name == "X-FS-Support", (name, value)
            assert "6561110000" not in value or name in ("From", "Remote-Party-ID"), (name, value)
    for seen in (*scene.carrier.incoming, *inside):
        assert not any("evil" in name.lower() or "6561110000" in value for name, value in seen.headers)


def alive(scene: Scene) -> list[tuple[int, bool]]:
    switch = scene.installation.switch
    controller = scene.installation.controllers[0].process
    assert controller is not None
    running = [(controller.pid, controller.poll() is None)]
    if isinstance(switch, FreeSwitch):
        running.append((switch.pid, switch.process.poll() is None))
    return running


def check_that_all_goes_on(scene: Scene, api: EventSocket, processes: list[tuple[int, bool]], logged: int) -> None:
    """`logged` is the length of the controller's log before."""
    assert alive(scene) == processes
    assert all(running for _, running in processes)
    assert api.api("status").startswith("UP ")
    for _ in range(100):
        if json.loads(api.api("show channels as json"))["row_count"] == 0:
            break
        gevent.sleep(0.05)
    assert json.loads(api.api("show channels as json"))["row_count"] == 0
    assert [path for path in scene.installation.folder.rglob("core*") if re.fullmatch(r"core(\.\d+)?", path.name)] == []
    lines = [json.loads(line) for line in scene.installation.controllers[0].log.read_bytes()[logged:].splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical") or line.get("ended") == "fault"] == []
    scene.phone("102-ip_phone", answers(0.1))
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port)
    results: list[CallResult] = [scene.from_phone(CALLER, to) for to in ("102", "61234567")]
    assert [result.code for result in results] == [200, 200]
