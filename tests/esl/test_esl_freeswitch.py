"""What the session relies on in sync mode, on a real FreeSWITCH with a configuration of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import AsyncResult

from bizpbx.freeswitch.esl import (
    InboundESL,
    NotConnectedError,
    OutboundESLServer,
    OutboundSession,
    OutboundSessionHasGoneAway,
    ReplyTimeout,
)

pytestmark = [
    pytest.mark.freeswitch,
    pytest.mark.skipif(
        shutil.which("freeswitch") is None and "freeswitch" not in os.environ.get("BIZPBX_REQUIRE", ""),
        reason="freeswitch is not on the PATH",
    ),
]

CONFIGURATION = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="modules.conf"><modules>
      <load module="mod_event_socket"/><load module="mod_commands"/><load module="mod_dptools"/>
      <load module="mod_dialplan_xml"/><load module="mod_loopback"/><load module="mod_tone_stream"/>
    </modules></configuration>
    <configuration name="event_socket.conf"><settings>
      <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="{switch}"/>
      <param name="password" value="secret"/>
    </settings></configuration>
    <configuration name="switch.conf"><settings/></configuration>
    <configuration name="acl.conf"><network-lists/></configuration>
  </section>
  <section name="dialplan"><context name="default">
    <extension name="in"><condition field="destination_number" expression="^in$">
      <action application="socket" data="127.0.0.1:{calls} full"/>
      <action application="set" data="next_action=yes"/>
      <action application="sleep" data="1500"/>
    </condition></extension>
    <extension name="far"><condition field="destination_number" expression="^far$">
      <action application="answer"/><action application="sleep" data="600"/><action application="hangup"/>
    </condition></extension>
  </context></section>
  <section name="directory"/>
</document>
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Live:
    """A running FreeSWITCH, a connection to it, and a server for its calls."""

    def __init__(self, client: InboundESL, server: OutboundESLServer) -> None:
        self.client = client
        self.server = server

    def call(self, flow: Callable[[OutboundSession], Any], variables: str = "") -> Any:
        """What `flow` returned or raised for a new call."""
        result: AsyncResult[Any] = AsyncResult()

        def application(session: OutboundSession) -> None:
            try:
                result.set(flow(session))
            except Exception as error:
                result.set_exception(error)

        self.server.application = application
        self.client.send(f"bgapi originate {{{variables}}}loopback/in/default &park()")
        return result.get(timeout=10)

    def later(self, seconds: float, command: str) -> None:
        gevent.spawn_later(seconds, self.client.api, command)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root: Path = tmp_path_factory.mktemp("freeswitch")
    server = OutboundESLServer("127.0.0.1", 0, lambda session: None)
    server.start()
    port = free_port()
    (root / "freeswitch.xml").write_text(CONFIGURATION.format(switch=port, calls=server.address[1]))
    folders = [
        word for name in ("conf", "log", "db", "run", "storage", "recordings") for word in (f"-{name}", str(root))
    ]
    command = ["freeswitch", "-nonat", "-nosql", "-nf", "-nc", *folders]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        client = InboundESL("127.0.0.1", port, "secret")
        try:
            ends = time.monotonic() + 30
            while not client.connected:
                try:
                    client.connect()
                except NotConnectedError:
                    assert time.monotonic() < ends, "FreeSWITCH did not start"
                    gevent.sleep(0.1)
            yield Live(client, server)
        finally:
            server.stop(0)
            client.stop()
            process.terminate()


def test_execute_returns_when_the_application_has_ended(live: Live) -> None:
    def flow(call: OutboundSession) -> float:
        call.answer()
        began = time.monotonic()
        call.execute("sleep", "400")
        return time.monotonic() - began

    assert 0.3 < live.call(flow) < 1.5


def test_values_survive_multiset_and_connect(live: Live) -> None:
    texts = [
        "O'Brien & O'Neil",
        r"\\two \n \'q\'",
        "  blanks  ",
        "a;b|c,d:e~f!g#h@i/j",
        "$5 100%",
        "ünï ✓",
        "{x}[y]<z>",
    ]
    texts += ["'", "\\", "ends in \\", "$", "' '", "%[a=b]", "x" * 2000]
    variables = {f"v{number}": text for number, text in enumerate(texts)}

    def flow(call: OutboundSession) -> dict[str, str | None]:
        call.set_variables({**variables, "gone": "x"})
        call.set_variables({"gone": ""})
        data = call.refresh()
        assert "variable_gone" not in data
        return {name: data.get(f"variable_{name}") for name in variables}

    assert live.call(flow) == variables


def test_a_caller_name_forges_nothing(live: Live) -> None:
    data = live.call(lambda call: dict(call.connect()), "origination_caller_id_name='x%0AForged: yes'")

    assert data["Caller-Caller-ID-Name"] == "x\nForged: yes"
    assert "Forged" not in data


def test_a_hang_up_during_an_application_is_seen(live: Live) -> None:
    def flow(call: OutboundSession) -> float:
        call.answer()
        live.later(0.3, f"uuid_kill {call.uuid}")
        began = time.monotonic()
        with pytest.raises(OutboundSessionHasGoneAway):
            call.execute("sleep", "5000")
        with pytest.raises(OutboundSessionHasGoneAway):
            call.refresh()
        return time.monotonic() - began

    assert live.call(flow) < 2


def test_after_a_deadline_the_application_can_be_broken_off(live: Live) -> None:
    def flow(call: OutboundSession) -> str:
        call.answer()
        with pytest.raises(ReplyTimeout):
            call.execute("sleep", "5000", deadline=0.2)
        live.client.api(f"uuid_break {call.uuid} all")
        return call.api(f"uuid_exists {call.uuid}", deadline=2)

    assert live.call(flow) == "true"


def test_digits_are_collected_natively(live: Live) -> None:
    def flow(call: OutboundSession) -> str | None:
        call.answer()
        live.later(0.3, f"uuid_recv_dtmf {call.uuid} 2468#")
        silence = "silence_stream://100"
        return call.play_and_get_digits(1, 8, 1, 4000, "#", silence, silence, "code", r"\d+", 2000)

    assert live.call(flow) == "2468"


def test_a_bridge_ends_with_its_disposition(live: Live) -> None:
    def flow(call: OutboundSession) -> tuple[str | None, bool]:
        call.bridge("loopback/far/default")
        return call.refresh().get("variable_originate_disposition"), call.deciding

    assert live.call(flow) == ("SUCCESS", True)


def test_when_the_session_ends_the_dialplan_goes_on(live: Live) -> None:
    uuid = live.call(lambda call: call.uuid)
    with gevent.Timeout(5):
        while live.client.api(f"uuid_getvar {uuid} next_action") != "yes":
            gevent.sleep(0.05)
