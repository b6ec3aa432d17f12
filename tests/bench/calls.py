"""What a call costs with a controller, against the same call in a static XML dialplan.

Three ways: everything static, without a controller; the dialplan static but devices looked up at the controller, so
that a deactivated one is out at once; and both by the controller, as in production. The first against the third is what
bizpbx costs, with look-ups and call records; the second against the third is what deciding calls costs.
"""

from __future__ import annotations

from enum import StrEnum

from bizpbx.testbed.installation import Installation
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.world import answers, rings_only
from tests.bench.side_by_side import Against, Running, rows
from tests.bench.table import Row, show

DOMAIN = "acme.example"
SETTINGS = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD}
licences: {ip_phone: 2, mobile: 0, desktop: 0}
extensions:
  - {key: "101", label: Sales, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}}
  - {key: "102", label: Support, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}}
"""
STATIC = """<include>
<context name="acme.example"><extension name="key">
<condition field="destination_number" expression="^(10\\d)$">
<action application="set" data="hangup_after_bridge=true"/>
<action application="set" data="continue_on_fail=true"/>
<action application="set" data="call_timeout=30"/>
<action application="bridge" data="sofia/internal/$1-ip_phone.acme.example%acme.example"/>
</condition></extension></context>
</include>
"""
NO_CURL = '<include>\n<configuration name="xml_curl.conf"><bindings/></configuration>\n</include>\n'


class Way(StrEnum):
    STATIC = "all static"
    LOOKED_UP = "static dialplan, devices looked up"
    CONTROLLED = "controller"


COMPARED = (
    Against(Way.CONTROLLED, Way.STATIC, cpu=1.30, p50=3, p99=15),
    Against(Way.CONTROLLED, Way.LOOKED_UP, cpu=1.30, p50=3, p99=15),
)


def start(way: Way, made: Installation) -> Running:
    made.apply(SETTINGS)
    passwords = {key: made.credentials(DOMAIN, key, "ip_phone")[1] for key in ("101", "102")}
    made.render()
    if way is not Way.CONTROLLED:
        (made.tree / f"dialplan/bizpbx-{DOMAIN}.xml").write_text(STATIC)
    if way is Way.STATIC:
        (made.tree / "autoload_configs/xml_curl.conf.xml").write_text(NO_CURL)
    if way is not Way.STATIC:
        made.controllers[0].start()
    world = made.start_switch()
    assert isinstance(world, SippWorld)
    caller = world.phone(DOMAIN, "101-ip_phone", passwords["101"], rings_only)
    world.phone(DOMAIN, "102-ip_phone", passwords["102"], answers(0.05))
    return Running(made, world, caller, "102")


def run() -> list[Row]:
    """Rows of the table; empty where there is no FreeSWITCH or SIPp."""
    return rows(tuple(Way), start, COMPARED)


if __name__ == "__main__":
    show("A call with a controller against a static dialplan", run())
