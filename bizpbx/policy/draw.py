"""Caller IDs drawn anew each call (product §5). The chance comes in with the request; the policy has none itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from bizpbx.policy.line import VirtualLine
from bizpbx.policy.settings import Extension, Organisation, Tenant


def chance_of(call: str) -> int:
    """A number of 64 bits from the switch's name for a call: even over calls, and the same whenever the call is decided
    again, so that one which another controller takes over presents what it did before."""
    return int.from_bytes(hashlib.sha256(call.encode("utf-8", "surrogatepass")).digest()[:8])


@dataclass(frozen=True, slots=True)
class DrawnTenant:
    """A tenant as one call sees it: extensions that present a random number have drawn theirs."""

    tenant: Tenant
    chance: int

    @property
    def organisation(self) -> Organisation:
        return self.tenant.organisation

    def extension(self, key: str) -> Extension | None:
        return self._drawn(self.tenant.extension(key))

    def gateway_payer(self, name: str) -> Extension | None:
        return self._drawn(self.tenant.gateway_payer(name))

    def owns(self, e164: str) -> bool:
        return self.tenant.owns(e164)

    def _drawn(self, found: Extension | None) -> Extension | None:
        if found is None or not found.draws_from:
            return found
        return replace(found, drawn=found.draws_from[self.chance % len(found.draws_from)])

    def virtual_line(self, key: str) -> VirtualLine | None:
        return self.tenant.virtual_line(key)

    def number_target(self, e164: str) -> str | None:
        return self.tenant.number_target(e164)
