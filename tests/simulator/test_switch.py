"""The switch as an object: its thread, its clock, the rendered tree."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bizpbx.simulator.clock import Clock
from bizpbx.simulator.configuration import load, parse
from bizpbx.simulator.switch import Switch
from bizpbx.simulator.world import SimulatedWorld
from bizpbx.testbed.world import EndedBy, TestbedError, answers, busy, declines, rang, rings_only, unregistered


def ha1(user: str) -> str:
    return hashlib.md5(f"{user}:acme.example:secret".encode()).hexdigest()


USERS = "".join(
    f'<user id="{user}"><params><param name="a1-hash" value="{ha1(user)}"/>'
    f'<param name="sip-force-extension" value="{user}.acme.example"/></params>'
    f'<variables><variable name="bizpbx_device" value="{user}"/></variables></user>'
    for user in ("100", "101", "102", "103")
)
DOCUMENT = f"""<document type="freeswitch/xml">
<section name="configuration"><configuration name="sofia.conf"><profiles>
  <profile name="internal"><settings><param name="context" value="nobody"/></settings></profile>
  <profile name="external"><settings><param name="context" value="trunk"/></settings><gateways>
    <gateway name="carrier.acme.example"><param name="proxy" value="127.0.0.1:5090"/></gateway>
  </gateways></profile>
</profiles></configuration></section>
<section name="dialplan">
<context name="acme.example">
  <extension name="group"><condition field="destination_number" expression="^group$">
    <action application="bridge" data="user/group@acme.example"/></condition></extension>
  <extension name="slow"><condition field="destination_number" expression="^slow$">
    <action application="set" data="call_timeout=30"/>
    <action application="bridge" data="sofia/internal/103.acme.example%acme.example"/>
    <action application="hangup" data="NO_ANSWER"/></condition></extension>
  <extension name="key"><condition field="destination_number" expression="^(1\\d\\d)$">
    <action application="set" data="hangup_after_bridge=true"/>
    <action application="bridge" data="sofia/internal/$1.acme.example%acme.example"/></condition></extension>
  <extension name="out"><condition field="destination_number" expression="^(\\+\\d+)$">
    <action application="set" data="effective_caller_id_number=+6564291310"/>
    <action application="export" data="nolocal:sip_h_Diversion=&lt;sip:100@acme.example&gt;;reason=unconditional"/>
    <action application="bridge" data="sofia/gateway/carrier.acme.example/$1"/></condition></extension>
</context>
<context name="trunk">
  <extension name="in"><condition field="destination_number" expression="^\\+6564291310$">
    <action application="bridge" data="sofia/internal/101.acme.example%acme.example"/></condition></extension>
</context>
</section>
<section name="directory"><domain name="acme.example">
  <variables><variable name="user_context" value="acme.example"/></variables>
  <groups><group name="1"><users>{USERS}
    <user id="group"><params><param name="dial-string"
      value="[leg_timeout=5]sofia/internal/101.acme.example%acme.example,sofia/internal/102.acme.example%acme.example"
    /></params></user>
    <user id="closed"><params><param name="sip-forbid-register" value="true"/></params></user>
  </users></group></groups>
