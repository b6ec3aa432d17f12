"""Nobody has the switch do or send anything by a MESSAGE: it is no call, and no rule would see it."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.rendering.live import LiveSwitch, switch
from tests.rendering.phone import Phone
from tests.rendering.samples import extension, gateway, organisation

pytestmark = pytest.mark.freeswitch

ACME, BETA = "acme.example", "beta.example"
ELSEWHERE = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"
SETTLED = 0.5
"""Seconds in which the switch would have done what it must not do."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSwitch]:
    acme = organisation(ACME, [extension("100", ACME)], trunk=gateway(ACME, 9))
    beta = organisation(BETA, [extension("100", BETA)], trunk=gateway(BETA, 9), numbers=())
    with switch(tmp_path_factory.mktemp("switch"), [acme, beta]) as running:
        yield running


@pytest.fixture
def phone(live: LiveSwitch) -> Iterator[Phone]:
    opened = Phone("100-ip_phone", ACME, live.internal)
    assert opened.register() == 200
    yield opened
    opened.close()


def send(phone: Phone, to: str) -> int:
    """Sends a MESSAGE with the password of the phone; the final code."""
    return phone._authenticated("MESSAGE", f"sip:{phone.domain}", f"<sip:{to}>", body="hello").status


@pytest.mark.parametrize("port", ["internal", "external"])
@pytest.mark.parametrize("to", ["api+{command}", "api+{command}@acme.example", "global+api+{command}"])
def test_a_device_cannot_carry_out_a_command_of_the_switch(
    live: LiveSwitch, phone: Phone, tmp_path: Path, port: str, to: str
) -> None:
    made = tmp_path / "made"
    phone.switch, phone.realm = getattr(live, port), ACME

    send(phone, f"{to.format(command=quote(f'system touch {made}', safe=''))}@{ACME}")

    time.sleep(SETTLED)
    assert not made.exists()


def test_a_device_cannot_have_a_message_sent_to_an_address_of_its_choice(phone: Phone) -> None:
    # given: such as a carrier that knows the switch by its address, and sends text messages at its cost
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind((ELSEWHERE, 5060))
        elsewhere.settimeout(SETTLED)

        send(phone, f"+93701234567@{ELSEWHERE}")

        with pytest.raises(TimeoutError):
            elsewhere.recv(65535)


@pytest.mark.parametrize("user", ["100-ip_phone", f"100-ip_phone.{BETA}"])
def test_a_device_cannot_have_a_message_sent_to_another_organisation(live: LiveSwitch, phone: Phone, user: str) -> None:
    stranger = Phone("100-ip_phone", BETA, live.internal)
    assert stranger.register() == 200

    send(phone, f"{user}@{BETA}")

    time.sleep(SETTLED)
    assert "MESSAGE" not in stranger.asked
    stranger.close()
