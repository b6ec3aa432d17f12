"""The address of the mail server, and what is never said of it."""

from __future__ import annotations

import pytest

from bizpbx.config import Config
from bizpbx.errors import ConfigurationError
from bizpbx.mail.smtp import Security, Server, parse, server_of


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:2525", Server("127.0.0.1", 2525, Security.NONE)),
        ("smtp+starttls://a:b%40c@mail.example", Server("mail.example", 587, Security.STARTTLS, "a", "b@c")),
        (
            "smtps://pbx%40acme.example:x@Mail.Example",
            Server("mail.example", 465, Security.TLS, "pbx@acme.example", "x"),
        ),
        ("smtp://a:b@localhost", Server("localhost", 25, Security.NONE, "a", "b")),
    ],
)
def test_addresses(url: str, server: Server) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://x:99999", "smtps://user@h.example", "smtp://h/x"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_SMTP_URL must be like"):
        parse(url)


def test_a_password_does_not_travel_in_clear_and_is_not_told() -> None:
    with pytest.raises(ConfigurationError, match="in clear") as refused:
        parse("smtp://ann:hunter2@mail.example")
    assert "hunter2" not in str(refused.value)
    config = Config(smtp_url="smtps://ann:hunter2@mail.example", mail_from="pbx@acme.example")
    assert "hunter2" not in repr(config) + repr(server_of(config))


def test_mails_need_an_address_to_come_from() -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_MAIL_FROM"):
        server_of(Config(smtp_url="smtps://mail.example"))
    assert server_of(Config()) is None
