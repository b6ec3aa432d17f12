"""A device registers for itself: it has no calls sent to an address of its choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import gevent
import pytest

from bizpbx.freeswitch.monitor import Monitor, SwitchAddress
from tests.rendering.live import LiveSwitch, switch
from tests.rendering.phone import Phone
from tests.rendering.samples import organisation

pytestmark = pytest.mark.freeswitch

ACME = "acme.example"
USER = "100-ip_phone"
ELSEWHERE = "127.0.0.2"
SECONDS = 10.0


@dataclass
class Registering(Phone):
    """Registers a contact that it is told."""

    said: str = ""

    @property
    def contact(self) -> str:
        return self.said.format(port=self.port) or super().contact

    def registers(self, extra: str = "") -> int:
        header = f"Expires: 300\r\n{extra}"
        return self._authenticated("REGISTER", f"sip:{self.domain}", f"<sip:{self.user}@{self.domain}>", header).status


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSwitch]:
    """With a controller's connection to it."""
    with switch(tmp_path_factory.mktemp("switch"), [organisation(ACME)]) as running:
        parameters = running.parameters
        address = SwitchAddress("here", parameters.esl_host, parameters.esl_port)
        monitor = Monitor(address, parameters.esl_password)
        monitor.start()
        with gevent.Timeout(SECONDS):
            while not monitor.connected:
                gevent.sleep(0.02)
        yield running
        monitor.stop()


@pytest.fixture
def carrier() -> Iterator[Phone]:
    far_end = Phone("carrier", ELSEWHERE, ("127.0.0.1", 9), host=ELSEWHERE, on_invite=486)
    yield far_end
    far_end.close()


def is_registered(live: LiveSwitch) -> bool:
    return f"{USER}.{ACME}@{ACME}" in live.api("sofia status profile internal reg")


@pytest.mark.parametrize(
    ("contact", "extra"),
    [
        ("<sip:+93701234567@{elsewhere}:{port}>", ""),
        ("<sip:+93701234567@127.0.0.1:9;fs_path=sip%3A{elsewhere}%3A{port}>", ""),
        ("<sip:+93701234567@127.0.0.1:9;maddr={elsewhere}>", ""),
        ("<sip:+93701234567@127.0.0.1:9>", "Path: <sip:{elsewhere}:{port};lr>\r\n"),
        ('"x <sip:a@127.0.0.1>" <sip:+93701234567@{elsewhere}:{port}>', ""),
    ],
    ids=["contact", "fs_path", "maddr", "path", "in the name"],
)
def test_a_registration_that_leads_elsewhere_is_taken_away(
    live: LiveSwitch, carrier: Phone, contact: str, extra: str
) -> None:
    where = {"elsewhere": ELSEWHERE, "port": carrier.port}
    thief = Registering(USER, ACME, live.internal, said=contact.format(**where))
    caller = Phone("101-ip_phone", ACME, live.internal)

    assert thief.registers(extra.format(**where)) == 200

    with gevent.Timeout(SECONDS):
        while is_registered(live):
            gevent.sleep(0.02)
    assert caller.call("100").status == 480
    assert carrier.invites == []
    thief.close()
    caller.close()


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "<sip:100-ip_phone@127.0.0.1:{port};transport=udp;ob>",
        "<sip:100@192.0.2.9;fs_path=sip%3A127.0.0.1%3A{port}>",
    ],
    ids=["its own", "with parameters", "by way of where it came from"],
)
def test_a_registration_that_leads_back_stays(live: LiveSwitch, contact: str) -> None:
    phone = Registering(USER, ACME, live.internal, said=contact, on_invite=486)
    caller = Phone("101-ip_phone", ACME, live.internal)
    assert phone.registers() == 200
    gevent.sleep(0.5)
    assert is_registered(live)
    assert caller.call("100").status == 486
    assert len(phone.invites) == 1
    phone.close()
    caller.close()
