"""Who is let in: the controllers are asked first, and the static directory where they have no answer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from gevent.pywsgi import WSGIServer

from bizpbx.simulator.configuration import parse
from bizpbx.simulator.directory import Directory

STATIC = '<domain name="acme.example"><users><user id="100"><params><param name="password" value="static"/></params></user></users></domain>'  # noqa: E501
NOT_FOUND = '<document><section name="result"><result status="not found"/></section></document>'


class Controller:
    """Answers with what a test puts into it."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.answer = NOT_FOUND
        self.asked: list[dict[str, list[str]]] = []
        self.credentials: list[str] = []
        self._server = WSGIServer(("127.0.0.1", 0), self._app, log=None)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/directory"

    def close(self) -> None:
        self._server.stop(timeout=1)

    def _app(self, environ, start_response):  # type: ignore[no-untyped-def]
        self.asked.append(parse_qs(environ["wsgi.input"].read().decode()))
        self.credentials.append(environ.get("HTTP_AUTHORIZATION", ""))
        start_response(self.status, [("Content-Type", "text/xml")])
        return [self.answer.encode()]


@pytest.fixture
def controller() -> Iterator[Controller]:
    made = Controller()
    yield made
    made.close()


def directory(*urls: str) -> Directory:
    bindings = "".join(
        f'<binding><param name="gateway-url" value="{url}" bindings="directory"/><param name="timeout" value="1"/>'
        '<param name="gateway-credentials" value="freeswitch:p:w"/><param name="enable-post-var" value="user"/>'
        '<param name="enable-post-var" value="domain"/></binding>'
        for url in urls
    )
    configured = f'<configuration name="xml_curl.conf"><bindings>{bindings}</bindings></configuration>'
    sections = f'<section name="configuration">{configured}</section><section name="directory">{STATIC}</section>'
    return Directory(parse(f"<document>{sections}</document>"))


def entry(user: str, params: str = "") -> str:
    return (
        '<document><section name="directory"><domain name="acme.example"><variables>'
        '<variable name="user_context" value="acme.example"/></variables><users>'
        f'<user id="{user}"><params>{params}</params></user></users></domain></section></document>'
    )


def test_the_controllers_answer_counts(controller: Controller) -> None:
    controller.answer = entry("100", '<param name="password" value="live"/>')
    user = directory(controller.url).find("acme.example", "100", "sip_auth")
    assert user is not None
    assert user.admits("acme.example", "live")
    assert not user.admits("acme.example", "static")
    assert user.variables == {"user_context": "acme.example"}
    assert controller.credentials == ["Basic " + base64.b64encode(b"freeswitch:p:w").decode()]
    (form,) = controller.asked
    assert (form["section"], form["user"], form["domain"]) == (["directory"], ["100"], ["acme.example"])
    assert "sip_auth_username" not in form


def test_an_entry_without_a_secret_is_a_refusal(controller: Controller) -> None:
    controller.answer = entry("100")
    user = directory(controller.url).find("acme.example", "100", "sip_auth")
    assert user is not None
    assert not user.admits("acme.example", "static")
    assert not user.admits("acme.example", "")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("200 OK", NOT_FOUND),
        ("200 OK", "garbage"),
        ("200 OK", ""),
        ("200 OK", '<document><section name="directory"/></document>'),
        ("200 OK", entry("100").replace("acme", "bravo")),
        ("500 Oops", entry("100")),
        ("401 No", ""),
    ],
)
def test_anything_else_goes_on_to_the_static_directory(controller: Controller, status: str, answer: str) -> None:
    controller.status, controller.answer = status, answer
    user = directory("http://127.0.0.1:1/", controller.url).find("acme.example", "100", "sip_auth")
    assert user is not None
    assert user.admits("acme.example", "static")


def test_a_domain_that_does_not_know_the_user_is_a_refusal(controller: Controller) -> None:
    controller.answer = entry("101")
    assert directory(controller.url).find("acme.example", "100", "sip_auth") is None


def test_a_digest_is_checked_against_the_hash() -> None:
    ha1 = hashlib.md5(b"100:acme.example:secret").hexdigest()
    user = directory().find("acme.example", "100", "sip_auth")
    assert user is not None
    hashed = type(user)("100", {"a1-hash": ha1, "password": "other"})
    assert hashed.admits("acme.example", "secret")
    assert not hashed.admits("acme.example", "other")
    assert not hashed.admits("bravo.example", "secret")


def test_strangers_are_not_found() -> None:
    assert directory().find("acme.example", "101", "sip_auth") is None
    assert directory().find("bravo.example", "100", "sip_auth") is None
