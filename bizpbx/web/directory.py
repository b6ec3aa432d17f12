"""mod_xml_curl: the switch asks who a SIP user is, at each REGISTER and INVITE that it authenticates.

"Not found" would send FreeSWITCH to the rendered files, which may be a second old. So a user of an organisation of ours
always gets an answer: the account, or an entry that cannot authenticate and cannot be called.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import parse_qs

import falcon
import structlog
from sqlalchemy.orm import Session

from bizpbx.controller.queries import Queries
from bizpbx.directory.lookup import Account, SettingsReader
from bizpbx.errors import InvalidText, NotFound
from bizpbx.freeswitch.dial_string import GATEWAYS_PROFILE
from bizpbx.freeswitch.rendering import device_document, key_document, line_document, refused_document
from bizpbx.freeswitch.rendering.gateways import REALM
from bizpbx.policy.settings import Extension

NOT_FOUND = '<document type="freeswitch/xml"><section name="result"><result status="not found"/></section></document>'

LONGEST = 64 * 1024
"""Bytes of a request. FreeSWITCH sends a dozen short form fields."""

MOST_WRITTEN = 20_000
"""Documents that are kept, of about a kilobyte each."""

USER = "freeswitch"
"""User name of the switch's basic authentication."""

log = structlog.get_logger(__name__)


class Directory:
    """POST /freeswitch/directory, with basic authentication: an answer holds what authenticates a device."""

    def __init__(self, queries: Queries, reader: SettingsReader, password: str) -> None:
        self._queries = queries
        self._reader = reader
        self._credentials = base64.b64encode(f"{USER}:{password}".encode())
        self._written: dict[tuple[str, str, str], tuple[Account, str]] = {}
        """The last documents: every call of a device asks for the same one."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 with a document; 401 without the password; 413 for a request no switch sends."""
        scheme, _, given = (req.auth or "").partition(" ")
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), self._credentials):
            raise falcon.HTTPUnauthorized(challenges=['Basic realm="bizpbx"'])
        if (req.content_length or 0) > LONGEST:
            raise falcon.HTTPContentTooLarge
        try:
            form = parse_qs(req.bounded_stream.read(LONGEST).decode("utf-8", "replace"), max_num_fields=200)
        except ValueError:
            raise falcon.HTTPBadRequest(description="more fields than any switch sends") from None
        domain, user = _field(form, "domain"), _field(form, "user")
        resp.content_type = "text/xml"
        if _field(form, "section") != "directory" or not domain or not user:
            resp.text = NOT_FOUND
        else:
            profile = _field(form, "sip_profile")
            resp.text = self._queries.ask(lambda session: self._document(session, domain, user, profile))

    def _told(self, account: Account, profile: str) -> str:
        """The document of a device. Of settings that were read anew the reader makes another account, so that one is
        never told as it was."""
        name = (account.organisation.domain, account.device.sip_user, profile)
        known = self._written.get(name)
        if known is not None and known[0] is account:
            return known[1]
        owner = Extension(account.key, account.label, devices=(account.device,))
        document = device_document(account.organisation, owner, account.device, profile)
        if len(self._written) >= MOST_WRITTEN:
            self._written.clear()
        self._written[name] = (account, document)
        return document

    def _document(self, session: Session, domain: str, user: str, profile: str) -> str:
        try:
            if domain.lower() == REALM and profile != GATEWAYS_PROFILE:
                # The static tree knows the accounts of gateways on every port.
                return refused_document(domain, user)
            account = self._reader.device_for_auth(session, domain, user)
            if account is not None:
                return self._told(account, profile)
            tenant = self._reader.tenant(session, domain)
            extension = tenant.extension(user)
            if extension is not None:
                return key_document(tenant.organisation, extension)
            line = tenant.virtual_line(user)
            if line is not None:
                return line_document(tenant.organisation, line, tenant.extension)
            return refused_document(domain, user)
        except NotFound:
            return NOT_FOUND
        except InvalidText:
            # A name that cannot even be written down safely is nobody's.
            log.warning("directory.hostile_user", organisation=domain[:253], user=user[:64])
            return refused_document(domain, "-")


def _field(form: dict[str, list[str]], name: str) -> str:
    # No database and no XML can hold a NUL, so no name of ours has one.
    return form.get(name, [""])[0].replace("\0", "\ufffd")
