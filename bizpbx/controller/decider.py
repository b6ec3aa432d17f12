"""From a call as it arrives to its plan: find the organisation, read its settings, decide."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bizpbx.calls.call import Arrival
from bizpbx.controller.queries import Queries
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import NotFound
from bizpbx.policy.decide import decide
from bizpbx.policy.numbers import international, readings
from bizpbx.policy.plan import Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.request import FromTrunk, Request
from bizpbx.policy.rules import Rule


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway that a call may have come from. An account has no port."""

    domain: str
    name: str
    port: int | None


class Decider:
    """Decides calls from the settings as they are in the database at that moment."""

    def __init__(self, queries: Queries, reader: SettingsReader) -> None:
        self._queries = queries
        self._reader = reader

    def __call__(self, arrival: Arrival) -> Plan:
        """The plan of this call. Raises what the database raises: the switch then takes its own way."""
        return self._queries.ask(lambda session: self.plan(session, arrival))

    def plan(self, session: Session, arrival: Arrival) -> Plan:
        """The same, with a session at hand."""
        found = self._whose(session, arrival)
        if isinstance(found, Plan):
            return found
        domain, request = found
        try:
            tenant = self._reader.tenant(session, domain)
        except NotFound:
            return _refuse(Cause.CALL_REJECTED, Rule.ORGANISATION_UNKNOWN, "no such organisation any more")
        return replace(decide(request, tenant), organisation=domain)

    def _whose(self, session: Session, arrival: Arrival) -> tuple[str, Request] | Plan:
        """Domain of the organisation whose call it is, and what it asks for."""
        request = arrival.request
        if arrival.organisation is not None:
            return arrival.organisation, request
        where, gateways = self._gateways(session, arrival)
        if not gateways:
            return _refuse(Cause.CALL_REJECTED, Rule.SOURCE_UNKNOWN, f"no organisation has a gateway {where}")
        domain = self._dialled_organisation(session, request.dialled, {one.domain for one in gateways})
        if domain is not None:
            return domain, request
        likely = _likely(gateways, arrival.source)
        calling = [one for one in likely if self._reader.tenant(session, one.domain).gateway_payer(one.name)]
        if not calling or not isinstance(request.caller, FromTrunk):
            text = f"the number is no DID of an organisation with a gateway {where}"
            return _refuse(Cause.UNALLOCATED_NUMBER, Rule.DID_UNKNOWN, text)
        if len(likely) > 1:
            text = f"more than one gateway may have called {where}: which may call out is told by an account alone"
            return _refuse(Cause.CALL_REJECTED, Rule.SOURCE_AMBIGUOUS, text)
        only = calling[0]
        return only.domain, replace(request, caller=replace(request.caller, gateway=only.name))

    def _gateways(self, session: Session, arrival: Arrival) -> tuple[str, list[Source]]:
        """Where a call came from, in a sentence, and the gateways it may be of."""
        if arrival.gateway is not None:
            owner = self._reader.organisation_of_gateway(session, arrival.gateway)
            name = arrival.gateway.partition(".")[0]
            return f"as {arrival.gateway}", [Source(owner, name, None)] if owner is not None else []
        host = arrival.source.rpartition(":")[0]
        found = self._reader.gateways_at(session, host)
        return f"at {host}", [Source(domain, gateway.name, gateway.port) for domain, gateway in found]

    def _dialled_organisation(self, session: Session, dialled: str, domains: set[str]) -> str | None:
        """Which of these organisations has the DID that was dialled."""
        number = international(dialled)
        owner = self._reader.organisation_of_number(session, number) if number is not None else None
        if owner in domains:
            return owner
        # A carrier may also write the national form, which means something in each organisation's own country only.
        for domain in sorted(domains):
            tenant = self._reader.tenant(session, domain)
            if any(tenant.number_target(number) for number in readings(dialled, tenant.organisation.country)):
                return domain
        return None


def _likely(gateways: list[Source], source: str) -> list[Source]:
    """Of several gateways at one address those that are called at the port it came from, if there are any. A carrier
    that shares the address of a PBX is not to call out in its name."""
    port = source.rpartition(":")[2]
    return [one for one in gateways if str(one.port) == port] or gateways


def _refuse(cause: Cause, rule: Rule, text: str) -> Plan:
    return Plan((HangUp(Stage.END, cause),), (Reason(rule, text),))
