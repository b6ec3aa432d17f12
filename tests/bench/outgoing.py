"""What an outgoing call costs with a controller, against a static dialplan that bridges to the same carrier.

The first two ways are those of `calls`. The third has the call handed to a controller that knows nothing and has it
bridged (`bare`): what an event socket costs with any controller in Python. Then ours: to a gateway that an extension is
mapped to, which nobody pays for; and by an outbound rule, metered: dial plan, whitelist, caller ID, what the call may
use reserved before it is dialled, and charged at its end.
"""

from __future__ import annotations

from enum import StrEnum

from bizpbx.testbed.installation import Installation
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.world import answers, rings_only
from tests.bench import bare
from tests.bench.calls import DOMAIN, NO_CURL
from tests.bench.side_by_side import Against, Running, rows
from tests.bench.table import Row, show

DIALLED, ASKED_FOR, MAPPED = "61234567", "+6561234567", "102"
SETTINGS = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD,
  main_number: "+6564291310", default_rule: Standard}
licences: {ip_phone: 1, mobile: 0, desktop: 0}
gateways:
  - {name: carrier, host: 127.0.0.1, port: {carrier_port}, transport: udp, username: null, password: null, trunk: true}
outbound_rules:
  - name: Standard
    gateway: carrier
    dial_plan: [{starts_with: ["3", "6", "8", "9"], length: 8, strip: 0, prepend: "65"}]
    countries: {SG: allowed}
numbers:
  - {number: "+6564291310", to: "101"}
extensions:
  - {key: "101", label: Sales, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}, guard: {concurrent_calls: off},
     usage_limit: {kind: minutes, value: "10000"}}
  - {key: "102", label: Elsewhere, incoming: {gateway: carrier}}
"""
CONTEXT = """<include>
<context name="acme.example"><extension name="number">
<condition field="destination_number" expression="^([3689]\\d{7})$">
<action application="set" data="hangup_after_bridge=true"/>
<action application="set" data="continue_on_fail=true"/>
<action application="set" data="call_timeout=120"/>
<action application="set" data="effective_caller_id_number=+6564291310"/>
<action application="{application}" data="{argument}"/>
</condition></extension></context>
</include>
"""


GATEWAY = "sofia/gateway/carrier.acme.example"


class Way(StrEnum):
    STATIC = "all static"
    LOOKED_UP = "static dialplan, devices looked up"
    BARE = "bare controller, devices looked up"
    UNMETERED = "controller, not metered"
    METERED = "controller, metered"


COMPARED = (
    Against(Way.UNMETERED, Way.STATIC, cpu=1.30, p50=3, p99=15),
    Against(Way.UNMETERED, Way.LOOKED_UP, cpu=1.30, p50=3, p99=15),
    Against(Way.BARE, Way.LOOKED_UP),
    Against(Way.UNMETERED, Way.BARE),
    Against(Way.METERED, Way.UNMETERED, cpu=1.15),
    Against(Way.METERED, Way.STATIC, cpu=1.45),
    Against(Way.METERED, Way.LOOKED_UP, cpu=1.45),
)


def start(way: Way, made: Installation) -> Running:
    made.apply(SETTINGS)
    password = made.credentials(DOMAIN, "101", "ip_phone")[1]
    made.render()
    other = None
    if way in (Way.STATIC, Way.LOOKED_UP, Way.BARE):
        application, argument = "bridge", f"{GATEWAY}/+65$1"
        if way is Way.BARE:
            other, port = bare.start(f"{GATEWAY}/{ASKED_FOR}")
            application, argument = "socket", f"127.0.0.1:{port} full"
        context = CONTEXT.replace("{application}", application).replace("{argument}", argument)
        (made.tree / f"dialplan/bizpbx-{DOMAIN}.xml").write_text(context)
    if way is Way.STATIC:
        (made.tree / "autoload_configs/xml_curl.conf.xml").write_text(NO_CURL)
    if way is not Way.STATIC:
        made.controllers[0].start()
    world = made.start_switch()
    assert isinstance(world, SippWorld)
    caller = world.phone(DOMAIN, "101-ip_phone", password, rings_only)
    carrier = world.carrier(made.carrier_port, answers(0.05))
    dialled, asked_for = (MAPPED, MAPPED) if way is Way.UNMETERED else (DIALLED, ASKED_FOR)
    assert world.call(caller, dialled).code == 200
    assert {seen.to_user for seen in carrier.incoming} == {asked_for}
    carrier.forget()
    return Running(made, world, caller, dialled, other)


def run() -> list[Row]:
    """Rows of the table; empty where there is no FreeSWITCH or SIPp."""
    return rows(tuple(Way), start, COMPARED)


if __name__ == "__main__":
    show("An outgoing call with a controller against a static dialplan to the same carrier", run())
