"""mod_xml_curl on the real switch: the controller's word against the static tree's."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from bizpbx.freeswitch.rendering import device_document, key_document, refused_document
from bizpbx.freeswitch.rendering.tree import POSTED
from tests.rendering.live import LiveSwitch, switch
from tests.rendering.phone import Phone
from tests.rendering.samples import extension, organisation

pytestmark = pytest.mark.freeswitch

ACME = "acme.example"
SETTINGS = organisation(extensions=[extension("100", ACME), extension("101", ACME)])
NOT_FOUND = '<document type="freeswitch/xml"><section name="result"><result status="not found"/></section></document>'


class Answers(ThreadingHTTPServer):
    """Answers about users, as a controller would; what is not listed is not found."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.users: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.authorization: set[str | None] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(asked)
        self.server.authorization.add(self.headers["Authorization"])
        answer = self.server.users.get(asked.get("user", ""), NOT_FOUND).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    server = Answers()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, answers: Answers) -> Iterator[LiveSwitch]:
    url = f"http://127.0.0.1:{answers.server_port}/"
    with switch(tmp_path_factory.mktemp("switch"), [SETTINGS], curl=url, credentials="freeswitch:secret") as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_said(answers: Answers) -> None:
    answers.users.clear()
    answers.asked.clear()
    answers.status = 200


@pytest.fixture
def phone(live: LiveSwitch) -> Iterator[Phone]:
    opened = Phone("100-ip_phone", ACME, live.internal, on_invite=486)
    yield opened
    opened.close()


@pytest.fixture
def caller(live: LiveSwitch) -> Iterator[Phone]:
    opened = Phone("101-ip_phone", ACME, live.internal)
    yield opened
    opened.close()


def test_the_static_tree_serves_where_the_controller_does_not(answers: Answers, phone: Phone) -> None:
    assert phone.register() == 200
    answers.status = 500
    assert phone.register() == 200


def test_a_refusal_beats_the_static_tree(answers: Answers, phone: Phone, caller: Phone) -> None:
    assert phone.register() == 200
    answers.users["100-ip_phone"] = refused_document(ACME, "100-ip_phone")
    answers.users["101-ip_phone"] = refused_document(ACME, "101-ip_phone")
    assert phone.register() == 403
    assert caller.register() == 403
    assert caller.call("100").status == 403
    assert phone.invites == []


def test_a_refused_key_is_not_called(answers: Answers, phone: Phone, caller: Phone) -> None:
    assert phone.register() == 200
    answers.users["100"] = refused_document(ACME, "100")
    assert caller.call("100").status == 480
    assert phone.invites == []


def test_a_device_that_the_static_tree_does_not_know_is_let_in(answers: Answers, live: LiveSwitch) -> None:
    new = extension("300", ACME)
    answers.users["300-ip_phone"] = device_document(SETTINGS.organisation, new, new.devices[0])
    answers.users["300"] = key_document(SETTINGS.organisation, new)
    phone = Phone("300-ip_phone", ACME, live.internal, on_invite=486)
    assert phone.register() == 200
    assert phone.call("300").status == 486
    assert phone.invites[0].get("from").startswith('"Extension 300" <sip:300@')
    phone.close()


def test_the_question_names_the_user_and_nothing_the_caller_made_up(answers: Answers, phone: Phone) -> None:
    phone.call("100", extra="X-user: 101-ip_phone\r\nX-Evil: 1\r\n")
    asked = answers.asked[0]
    assert {"section", "tag_name", "key_name", "key_value"} <= set(asked)
    assert asked["user"] == "100-ip_phone"
    assert asked["domain"] == ACME
    assert asked["sip_auth_method"] == "INVITE"
    assert answers.authorization == {"Basic " + base64.b64encode(b"freeswitch:secret").decode()}
    assert set(asked) - {"hostname", "section", "tag_name", "key_name", "key_value"} <= set(POSTED)
