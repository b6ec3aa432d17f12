"""What a SIPp phone answers, message by message, to a switch that this test plays itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp.carrier import SippCarrier
from bizpbx.testbed.sipp.message import SipMessage, parse
from bizpbx.testbed.sipp.trunk import bound
from bizpbx.testbed.world import Behaviour, Incoming, answers, refuses, rings_only

pytestmark = pytest.mark.freeswitch


class Dialog:
    """One call of the switch to a phone."""

    def __init__(self, ports: Ports, folder: Path, behaviour: Behaviour) -> None:
        self._socket = bound(ports.one())
        self._socket.settimeout(3)
        self.port = self._socket.getsockname()[1]
        self.phone = SippCarrier(folder, ports, ("127.0.0.1", self.port), ports.one(), behaviour)
        self._tag = ""

    def send(self, method: str, cseq: str, branch: str = "one") -> None:
        lines = [
            f"{method} sip:100@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{branch}",
            "From: <sip:101@pbx>;tag=1",
            f"To: <sip:100@pbx>{self._tag}",
            "Call-ID: call",
            f"CSeq: {cseq}",
            f"Contact: <sip:pbx@127.0.0.1:{self.port}>",
            "Content-Length: 0",
        ]
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", self.phone.port))

    def next(self) -> tuple[int, str]:
        """Status (or 0) and CSeq of the next message."""
        message = self.next_message()
        return message.status, message.header("CSeq") or ""

    def next_message(self) -> SipMessage:
        message = parse(self._socket.recv(4000).decode())
        to = message.header("To") or ""
        if message.status and ";tag=" in to:
            self._tag = to[to.index(";tag=") :]
        return message

    def reply(self, request: SipMessage) -> None:
        kept = "".join(f"{n}: {v}\r\n" for n, v in request.headers if n in ("Via", "From", "To", "Call-ID", "CSeq"))
        text = f"SIP/2.0 200 OK\r\n{kept}Content-Length: 0\r\n\r\n"
        self._socket.sendto(text.encode(), ("127.0.0.1", self.phone.port))

    def seen(self) -> Incoming:
        """The one call, once it is over for the phone (which writes down what it sent after sending it)."""
        deadline = time.monotonic() + 3
        while not self.phone.incoming[0].ended and time.monotonic() < deadline:
            time.sleep(0.005)
        (call,) = self.phone.incoming
        return call

    def close(self) -> None:
        self.phone.stop()
        self._socket.close()


@pytest.fixture
def dialog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dialog]:
    with Ports() as ports:
        call = Dialog(ports, tmp_path, request.param)
        yield call
        call.close()


@pytest.mark.parametrize("dialog", [answers(after=0)], indirect=True)
def test_a_call_that_is_changed_while_it_is_up(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert [dialog.next(), dialog.next()] == [(180, "5 INVITE"), (200, "5 INVITE")]
    dialog.send("ACK", "5 ACK", "ack")

    dialog.send("INVITE", "6 INVITE", "again")
    answer = dialog.next_message()
    assert (answer.status, answer.cseq) == (200, (6, "INVITE"))
    assert answer.header("Content-Type") == "application/sdp"
    assert (answer.header("To") or "").count(";tag=") == 1
    dialog.send("ACK", "6 ACK", "ack-again")

    dialog.send("UPDATE", "7 UPDATE", "update")
    assert dialog.next() == (200, "7 UPDATE")
    dialog.send("INFO", "8 INFO", "info")
    assert dialog.next() == (200, "8 INFO")

    dialog.send("BYE", "9 BYE", "bye")
    assert dialog.next() == (200, "9 BYE")
    seen = dialog.seen()
    assert (seen.answered, seen.cancelled, seen.ended) == (True, False, True)


@pytest.mark.parametrize("dialog", [rings_only, answers(after=5)], indirect=True)
def test_a_cancelled_call(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert dialog.next() == (180, "5 INVITE")
    dialog.send("CANCEL", "5 CANCEL")
    assert [dialog.next(), dialog.next()] == [(200, "5 CANCEL"), (487, "5 INVITE")]
    dialog.send("ACK", "5 ACK")
    assert dialog.seen().cancelled


@pytest.mark.parametrize("dialog", [answers(after=0)], indirect=True)
def test_a_cancel_that_crosses_the_answer_changes_nothing(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert [dialog.next(), dialog.next()] == [(180, "5 INVITE"), (200, "5 INVITE")]
    dialog.send("CANCEL", "5 CANCEL")
    assert dialog.next() == (200, "5 CANCEL")
    dialog.send("ACK", "5 ACK", "ack")
    dialog.send("BYE", "6 BYE", "bye")
    assert dialog.next() == (200, "6 BYE")
    seen = dialog.seen()
    assert (seen.answered, seen.cancelled) == (True, False)


@pytest.mark.parametrize("dialog", [answers(after=0, talks=0.1)], indirect=True)
def test_it_hangs_up_itself(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert [dialog.next(), dialog.next()] == [(180, "5 INVITE"), (200, "5 INVITE")]
    dialog.send("ACK", "5 ACK", "ack")
    bye = dialog.next_message()
    assert (bye.method, bye.header("To")) == ("BYE", "<sip:101@pbx>;tag=1")
    assert bye.uri.startswith("sip:pbx@127.0.0.1:")
    dialog.reply(bye)
    assert dialog.seen().ended


@pytest.mark.parametrize("dialog", [answers(None)], indirect=True)
def test_it_answers_keys_in_and_hangs_up_when_it_is_told(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert dialog.next() == (180, "5 INVITE")
    dialog.phone.answer()
    answer = dialog.next_message()
    assert (answer.status, answer.cseq) == (200, (5, "INVITE"))
    assert answer.header("Via") == f"SIP/2.0/UDP 127.0.0.1:{dialog.port};branch=z9hG4bK-one"
    dialog.send("ACK", "5 ACK", "ack")
    with ThreadPoolExecutor() as meanwhile:
        told = meanwhile.submit(dialog.phone.press, "1#")
        infos = [dialog.next_message()]
        dialog.reply(infos[0])
        infos.append(dialog.next_message())
        dialog.reply(infos[1])
        told.result()
        assert [info.method for info in infos] == ["INFO", "INFO"]
        dialog.phone.hang_up()
        bye = dialog.next_message()
        dialog.reply(bye)
    assert (bye.method, bye.header("To")) == ("BYE", "<sip:101@pbx>;tag=1")
    assert infos[0].cseq < infos[1].cseq < bye.cseq
    assert dialog.seen().ended


@pytest.mark.parametrize("dialog", [refuses(486, None)], indirect=True)
def test_it_is_busy_when_it_is_told(dialog: Dialog) -> None:
    dialog.send("INVITE", "5 INVITE")
    assert dialog.next() == (180, "5 INVITE")
    dialog.phone.answer()
    assert dialog.next() == (486, "5 INVITE")
    dialog.send("ACK", "5 ACK")
    assert dialog.seen().ended


@pytest.mark.parametrize("dialog", [rings_only], indirect=True)
def test_a_ping_is_answered_and_is_no_call(dialog: Dialog) -> None:
    dialog.send("OPTIONS", "1 OPTIONS")
    assert dialog.next() == (200, "1 OPTIONS")
    assert list(dialog.phone.incoming) == []
