"""Who calls: the facts of a request, read once, in the form that decisions compare."""

from __future__ import annotations

from dataclasses import dataclass

from bizpbx.policy.numbers import e164, international
from bizpbx.policy.request import FromTrunk
from bizpbx.policy.settings import Extension, Forwarding, Organisation, Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """An extension of the organisation, or somebody outside. Neither a number nor an extension: a withheld caller."""

    extension: Extension | None = None
    number: str | None = None
    """E.164, of callers from outside."""
    hidden: str | None = None
    """E.164 behind a withheld number: recognises loops, and is neither shown nor compared with a VIP list."""
    name: str = ""
    """Untrusted text."""
    withheld: bool = False
    diverted_by: tuple[str, ...] = ()
    """E.164 numbers that diverted the call before it came here."""
    diversions: int = 0
    """How often the call was diverted, readable numbers or not."""
    shown_as: Extension | None = None
    """The extension that transferred the call and is shown in its place; None: the caller itself is shown."""

    @property
    def text(self) -> str:
        """The caller in a sentence: a key, a number or a description."""
        if self.extension is not None:
            return self.extension.key
        return self.number or "a withheld number"


def inside(extension: Extension) -> Caller:
    """A caller who uses a device of the organisation."""
    return Caller(extension=extension, name=extension.label)


def outside(call: FromTrunk, organisation: Organisation) -> Caller:
    """A caller from a trunk. A number that cannot be read, or that is to be kept private, is none at all."""
    read = e164(call.number, organisation.country)
    number = None if call.withheld else read
    diverted_by = tuple(filter(None, (e164(user, organisation.country) for user in call.diverted_by)))
    return Caller(
        number=number,
        hidden=read if call.withheld else None,
        name="" if number is None else call.name,
        withheld=number is None,
        diverted_by=diverted_by,
        diversions=len(call.diverted_by),
    )


def is_vip(caller: Caller, forwarding: Forwarding) -> bool:
    """Extensions match on their key, numbers on E.164. A withheld number never matches."""
    if caller.extension is not None:
        return caller.extension.key in forwarding.vip_extensions
    return caller.number is not None and caller.number in forwarding.vip_numbers


def own_number(number: str, owner: Extension, tenant: Tenant) -> bool:
    """Whether this is a DID of the organisation, or a number that it, the owner or its rule presents outside."""
    planned = (entry.caller_id for entry in owner.rule.caller_id_plan) if owner.rule is not None else ()
    own = (owner.caller_id, *owner.draws_from, tenant.organisation.main_number, *planned)
    presented = {international(text) for text in own if text}
    return number in presented or tenant.number_target(number) is not None
