"""What an outgoing call costs with a controller, against a static dialplan that bridges to the same carrier.

The first two ways are those of `calls`. Then the controller's: to a gateway that an extension is mapped to, which
nobody pays for; and by an outbound rule, metered: dial plan, whitelist, caller ID, what the call may use reserved
before it is dialled, and charged at its end.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from bizpbx.testbed.requirements import which_switch
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.sipp.load import load
from bizpbx.testbed.world import answers, rings_only
from tests.bench.calls import (
    DOMAIN,
    NO_CURL,
    TALKS,
    WARM_UP,
    Compared,
    Measured,
    cpu_of,
    installation,
    measured,
    rows,
)
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
STATIC = """<include>
<context name="acme.example"><extension name="number">
<condition field="destination_number" expression="^([3689]\\d{7})$">
<action application="set" data="hangup_after_bridge=true"/>
<action application="set" data="continue_on_fail=true"/>
<action application="set" data="call_timeout=120"/>
<action application="set" data="effective_caller_id_number=+6564291310"/>
<action application="bridge" data="sofia/gateway/carrier.acme.example/+65$1"/>
</condition></extension></context>
</include>
"""


class Way(StrEnum):
    STATIC = "all static"
    LOOKED_UP = "static dialplan, devices looked up"
    UNMETERED = "controller, not metered"
    METERED = "controller, metered"


COMPARED: Compared = (
    (Way.METERED, Way.UNMETERED),
    (Way.METERED, Way.LOOKED_UP),
    (Way.METERED, Way.STATIC),
)


def measure(way: Way, rate: int, calls: int) -> Measured:
    """One run: a fresh installation, a warm-up, then `calls` calls at `rate` a second."""
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder, installation(Path(folder)) as made:
        made.apply(SETTINGS)
        password = made.credentials(DOMAIN, "101", "ip_phone")[1]
        made.render()
        if way in (Way.STATIC, Way.LOOKED_UP):
            (made.tree / f"dialplan/bizpbx-{DOMAIN}.xml").write_text(STATIC)
        if way is Way.STATIC:
            (made.tree / "autoload_configs/xml_curl.conf.xml").write_text(NO_CURL)
        made.controllers[0].start()
        world = made.start_switch()
        assert isinstance(world, SippWorld) and made.switch is not None
        caller = world.phone(DOMAIN, "101-ip_phone", password, rings_only)
        carrier = world.carrier(made.carrier_port, answers(0.05))
        dialled, asked_for = (MAPPED, MAPPED) if way is Way.UNMETERED else (DIALLED, ASKED_FOR)
        load(world, caller, dialled, calls=WARM_UP, rate=25, talks=TALKS)
        switch, controller = made.switch.usage.cpu, cpu_of(made.controllers[0].pid)
        result = load(world, caller, dialled, calls=calls, rate=rate, talks=TALKS)
        switch, controller = made.switch.usage.cpu - switch, cpu_of(made.controllers[0].pid) - controller
        assert {seen.to_user for seen in carrier.incoming} == {asked_for}
        return measured(result, switch, controller)


def run() -> list[Row]:
    """Rows of the table; empty where there is no FreeSWITCH or SIPp."""
    if which_switch().missing:
        return []
    return rows(Way, measure, COMPARED)


if __name__ == "__main__":
    show("An outgoing call with a controller against a static dialplan to the same carrier", run())
