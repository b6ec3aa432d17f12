"""An organisation's settings as a settings file; applied again it changes nothing."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.directory import documents
from bizpbx.directory.documents import Document
from bizpbx.directory.gateway import Gateway
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.secrets import Secrets
from bizpbx.errors import NotFound


def export(session: Session, domain: str, secrets: Secrets | None = None, *, with_rates: bool = True) -> Document:
    """All sections, every field written out. With `secrets` the passwords of gateways are in clear. Raises NotFound."""
    organisation_id = find(session, domain)
    gateways = documents.gateways(session, organisation_id)
    if secrets is not None:
        query = select(Gateway.name, Gateway.password_encrypted).where(Gateway.organisation_id == organisation_id)
        for name, token in session.execute(query):
            if token is not None:
                gateways[name]["password"] = secrets.decrypt(token)
    return {
        "organisation": documents.organisation(session, organisation_id),
        "members": list(documents.members(session, organisation_id).values()),
        "licences": documents.licences(session, organisation_id),
        "numbers": list(documents.numbers(session, organisation_id).values()),
        "gateways": list(gateways.values()),
        **({"rates": documents.rates(session, organisation_id)} if with_rates else {}),
        "outbound_rules": list(documents.outbound_rules(session, organisation_id).values()),
        "extensions": list(documents.extensions(session, organisation_id).values()),
        "virtual_lines": list(documents.virtual_lines(session, organisation_id).values()),
    }


def find(session: Session, domain: str) -> int:
    """The organisation's id. Raises NotFound."""
    found = session.scalar(select(Organisation.id).where(Organisation.domain == domain.lower()))
    if found is None:
        raise NotFound("organisation", domain, "`bizpbx organisation list` shows all.")
    return found
