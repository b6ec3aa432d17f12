"""A small FreeSWITCH configuration with a static dialplan: what the testbed itself is tried on, and compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.ports import Ports

DOMAIN = "acme.example"
USERS = ("100-ip_phone", "100-mobile", "101-ip_phone", "102-ip_phone")
ESL_PASSWORD = "only-for-tests"
RTP_PORTS = 200
MODULES = ("logfile", "commands", "event_socket", "dialplan_xml", "dptools", "sofia", "tone_stream")
DIALPLAN = """
<context name="acme.example">
  <extension name="both"><condition field="destination_number" expression="^100$">
    <action application="set" data="hangup_after_bridge=true"/>
    <action application="set" data="continue_on_fail=false"/>
    <action application="bridge"
      data="[leg_timeout=10]sofia/internal/100-ip_phone%acme.example,sofia/internal/100-mobile%acme.example"/>
  </condition></extension>
  <extension name="short"><condition field="destination_number" expression="^short-(10\\d)$">
    <action application="set" data="call_timeout=1"/>
    <action application="bridge" data="sofia/internal/$1-ip_phone%acme.example"/>
  </condition></extension>
  <extension name="one"><condition field="destination_number" expression="^(10\\d)$">
    <action application="bridge" data="sofia/internal/$1-ip_phone%acme.example"/>
  </condition></extension>
  <extension name="outside"><condition field="destination_number" expression="^(\\+\\d+)$">
    <action application="set" data="effective_caller_id_number=+6564291310"/>
    <action application="set" data="effective_caller_id_name=Acme [one]"/>
    <action application="export" data="sip_h_Diversion=&lt;sip:+6564291311@acme.example&gt;;reason=unconditional"/>
    <action application="bridge" data="sofia/gateway/carrier/$1"/>
  </condition></extension>
  <extension name="refused"><condition field="destination_number" expression="^403$">
    <action application="respond" data="403 Forbidden"/>
  </condition></extension>
</context>
<context name="trunk">
  <extension name="in"><condition field="destination_number" expression="^\\+6564291310$">
    <action application="set" data="hangup_after_bridge=true"/>
    <action application="bridge"
      data="sofia/internal/100-ip_phone%acme.example,sofia/internal/100-mobile%acme.example"/>
  </condition></extension>
  <extension name="loop"><condition field="destination_number" expression="^\\+6564291312$">
    <action application="bridge" data="sofia/gateway/carrier/+6599999999"/>
  </condition></extension>
</context>
"""


@dataclass(frozen=True)
class Static:
    """A running switch and its SIP ports: for phones, for gateways, and the one where it looks for the carrier."""

    process: FreeSwitch
    devices_port: int
    trunks_port: int
    carrier_port: int


@contextmanager
def static_switch(folder: Path, dialplan: str = DIALPLAN) -> Iterator[Static]:
    """The switch, gone at the end."""
    with Ports() as ports:
        esl, devices, trunks, carrier = (ports.one() for _ in range(4))
        conf = folder / "conf"
        write(conf, esl, devices, trunks, carrier, ports.block(RTP_PORTS), dialplan)
        with FreeSwitch(conf, esl, ESL_PASSWORD, folder=folder / "switch") as process:
            yield Static(process, devices, trunks, carrier)


def write(conf: Path, esl: int, devices: int, trunks: int, carrier: int, rtp: int, dialplan: str) -> None:
    """Write the tree: one file."""
    conf.mkdir(parents=True)
    load = "".join(f'<load module="mod_{name}"/>' for name in MODULES)
    users = "".join(
        f'<user id="{user}"><params><param name="password" value="{password(user)}"/></params>'
        f'<variables><variable name="user_context" value="{DOMAIN}"/></variables></user>'
        for user in USERS
    )
    media = params({"inbound-codec-prefs": "PCMU", "outbound-codec-prefs": "PCMU", "rtp-timer-name": "soft"})
    everywhere = {"sip-ip": "127.0.0.1", "rtp-ip": "127.0.0.1", "manage-presence": "false", "dialplan": "XML"}
    internal = {
        **everywhere,
        "sip-port": devices,
        "auth-calls": "true",
        "context": "trunk",
        "challenge-realm": "auto_from",
        "accept-blind-reg": "false",
    }
    external = {**everywhere, "sip-port": trunks, "auth-calls": "false", "context": "trunk"}
    here = f"127.0.0.1:{carrier}"
    gateway = {"realm": here, "proxy": here, "username": "x", "password": "x", "register": "false"}
    (conf / "freeswitch.xml").write_text(
        f"""<document type="freeswitch/xml">
<section name="configuration">
<configuration name="modules.conf"><modules>{load}</modules></configuration>
<configuration name="switch.conf"><settings>{
            params(
                {
                    "max-sessions": 2000,
                    "sessions-per-second": 1000,
                    "loglevel": "debug",
                    "rtp-start-port": rtp,
                    "rtp-end-port": rtp + RTP_PORTS - 2,
                }
            )
        }</settings></configuration>
<configuration name="event_socket.conf"><settings>{
            params({"listen-ip": "127.0.0.1", "listen-port": esl, "password": ESL_PASSWORD})
        }</settings></configuration>
<configuration name="logfile.conf"><profiles><profile name="default"><settings/>
<mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings></profile></profiles>
</configuration>
<configuration name="acl.conf"><network-lists/></configuration>
<configuration name="sofia.conf"><global_settings>{params({"log-level": 0})}</global_settings><profiles>
<profile name="internal"><settings>{params(internal)}{media}</settings></profile>
<profile name="external"><gateways><gateway name="carrier">{params({**gateway, "caller-id-in-from": "true"})}</gateway>
</gateways><settings>{params(external)}{media}</settings></profile>
</profiles></configuration>
</section>
<section name="directory"><domain name="{DOMAIN}"><users>{users}</users></domain></section>
<section name="dialplan">{dialplan}</section>
</document>""",
        "utf-8",
    )


def params(values: dict[str, object]) -> str:
    return "".join(f'<param name="{name}" value="{value}"/>' for name, value in values.items())


def password(user: str) -> str:
    """The credentials of a user of this switch."""
    return f"secret-of-{user}"