</domain></section>
</document>"""


@pytest.fixture
def world() -> SimulatedWorld:
    with Switch(lambda: parse(DOCUMENT), "secret", clock=Clock(20)) as switch, SimulatedWorld(switch) as made:
        yield made  # type: ignore[misc]


def test_registration_takes_the_right_password(world: SimulatedWorld) -> None:
    assert world.phone("acme.example", "100", "secret").registration.registered
    assert world.phone("acme.example", "100", "wrong").registration.code == 403
    assert world.phone("acme.example", "closed", "").registration.code == 403
    assert world.phone("acme.example", "no-such", "secret").registration.code == 403
    assert world.phone("bravo.example", "100", "secret").registration.code == 403
    assert world.phone("acme.example", "101", "secret", unregistered).registration.code == 0


def test_a_call_between_phones(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    callee = world.phone("acme.example", "101", "secret", answers(0.5))
    result = world.call(caller, "101", hangup_after=2)
    assert (result.code, result.provisional, result.ended_by) == (200, (100, 180), EndedBy.CALLER)
    assert result.duration >= 1.9
    (seen,) = callee.incoming
    assert (seen.number, seen.to_user, seen.answered, seen.ended, seen.cancelled) == ("100", "101", True, True, False)
    assert seen.header("From") == '"100" <sip:100@127.0.0.1>'
    assert world.call(caller, "101", hangup_after=None, cancel_after=0.1).code == 487
    assert callee.incoming[-1].cancel_reason == 'SIP;cause=487;text="ORIGINATOR_CANCEL"'


def test_what_a_caller_gets_when_nobody_answers(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    world.phone("acme.example", "101", "secret", busy)
    assert world.call(caller, "101").code == 486
    world.phone("acme.example", "101", "secret", declines)
    assert world.call(caller, "101").code == 603
    world.phone("acme.example", "101", "secret", unregistered)
    # No continue_on_fail: the call ends with the cause of the ring.
    assert world.call(caller, "101").code == 480
    assert world.call(caller, "nothing").code == 404
    intruder = world.phone("acme.example", "102", "wrong")
    assert world.call(intruder, "101").code == 403


def test_a_group_from_the_directory_rings_together(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    world.phone("acme.example", "101", "secret", rings_only)
    world.phone("acme.example", "102", "secret", answers(1))
    assert world.call(caller, "group").answered
    assert rang(world) == {"101", "102"}
    (loser,) = world.phones[1].incoming
    assert loser.cancel_reason == 'SIP;cause=200;text="Call completed elsewhere"'
    world.forget()
    assert rang(world) == set()


def test_calls_out_of_and_into_a_gateway(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    carrier = world.carrier(5090)
    assert world.call(caller, "+6591234567").answered
    (seen,) = carrier.incoming
    assert (seen.number, seen.to_user, seen.diversion) == ("+6564291310", "+6591234567", "100")
    phone = world.phone("acme.example", "101", "secret", answers())
    assert world.call(carrier.caller("+6531234567", display_name="Bob"), "+6564291310").answered
    assert world.call(carrier.caller("+6531234567", withheld=True), "+6564291310").answered
    open_caller, withheld = phone.incoming
    assert (open_caller.number, open_caller.display_name, open_caller.privacy) == ("+6531234567", "Bob", None)
    assert (withheld.number, withheld.display_name, withheld.privacy) == ("+6531234567", "Anonymous", "id")
    assert withheld.pai == "+6531234567"


def test_a_sped_up_clock_makes_thirty_seconds_short(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    world.phone("acme.example", "103", "secret", rings_only)
    begun = time.monotonic()
    assert world.call(caller, "slow", timeout=60).code == 480
    assert 1.4 < time.monotonic() - begun < 15


def test_whoever_blocks_does_not_hold_the_switch_up(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    world.phone("acme.example", "101", "secret", answers(0.1))
    placed = world.place(caller, "101", hangup_after=1)
    time.sleep(0.5)
    assert placed._so_far().ended_by is EndedBy.CALLER


def test_a_call_can_be_waited_for(world: SimulatedWorld) -> None:
    caller = world.phone("acme.example", "100", "secret")
    world.phone("acme.example", "101", "secret", rings_only)
    placed = world.place(caller, "101", cancel_after=20)
    placed.wait_for(180)
    with pytest.raises(TestbedError, match="did not receive 200"):
        placed.wait_for(200, timeout=0.5)
    assert placed.result().code == 487
    with pytest.raises(TestbedError, match="did not end"):
        world.call(caller, "101", timeout=0.5)


def test_it_runs_in_a_monkey_patched_process() -> None:
    program = (
        "from gevent import monkey; monkey.patch_all()\n"
        "from bizpbx.simulator.configuration import parse\n"
        "from bizpbx.simulator.switch import Switch\n"
        "from bizpbx.simulator.world import SimulatedWorld\n"
        "from bizpbx.testbed.world import answers\n"
        "import sys\n"
        "with Switch(lambda: parse(sys.argv[1]), 'secret') as switch, SimulatedWorld(switch) as world:\n"
        "    caller = world.phone('acme.example', '100', 'secret')\n"
        "    world.phone('acme.example', '101', 'secret', answers(0))\n"
        "    print(world.call(caller, '101').code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, DOCUMENT], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("200\n", 0), done.stderr


def test_a_tree_is_read_as_freeswitch_reads_it(tmp_path: Path) -> None:
    (tmp_path / "dialplan").mkdir()
    (tmp_path / "freeswitch.xml").write_text(
        '<document type="freeswitch/xml">\n'
        '<X-PRE-PROCESS cmd="set" data="domain=acme.example"/>\n'
        '<section name="dialplan">\n<X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>\n</section>\n</document>'
    )
    (tmp_path / "dialplan" / "a.xml").write_text(
        '<?xml version="1.0"?>\n<include>\n<context name="$${domain}"/>\n</include>'
    )
    found = load(tmp_path)
    assert list(found.contexts) == ["acme.example"]
    assert found.globals["domain"] == "acme.example"
