"""Who may register and call: mod_xml_curl's controllers first, the static directory after them, as FreeSWITCH asks.

"Not found", an error, a timeout or garbage sends the question on. An answer that holds the domain is final, even if it
forbids the user or does not know it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import structlog
from gevent import socket
from lxml import etree

from bizpbx.simulator.configuration import Binding, Configuration

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
        self._bindings = configuration.bindings

    def find(self, domain: str, user: str, action: str) -> User | None:
        """The entry of a user. `action` is what FreeSWITCH says it asks for: sip_auth or user_call."""
        answers = (_document(_ask(binding, domain, user, action)) for binding in self._bindings)
        answer = next((one for one in answers if one is not None), None)
        found = None if answer is None else _domain(answer, domain)
        found = self._static.get(domain) if found is None else found
        return None if found is None else _in_domain(found, user)


def _ask(binding: Binding, domain: str, user: str, action: str) -> bytes:
    always = {"hostname": "simulator", "section": "directory", "tag_name": "domain", "key_name": "name"}
    more = {"key_value": domain, "action": action, "key": "id", "user": user, "domain": domain}
    if action == "sip_auth":
        more |= {"sip_auth_username": user, "sip_auth_realm": domain, "sip_profile": "internal"}
    sent = {name: value for name, value in more.items() if not binding.posted or name in {"key_value", *binding.posted}}
    try:
        return _post(binding, urlencode(always | sent))
    except (OSError, http.client.HTTPException) as error:
        log.info("simulator.directory_failed", url=binding.url, error=str(error))
        return b""


class _Connection(http.client.HTTPConnection):
    """An HTTP connection on gevent's sockets, whether the process is monkey-patched or not."""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)


def _post(binding: Binding, body: str) -> bytes:
    parts = urlsplit(binding.url)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if binding.credentials:
        headers["Authorization"] = f"Basic {base64.b64encode(binding.credentials.encode()).decode()}"
    connection = _Connection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=binding.timeout)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
        response = connection.getresponse()
        content = response.read(_ROOM + 1)
        return content if response.status == 200 and len(content) <= _ROOM else b""
    finally:
        connection.close()


def _document(content: bytes) -> etree._Element | None:
    """The document, unless it is none or says "not found"."""
    try:
        root = etree.fromstring(content, _PARSER)
    except etree.XMLSyntaxError:
        return None
    return None if root.find("section[@name='result']/result[@status='not found']") is not None else root


def _domain(document: etree._Element, name: str) -> etree._Element | None:
    domains = document.iterfind("section[@name='directory']/domain")
    return next((one for one in domains if one.get("name") == name), None)


def _in_domain(domain: etree._Element, user: str) -> User | None:
    for entry in domain.iter("user"):
        if entry.get("id") == user:
            chain = [one for one in reversed(list(entry.iterancestors())) if one.tag in ("domain", "group")] + [entry]
            return User(user, _values(chain, "params/param"), _values(chain, "variables/variable"))
    return None


def _values(chain: list[etree._Element], path: str) -> dict[str, str]:
    return {one.get("name", ""): one.get("value", "") for element in chain for one in element.iterfind(path)}
