"""Keeps the sounds of the messages in use on the disk of the switch beside this controller.

What calls play is there before they come, within a second or two of a change. A sound that is not is fetched for the
call; a call never waits for it longer than a moment, and goes on without.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import gevent
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bizpbx.controller import metrics
from bizpbx.controller.copies import Copies
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.directory.applying import messages
from bizpbx.directory.lookup import SettingsReader
from bizpbx.freeswitch.sound_folder import SoundFolder
from bizpbx.voicemail.sounds import list_key, place_name

INTERVAL: Final = 1.0
"""Seconds between two looks at the versions."""
TIDY: Final = 600
"""Looks between two at the whole folder."""
UNUSED: Final = 3600.0
"""Seconds after which what no settings name and nobody asked for is deleted: longer than any call may take to come to
playing what was decided at its beginning."""

log = structlog.get_logger(__name__)


class Sounds:
    """One greenlet. `message` is what calls ask."""

    def __init__(self, queries: Queries, reader: SettingsReader, folder: SoundFolder, copies: Copies) -> None:
        self._queries = queries
        self._reader = reader
        self._folder = folder
        self._copies = copies
        self._versions: dict[str, int] = {}
        self._wanted: dict[str, frozenset[str]] = {}
        """Digests of the sounds in use, by the domain of the organisation."""
        self._unsure: set[tuple[str, str]] = set()
        """Of those, (domain, digest) of the ones that may not be on the disk."""
        self._looks = 0
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        try:
            self._folder.prepare()
        except OSError as error:
            log.error("sounds.no_folder", folder=str(self._folder.folder), reason=str(error))
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()
        self._copies.stop()

    def message(self, organisation: str, sound: str) -> Path | None:
        """Implements `bizpbx.freeswitch.media.Sound`."""
        path = self._copies.message(organisation, sound)
        if path is None:
            metrics.MESSAGES_MISSING.inc()
            log.warning("message.missing", organisation=organisation, sound=sound)
        return path

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except (DBAPIError, DatabaseSilent, OSError) as error:
                log.warning("sounds.waiting", reason=str(error).splitlines()[0][:300])
            except Exception:
                log.exception("sounds.failed")
            gevent.sleep(INTERVAL)

    def look(self) -> None:
        """Fetch what is in use and not there; now and then delete what is there and not in use. Raises what the
        database or the disk does."""
        versions = self._queries.ask(self._reader.versions)
        for domain in self._versions.keys() - versions.keys():
            del self._versions[domain], self._wanted[domain]
        for domain, version in versions.items():
            if self._versions.get(domain) != version:
                self._wanted[domain] = self._queries.ask(partial(in_use, domain=domain))
                self._versions[domain] = version
                self._unsure |= {(domain, digest) for digest in self._wanted[domain]}
                gevent.sleep(0)
        for domain, digest in sorted(self._unsure):
            if digest not in self._wanted.get(domain, ()) or self._copies.complete(domain, digest):
                self._unsure.discard((domain, digest))
        self._looks += 1
        if self._looks % TIDY == 0:
            self.tidy()
            self._unsure |= {(domain, digest) for domain, digests in self._wanted.items() for digest in digests}

    def tidy(self) -> None:
        """Raises OSError."""
        keep = {place_name(list_key(domain, one)) for domain, digests in self._wanted.items() for one in digests}
        removed = self._folder.tidy(keep, UNUSED)
        if removed:
            log.info("sounds.tidied", files=removed)


def in_use(session: Session, domain: str) -> frozenset[str]:
    return frozenset(digest for _, digest in messages.in_use(session, domain))
