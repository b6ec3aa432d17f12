"""From a call as it arrives to its plan: find the organisation, read its settings, decide."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from bizpbx.calls.call import Arrival
from bizpbx.controller.queries import Queries
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import NotFound
from bizpbx.policy.decide import decide
from bizpbx.policy.numbers import international, readings
from bizpbx.policy.plan import Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.rules import Rule


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
        domain = arrival.organisation or self._dialled_organisation(session, arrival)
        if isinstance(domain, Plan):
            return domain
        try:
            tenant = self._reader.tenant(session, domain)
        except NotFound:
            return _refuse(Cause.CALL_REJECTED, Rule.ORGANISATION_UNKNOWN, "no such organisation any more")
        return replace(decide(arrival.request, tenant), organisation=domain)

    def _dialled_organisation(self, session: Session, arrival: Arrival) -> str | Plan:
        """Domain of the organisation whose DID was dialled, if the call came from a gateway of it."""
        if arrival.gateway is not None:
            where = f"called {arrival.gateway}"
            owner = self._reader.organisation_of_gateway(session, arrival.gateway)
            domains = {owner} if owner is not None else set()
        else:
            host = arrival.source.rpartition(":")[0]
            where = f"at {host}"
            domains = {domain for domain, _ in self._reader.gateways_at(session, host)}
        if not domains:
            return _refuse(Cause.CALL_REJECTED, Rule.SOURCE_UNKNOWN, f"no organisation has a gateway {where}")
        dialled = arrival.request.dialled
        number = international(dialled)
        owner = self._reader.organisation_of_number(session, number) if number is not None else None
        if owner in domains:
            return owner
        # A carrier may also write the national form, which means something in each organisation's own country only.
        for domain in sorted(domains):
            tenant = self._reader.tenant(session, domain)
            if any(tenant.number_target(number) for number in readings(dialled, tenant.organisation.country)):
                return domain
        return _refuse(
            Cause.UNALLOCATED_NUMBER,
            Rule.DID_UNKNOWN,
            f"the number is no DID of an organisation with a gateway {where}",
        )


def _refuse(cause: Cause, rule: Rule, text: str) -> Plan:
    return Plan((HangUp(Stage.END, cause),), (Reason(rule, text),))
