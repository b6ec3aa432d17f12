"""Codes that a leg is listened to for while it talks: `bind_digit_action` of FreeSWITCH, as far as it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 1.5
"""Seconds after which a key that a code begins with goes through, if no other has followed."""


@dataclass
class Codes:
    """Of one leg. Only the codes of the active realm are heard; keys that are part of none go through."""

    realms: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """Realm to code to application and its argument."""
    realm: str = ""
    _begun: str = ""
    _at: float = 0.0

    def bind(self, realm: str, code: str, application: str, data: str) -> None:
        """The first code of a realm makes it the active one."""
        if realm not in self.realms:
            self.realms[realm] = {}
            self.realm = realm
        self.realms[realm][code] = (application, data)

    def clear(self, realm: str) -> None:
        """Codes of this realm are heard no more."""
        self.realms.pop(realm, None)
        if realm == self.realm:
            self.realm = ""

    def feed(self, key: str, now: float) -> tuple[str, tuple[str, str] | None]:
        """A key is pressed: keys that go through by now, and what a code that is complete leads to."""
        codes = self.realms.get(self.realm, {})
        through = self.overdue(now)
        keys, self._begun, self._at = self._begun + key, "", now
        if keys in codes:
            return through, codes[keys]
        while keys and not any(code.startswith(keys) for code in codes):
            through, keys = through + keys[0], keys[1:]
        self._begun = keys
        return through, None

    def overdue(self, now: float) -> str:
        """Keys of a code that was begun and not gone on with."""
        if self._begun and now - self._at >= PATIENCE:
            begun, self._begun = self._begun, ""
            return begun
        return ""
