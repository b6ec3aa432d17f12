"""The mail server that takes what we send."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit

from bizpbx import validation
from bizpbx.config import Config
from bizpbx.errors import BizpbxError, ConfigurationError, InvalidText

TIMEOUT: Final = 20.0
"""Seconds for each answer."""
LONGEST: Final = 120.0
"""Seconds for a whole mail."""

FORM: Final = "BIZPBX_SMTP_URL must be like smtp+starttls://user:password@mail.example:587"
HERE: Final = ("127.0.0.1", "::1", "localhost")


class NotSent(BizpbxError):
    """The mail server could not be reached, or did not take a mail. `for_good`: it will not take it later either."""

    code = "mail-not-sent"

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.for_good = for_good


class Security(StrEnum):
    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


PORTS: Final = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def server_of(config: Config) -> Server | None:
    """The server of BIZPBX_SMTP_URL; None: there is none. Raises ConfigurationError, which tells no password."""
    if not config.smtp_url:
        return None
    try:
        validation.email(config.mail_from)
    except InvalidText:
        raise ConfigurationError(
            "BIZPBX_MAIL_FROM must be an email address, such as pbx@acme.example, where BIZPBX_SMTP_URL is set."
        ) from None
    return parse(config.smtp_url)


def parse(url: str) -> Server:
    """Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        security = Security(parts.scheme)
        host = validation.host(parts.hostname or "")
        port = parts.port or PORTS[security]
    except (ValueError, InvalidText):
        raise ConfigurationError(f"{FORM}.") from None
    if (
        parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or (parts.username is None) != (parts.password is None)
    ):
        raise ConfigurationError(f"{FORM}; special characters in user and password are written as %XX.")
    if parts.password is not None and security is Security.NONE and host not in HERE:
        raise ConfigurationError("BIZPBX_SMTP_URL would send its password in clear; use smtp+starttls:// or smtps://.")
    user = unquote(parts.username) if parts.username is not None else None
    password = unquote(parts.password) if parts.password is not None else None
    return Server(host, port, security, user, password)


class Smtp:
    """Sends one mail a connection: alerts are few, and a connection that is kept may be dead when it is needed."""

    def __init__(self, server: Server, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    def send(self, message: EmailMessage) -> None:
        """Raises NotSent. A 5xx to the mail itself is for good; whatever is wrong with the connection is not, for the
        operator can put it right."""
        with self._connected() as connection:
            try:
                connection.send_message(message)
            except smtplib.SMTPRecipientsRefused as refused:
                code, text = next(iter(refused.recipients.values()))
                raise _refusal(code, text) from None
            except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
                raise _refusal(refused.smtp_code, refused.smtp_error) from None
            except smtplib.SMTPNotSupportedError as error:
                raise NotSent(_line(error), for_good=True) from None

    def check(self) -> None:
        """Connect, and sign in if there is a password. Raises NotSent."""
        with self._connected():
            pass

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            connection = self._open()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server failed: {_reason(error)}") from None
        try:
            yield connection
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server failed: {_reason(error)}") from None
        else:
            # The mail is theirs by now. What goes wrong with the farewell must not have it sent again.
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
        finally:
            connection.close()

    def _open(self) -> smtplib.SMTP:
        server = self._server
        if server.security is Security.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.security is Security.STARTTLS:
                connection.starttls(context=ssl.create_default_context())
            if server.user is not None and server.password is not None:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def _refusal(code: int, text: bytes | str) -> NotSent:
    return NotSent(f"The mail server answered {code} {_line(text)}", for_good=500 <= code < 600)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_line(error.smtp_error)}"
    return _line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _line(text: object) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join("".join(one if one.isprintable() else " " for one in words).split())
