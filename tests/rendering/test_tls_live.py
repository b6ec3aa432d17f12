"""Devices that require TLS on the real switch without a controller: what the rendered tree alone holds them to."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rendering import certificates
from tests.rendering.live import LiveSwitch, switch, wait_for
from tests.rendering.phone import SDP, Phone
from tests.rendering.samples import device, extension, gateway, organisation
from tests.rendering.tls_phone import TlsPhone

pytestmark = pytest.mark.freeswitch

ACME = "acme.example"
SECURE, PLAIN = "100-ip_phone", "101-ip_phone"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def carrier() -> Iterator[Phone]:
    phone = Phone("carrier", "127.0.0.1", ("127.0.0.1", 9), on_invite=486)
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tls: Path, carrier: Phone) -> Iterator[LiveSwitch]:
    secure = extension("100", ACME, devices=[device("100", ACME, tls=True)])
    acme = organisation(ACME, [secure, extension("101", ACME)], trunk=gateway(ACME, carrier.port))
    with switch(tmp_path_factory.mktemp("switch"), [acme], certificates=tls) as running:
        yield running


@pytest.fixture
def secure(live: LiveSwitch, tls: Path) -> Iterator[TlsPhone]:
    phone = TlsPhone(SECURE, ACME, live.tls, certificates=tls)
    assert phone.register() == 200
    yield phone
    phone.register(expires=0)
    phone.close()


@pytest.fixture
def plain(live: LiveSwitch) -> Iterator[Phone]:
    phone = Phone(PLAIN, ACME, live.internal)
    assert phone.register() == 200
    yield phone
    phone.close()


@pytest.fixture
def downgraded(live: LiveSwitch) -> Iterator[Phone]:
    """The device that requires TLS, without it."""
    phone = Phone(SECURE, ACME, live.internal)
    yield phone
    phone.register(expires=0)
    phone.close()


def test_a_call_reaches_the_device_over_its_own_connection_and_offers_srtp_alone(
    secure: TlsPhone, plain: Phone
) -> None:
    answer = plain.call("100")
    assert answer.status == 200
    (invite,) = secure.invites
    assert invite.get("via").startswith("SIP/2.0/TLS ")
    assert [line.split()[2] for line in invite.body.splitlines() if line.startswith("m=")] == ["RTP/SAVP"]
    assert "a=crypto:" in invite.body
    # The other side is a plain device: its media stay as they are.
    assert "RTP/AVP" in answer.body
    plain.hang_up(answer)
    assert secure.ended.wait(5)


def test_a_device_that_answers_without_srtp_is_not_talked_to(secure: TlsPhone, plain: Phone) -> None:
    secure.sdp = SDP
    assert plain.call("100").status == 503
    assert len(secure.invites) == 1


def test_a_call_from_the_device_encrypts_its_media(secure: TlsPhone, plain: Phone) -> None:
    answer = secure.call("101")
    assert answer.status == 200
    assert "RTP/SAVP" in answer.body
    assert "a=crypto:" in answer.body
    assert "RTP/AVP" in plain.invites[0].body
    secure.hang_up(answer)


@pytest.mark.parametrize("number", ["101", "999"], ids=["key", "emergency"])
def test_an_offer_without_srtp_is_refused_before_anybody_rings(
    secure: TlsPhone, plain: Phone, carrier: Phone, number: str
) -> None:
    carrier.invites.clear()
    secure.sdp = SDP
    assert secure.call(number).status == 488
    assert plain.invites == carrier.invites == []


def test_a_registration_without_tls_is_never_called(downgraded: Phone, plain: Phone) -> None:
    # The tree cannot tell one profile from the other; a controller refuses this.
    assert downgraded.register() == 200
    assert plain.call("100").status == 480
    assert downgraded.invites == []


@pytest.mark.parametrize(
    "offer", [SDP, SDP.replace("AVP", "SAVP") + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40]
)
def test_a_call_without_tls_is_refused(downgraded: Phone, plain: Phone, offer: str) -> None:
    downgraded.sdp = offer
    assert downgraded.call("101").status == 603
    assert plain.invites == []


def test_an_emergency_call_is_not_refused_for_want_of_encryption(downgraded: Phone, carrier: Phone) -> None:
    carrier.invites.clear()
    assert downgraded.call("999").status == 486
    assert len(carrier.invites) == 1


def test_a_closed_connection_ends_the_registration(live: LiveSwitch, tls: Path, plain: Phone) -> None:
    gone = TlsPhone(SECURE, ACME, live.tls, certificates=tls)
    assert gone.register() == 200
    gone.close()
    wait_for(lambda: "user_not_registered" in live.api(f"sofia_contact internal-tls/{SECURE}.{ACME}@{ACME}"))
    assert plain.call("100").status == 480


def test_nothing_in_clear_is_answered_there(live: LiveSwitch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.connect(live.tls)
        udp.send(b"OPTIONS sip:acme.example SIP/2.0\r\n\r\n")
        with pytest.raises(ConnectionRefusedError):
            udp.recv(100)
    clear = f"OPTIONS sip:{ACME} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1\r\n\r\n"
    with socket.create_connection(live.tls, timeout=2) as tcp:
        tcp.sendall(clear.encode())
        assert not tcp.recv(100).startswith(b"SIP")


def test_the_switch_shows_the_certificate_that_it_was_given(live: LiveSwitch, tmp_path: Path) -> None:
    stranger = certificates.make(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsPhone(SECURE, ACME, live.tls, certificates=stranger)


def test_a_certificate_that_cannot_be_read_leaves_the_other_devices_alone(tmp_path: Path) -> None:
    broken = certificates.make(tmp_path / "tls")
    (broken / "agent.pem").write_text("none")
    with switch(tmp_path / "switch", [organisation()], certificates=broken) as live:
        with pytest.raises((ssl.SSLError, OSError)):
            TlsPhone(SECURE, ACME, live.tls, certificates=broken)
        phone = Phone(PLAIN, ACME, live.internal)
        assert phone.register() == 200
        phone.close()


def test_a_renewed_certificate_is_read_when_the_profile_restarts(tmp_path: Path) -> None:
    folder = certificates.make(tmp_path / "tls")
    with switch(tmp_path / "switch", [organisation()], certificates=folder) as live:
        certificates.make(folder)
        # The switch refuses to restart a profile younger than ten seconds.
        time.sleep(10)
        assert "restarting" in live.api("sofia profile internal-tls restart")
        wait_for(lambda: live.ready)

        def shown() -> bool:
            try:
                TlsPhone(SECURE, ACME, live.tls, certificates=folder).close()
            except OSError:
                return False
            return True

        wait_for(shown)
