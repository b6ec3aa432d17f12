"""What the far end of a call may not do to it on the real switch: send it elsewhere, or take over somebody else's."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.rendering.live import LiveSwitch, switch, wait_for
from tests.rendering.phone import Message, Phone
from tests.rendering.samples import extension, gateway, organisation

pytestmark = pytest.mark.freeswitch

ACME, BETA = "acme.example", "beta.example"
SETTLED = 0.5
"""Seconds in which the switch would have done what it must not do."""


@dataclass
class Mover(Phone):
    """Answers a call with "moved" to another place, or with a REFER to it once it is answered."""

    to: str = ""

    @property
    def contact(self) -> str:
        return f"<{self.to}>" if self.on_invite == 302 else super().contact

    def refer(self, invite: Message) -> None:
        """Ask the switch to send the other party of this answered call elsewhere."""
        to = f"{invite.get('to')};tag={self._tag}"
        self._send(
            f"REFER {_uri(invite.get('contact'))} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch=z9hG4bKrefer{time.monotonic_ns()}\r\n"
            f"Max-Forwards: 70\r\nFrom: {to}\r\nTo: {invite.get('from')}\r\nCall-ID: {invite.get('call-id')}\r\n"
            f"CSeq: 7 REFER\r\nContact: {self.contact}\r\nRefer-To: <{self.to}>\r\nContent-Length: 0\r\n\r\n"
        )

    def said(self, invite: Message, cseq: str = "7 REFER") -> int:
        return self._final(invite.get("call-id"), cseq, 5).status


def _uri(header: str) -> str:
    found = re.search(r"<([^>]+)>", header)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module")
def carrier() -> Iterator[Mover]:
    far_end = Mover("carrier", "127.0.0.1", ("127.0.0.1", 9))
    yield far_end
    far_end.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, carrier: Mover) -> Iterator[LiveSwitch]:
    keys = ("100", "101", "102")
    trunk = gateway(ACME, carrier.port)
    acme = organisation(ACME, [extension(key, ACME) for key in keys], trunk=trunk)
    beta = organisation(BETA, [extension(key, BETA) for key in keys[:2]], trunk=gateway(BETA, carrier.port), numbers=())
    with switch(tmp_path_factory.mktemp("switch"), [acme, beta]) as running:
        carrier.switch = running.external
        yield running


@pytest.fixture
def phones(live: LiveSwitch, carrier: Mover) -> Iterator[list[Phone]]:
    opened: list[Phone] = []
    carrier.invites.clear()
    carrier.on_invite = 200
    yield opened
    for each in opened:
        each.register(expires=0)
        each.close()


def registered(phones: list[Phone], live: LiveSwitch, user: str, domain: str = ACME, **options: object) -> Mover:
    opened = Mover(user, domain, live.internal, **options)  # type: ignore[arg-type]
    phones.append(opened)
    assert opened.register() == 200
    return opened


def test_a_phone_that_answers_moved_sends_the_call_nowhere(live: LiveSwitch, phones: list[Phone]) -> None:
    # given: a phone that names an address outside, such as that of a carrier which knows the switch by its address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        elsewhere.settimeout(SETTLED)
        moved = registered(phones, live, "100-ip_phone")
        moved.on_invite, moved.to = 302, f"sip:+93701234567@127.0.0.2:{elsewhere.getsockname()[1]}"

        assert registered(phones, live, "101-ip_phone").call("100").status == 503

        assert len(moved.invites) == 1
        with pytest.raises(TimeoutError):
            elsewhere.recv(65535)
        moved.on_invite = 486


@pytest.mark.parametrize("host", [ACME, "127.0.0.1"])
def test_a_phone_that_answers_moved_dials_nothing_for_its_caller(
    live: LiveSwitch, phones: list[Phone], carrier: Mover, host: str
) -> None:
    moved = registered(phones, live, "100-ip_phone")
    moved.on_invite, moved.to = 302, f"sip:995@{host}"

    assert registered(phones, live, "101-ip_phone").call("100").status == 503

    assert len(moved.invites) == 1
    time.sleep(SETTLED)
    assert carrier.invites == []
    moved.on_invite = 486


def test_a_carrier_that_answers_moved_sends_the_call_nowhere(
    live: LiveSwitch, phones: list[Phone], carrier: Mover
) -> None:
    other = registered(phones, live, "102-ip_phone")
    carrier.on_invite, carrier.to = 302, f"sip:102@{ACME}"

    assert registered(phones, live, "101-ip_phone").call("995").status == 503

    time.sleep(SETTLED)
    assert (len(carrier.invites), other.invites) == (1, [])


def test_a_carrier_cannot_transfer_its_caller(live: LiveSwitch, phones: list[Phone], carrier: Mover) -> None:
    caller = registered(phones, live, "101-ip_phone")
    other = registered(phones, live, "102-ip_phone")
    carrier.to = f"sip:102@{ACME}"
    answer = caller.call("995")
    assert answer.status == 200

    carrier.refer(carrier.invites[0])

    assert carrier.said(carrier.invites[0]) == 405
    time.sleep(SETTLED)
    assert other.invites == []
    assert not caller.ended.is_set()
    caller.hang_up(answer)


def test_nobody_takes_over_a_conversation_by_naming_it(live: LiveSwitch, phones: list[Phone]) -> None:
    # given: two who talk, and somebody of another organisation who has learned the names of their legs
    called = registered(phones, live, "100-ip_phone")
    caller = registered(phones, live, "101-ip_phone")
    wait_for(lambda: live.channels() == [])
    answer = caller.call("100")
    assert answer.status == 200
    wait_for(lambda: len(live.channels()) == 2)
    stranger = registered(phones, live, "100-ip_phone", BETA)

    for name in (called.invites[0].get("call-id"), answer.get("call-id"), *(leg["uuid"] for leg in live.channels())):
        stranger.call("100", extra=f"Replaces: {name};to-tag=1;from-tag=1\r\n")

    time.sleep(SETTLED)
    assert not called.ended.is_set()
    assert not caller.ended.is_set()
    caller.hang_up(answer)


def test_a_device_cannot_pass_for_a_gateway(live: LiveSwitch, phones: list[Phone]) -> None:
    # A gateway that is named in the request URI would take the call into the context of the trunks.
    called = registered(phones, live, "100-ip_phone", on_invite=486)
    caller = registered(phones, live, "101-ip_phone")
    uri = f"sip:+6564291310@{ACME};gw=carrier.{ACME}"

    answer = caller._authenticated("INVITE", uri, f"<{uri}>", "", caller.sdp, 10.0)

    assert answer.status == 603
    assert called.invites == []


@pytest.mark.parametrize(
    "refer_to",
    [
        "sip:+93701234567@{address}?Replaces=unknown%3Bto-tag%3D1%3Bfrom-tag%3D1",
        # Where the switch writes parts of the address into a dial string, none of it may become one.
        "sip:101@acme.example?Replaces=unknown}}sofia/internal/sip:9@{address},error/x",
        "sip:101@acme.example?Replaces=unknown%7Dsofia/internal/sip:9@{address},error/x",
        "sip:101@acme.example;x=1}}sofia/internal/sip:9@{address},error/x?Replaces=unknown",
        "sip:101@acme.example;x=1%7Dsofia%2Finternal%2Fsip:9%40{address},error%2Fx?Replaces=unknown",
        "sip:sofia%2Finternal%2Fsip:9%40{address}@acme.example?Replaces=unknown",
    ],
)
def test_a_device_cannot_have_the_switch_call_an_address_of_its_choice(
    live: LiveSwitch, phones: list[Phone], refer_to: str
) -> None:
    # given: a REFER that replaces a call which the switch does not know, so that it would look for it elsewhere
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        elsewhere.settimeout(SETTLED)
        called = registered(phones, live, "100-ip_phone")
        caller = registered(phones, live, "101-ip_phone")
        answer = caller.call("100")
        assert answer.status == 200
        called.to = refer_to.format(address=f"127.0.0.2:{elsewhere.getsockname()[1]}")

        called.refer(called.invites[0])

        assert called.said(called.invites[0]) == 405
        with pytest.raises(TimeoutError):
            elsewhere.recv(65535)
        assert not caller.ended.is_set()
        caller.hang_up(answer)


def test_nobody_is_joined_with_a_conversation_of_others(live: LiveSwitch, phones: list[Phone]) -> None:
    # given: two who talk, and a device of another organisation that has learned the Call-IDs of their legs
    called = registered(phones, live, "100-ip_phone")
    caller = registered(phones, live, "101-ip_phone")
    answer = caller.call("100")
    assert answer.status == 200
    stranger = registered(phones, live, "100-ip_phone", BETA)
    accomplice = registered(phones, live, "101-ip_phone", BETA)
    theirs = accomplice.call("100")
    assert theirs.status == 200

    for name in (answer.get("call-id"), called.invites[0].get("call-id")):
        stranger.to = f"sip:101@{BETA}?Replaces={name}%3Bto-tag%3D1%3Bfrom-tag%3D1"
        stranger.refer(stranger.invites[0])
        assert stranger.said(stranger.invites[0]) == 405
        time.sleep(SETTLED)
        assert not called.ended.is_set()
        assert not caller.ended.is_set()

    caller.hang_up(answer)
    accomplice.hang_up(theirs)


def test_a_device_cannot_send_its_caller_on_at_the_caller_s_cost(
    live: LiveSwitch, phones: list[Phone], carrier: Mover
) -> None:
    called = registered(phones, live, "100-ip_phone")
    other = registered(phones, live, "102-ip_phone")
    caller = registered(phones, live, "101-ip_phone")
    answer = caller.call("100")
    assert answer.status == 200

    for number in ("102", "995"):
        called.to = f"sip:{number}@{ACME}"
        called.refer(called.invites[0])
        assert called.said(called.invites[0]) == 405

    time.sleep(SETTLED)
    assert (other.invites, carrier.invites) == ([], [])
    assert not caller.ended.is_set()
    caller.hang_up(answer)
