"""Who may register and call: mod_xml_curl's controllers first, the static directory after them, as FreeSWITCH asks.

"Not found", an error, a timeout or garbage sends the question on; an entry that forbids is an answer.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode, urlsplit

import structlog
from gevent import socket
from lxml import etree

from bizpbx.simulator.configuration import Configuration

_PARSER = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True)
_ROOM = 65536

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class User:
    """A directory entry with what it inherits from its domain and group."""

    id: str
    params: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def admits(self, realm: str, password: str) -> bool:
        """Whether a digest made with this password is right. Without a secret nobody is let in."""
        secret = self.params.get("a1-hash")
        if secret:
            digest = hashlib.md5(f"{self.id}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
            return digest == secret.lower()
        return bool(password) and self.params.get("password") == password


class Directory:
    """`find` is one look-up, made anew each time."""

    def __init__(self, configuration: Configuration) -> None:
        self._static = configuration.domains
        self._urls = configuration.directory_urls
        self._timeout = configuration.directory_timeout

    def find(self, domain: str, user: str, action: str) -> User | None:
        """The entry of a user. `action` is what FreeSWITCH says it asks for: sip_auth or user_call."""
        for url in self._urls:
            entry = _in_answer(self._ask(url, domain, user, action), domain, user)
            if entry is not None:
                return entry
        static = self._static.get(domain)
        return None if static is None else _in_domain(static, user)

    def _ask(self, url: str, domain: str, user: str, action: str) -> bytes:
        form = {
            "hostname": "simulator",
            "section": "directory",
            "tag_name": "domain",
            "key_name": "name",
            "key_value": domain,
            "action": action,
            "key": "id",
            "user": user,
            "domain": domain,
        }
        if action == "sip_auth":
            form |= {"sip_auth_username": user, "sip_auth_realm": domain, "sip_profile": "internal"}
        try:
            return _post(url, urlencode(form), self._timeout)
        except (OSError, http.client.HTTPException) as error:
            log.info("simulator.directory_failed", url=url.rpartition("@")[2], error=str(error))
            return b""


class _Connection(http.client.HTTPConnection):
    """An HTTP connection on gevent's sockets, whether the process is monkey-patched or not."""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)


def _post(url: str, body: str, timeout: float) -> bytes:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    connection = _Connection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=timeout)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
        response = connection.getresponse()
        content = response.read(_ROOM + 1)
        return content if response.status == 200 and len(content) <= _ROOM else b""
    finally:
        connection.close()


def _in_answer(content: bytes, domain: str, user: str) -> User | None:
    try:
        root = etree.fromstring(content, _PARSER)
    except etree.XMLSyntaxError:
        return None
    found = next((one for one in root.iterfind(".//domain") if one.get("name") == domain), None)
    return None if found is None else _in_domain(found, user)


def _in_domain(domain: etree._Element, user: str) -> User | None:
    for entry in domain.iter("user"):
        if entry.get("id") == user:
            chain = [one for one in reversed(list(entry.iterancestors())) if one.tag in ("domain", "group")] + [entry]
            return User(user, _values(chain, "params/param"), _values(chain, "variables/variable"))
    return None


def _values(chain: list[etree._Element], path: str) -> dict[str, str]:
    return {one.get("name", ""): one.get("value", "") for element in chain for one in element.iterfind(path)}
