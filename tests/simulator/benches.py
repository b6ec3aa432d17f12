"""The two switches under one test: the simulator, and a real FreeSWITCH with the same dialplan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gevent import socket

from bizpbx.simulator.channel import Profile
from bizpbx.simulator.configuration import parse
from bizpbx.simulator.endpoint import SimulatedEndpoint
from bizpbx.simulator.placed import SimulatedCall
from bizpbx.simulator.switch import Switch
from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.ports import Ports
from bizpbx.testbed.world import Behaviour

from .client import Client
from .sip_ua import UserAgent

DOMAIN = "acme.example"
PASSWORD = "only-for-tests"
MODULES = ("commands", "event_socket", "dialplan_xml", "dptools", "sofia", "tone_stream", "sndfile", "logfile")

DOCUMENT = """<document type="freeswitch/xml">
<section name="configuration">
  <configuration name="switch.conf"><settings>
    <param name="max-sessions" value="200"/><param name="sessions-per-second" value="200"/>
    <param name="loglevel" value="warning"/><param name="api-expansion" value="false"/>
    <param name="rtp-start-port" value="{rtp}"/><param name="rtp-end-port" value="{rtp_end}"/>
  </settings></configuration>
  <configuration name="modules.conf"><modules>{modules}</modules></configuration>
  <configuration name="logfile.conf"><settings/><profiles><profile name="default"><settings/>
    <mappings><map name="all" value="warning,err,crit"/></mappings></profile></profiles></configuration>
  <configuration name="event_socket.conf"><settings>
    <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="{esl}"/>
    <param name="password" value="{password}"/>
  </settings></configuration>
  <configuration name="sofia.conf"><profiles><profile name="internal"><settings>
    <param name="sip-ip" value="127.0.0.1"/><param name="rtp-ip" value="127.0.0.1"/>
    <param name="sip-port" value="{sip}"/><param name="context" value="{domain}"/>
    <param name="dialplan" value="XML"/><param name="auth-calls" value="false"/>
    <param name="accept-blind-reg" value="true"/><param name="rtp-timer-name" value="soft"/>
    <param name="inbound-codec-prefs" value="PCMU"/><param name="outbound-codec-prefs" value="PCMU"/>
    <param name="force-register-domain" value="{domain}"/><param name="force-register-db-domain" value="{domain}"/>
  </settings></profile></profiles></configuration>
</section>
<section name="dialplan">{dialplan}</section>
<section name="directory"><domain name="{domain}"/></section>
</document>
"""


class PlacedCall(Protocol):
    """A call as a test drives it."""

    def final(self, timeout: float = 10) -> int:
        """Final SIP code, once there is one."""

    def cancel(self) -> None: ...

    def bye(self) -> None: ...


class Bench(Protocol):
    """A switch with phones. `name` says which."""

    name: str

    def phone(self, user: str, code: int | None = 200, after: float = 0.05, talks: float | None = None) -> None:
        """Register a phone that rings `after` seconds, then answers with this code (None: rings on)."""

    def call(self, number: str) -> PlacedCall: ...

    def seen(self, user: str) -> list[str]:
        """What a phone saw: `INVITE` with the caller as it was shown, `CANCEL` with the reason."""

    def client(self) -> Client:
        """A new connection to the event socket, before the password."""

    def close(self) -> None: ...


@dataclass
class Simulated:
    """The simulator."""

    dialplan: str
    name: str = "simulator"
    phones: dict[str, SimulatedEndpoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        document = _document(self.dialplan, esl=0, sip=0, rtp=0)
        self.switch = Switch(lambda: parse(document), PASSWORD)
        self.switch.__enter__()

    def phone(self, user: str, code: int | None = 200, after: float = 0.05, talks: float | None = None) -> None:
        endpoint = SimulatedEndpoint(self.switch.clock, Behaviour(code, after, talks), user)
        self.switch.run(lambda core: core.locations.register(user, DOMAIN, endpoint))
        self.phones[user] = endpoint

    def call(self, number: str) -> SimulatedCall:
        profile = Profile("100", "100", "100", destination_number=number, context=DOMAIN)
        variables = {"sip_from_user": "100", "endpoint_disposition": "RECEIVED"}
        name = f"sofia/internal/100@{DOMAIN}"
        return self.switch.run(lambda core: SimulatedCall(self.switch, core.incoming(profile, name, variables)))

    def seen(self, user: str) -> list[str]:
        story = []
        for call in self.phones[user].incoming:
            story.append(f'INVITE "{call.display_name}" {call.number}')
            if call.cancelled:
                story.append(f"CANCEL {call.cancel_reason}")
        return story

    def client(self) -> Client:
        return Client(socket.create_connection(self.switch.address))

    def close(self) -> None:
        self.switch.close()


@dataclass
class _LiveCall:
    agent: UserAgent
    call_id: str
    number: str

    def final(self, timeout: float = 10) -> int:
        return self.agent.result(self.call_id, timeout)

    def cancel(self) -> None:
        self.agent.cancel(self.call_id, self.number)

    def bye(self) -> None:
        self.agent.bye(self.call_id)


class Live:
    """FreeSWITCH with phones over UDP."""

    name = "freeswitch"

    def __init__(self, dialplan: str, folder: Path) -> None:
        self._ports = Ports()
        esl, sip, rtp = self._ports.block(1), self._ports.block(1), self._ports.block(200)
        folder.mkdir(exist_ok=True)
        (folder / "freeswitch.xml").write_text(_document(dialplan, esl=esl, sip=sip, rtp=rtp))
        self._esl = esl
        self._switch = FreeSwitch(folder, esl, PASSWORD, profiles=("internal",))
        self._proxy = ("127.0.0.1", sip)
        self._phones: dict[str, UserAgent] = {}
        self._caller = UserAgent("100", self._proxy, DOMAIN)

    def phone(self, user: str, code: int | None = 200, after: float = 0.05, talks: float | None = None) -> None:
        if user in self._phones:
            self._phones.pop(user).close()
        agent = UserAgent(user, self._proxy, DOMAIN, (after, code), talks)
        assert agent.register() == 200
        self._phones[user] = agent

    def call(self, number: str) -> _LiveCall:
        return _LiveCall(self._caller, self._caller.invite(number), number)

    def seen(self, user: str) -> list[str]:
        story = []
        for message in self._phones[user].seen:
            if message.method == "INVITE":
                display, _, address = message.get("From").partition("<sip:")
                story.append(f"INVITE {display.strip()} {address.partition('@')[0]}")
            elif message.method == "CANCEL":
                story.append(f"CANCEL {message.get('Reason')}")
        return list(dict.fromkeys(story))

    def client(self) -> Client:
        return Client(socket.create_connection(("127.0.0.1", self._esl)))

    def close(self) -> None:
        for agent in [*self._phones.values(), self._caller]:
            agent.close()
        self._switch.kill()
        self._ports.close()


def _document(dialplan: str, **ports: int) -> str:
    modules = "".join(f'<load module="mod_{name}"/>' for name in MODULES)
    values: dict[str, Any] = {**ports, "rtp_end": ports["rtp"] + 198}
    return DOCUMENT.format(dialplan=dialplan, modules=modules, domain=DOMAIN, password=PASSWORD, **values)
