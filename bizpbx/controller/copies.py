"""Copies of files of the store on the disk of the switch beside this controller: made when they are asked for.

A call waits for a copy for a moment only. The work goes on without it, so that the next call finds the copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
import structlog
from gevent.threadpool import ThreadPool

from bizpbx.controller import metrics
from bizpbx.errors import StoreError
from bizpbx.freeswitch.sound_folder import SoundFolder
from bizpbx.voicemail.sounds import list_key, listed, place_name, wave_key
from bizpbx.voicemail.store import Store

PATIENCE: Final = 2.0
"""Seconds that a call waits for a file."""
AGAIN: Final = 10.0
"""Seconds until the store is asked again for what it did not give. Calls do not wait meanwhile."""
FAREWELL: Final = 1.0
"""Seconds that a stop waits for what is being fetched."""

log = structlog.get_logger(__name__)


class Copies:
    """What the store is asked goes through one thread: neither a slow disk nor a far store holds up the loop."""

    def __init__(self, store: Store, folder: SoundFolder, clock: Callable[[], float] = time.monotonic) -> None:
        """`store` is nobody else's: only that thread uses it."""
        self._store = store
        self._folder = folder
        self._clock = clock
        self._threads = ThreadPool(1)
        self._under_way: dict[str, gevent.Greenlet[..., None]] = {}
        self._failed: dict[str, float] = {}
        """When the store was last asked in vain."""

    def stop(self) -> None:
        gevent.killall(list(self._under_way.values()))
        # A store that does not answer is left to itself.
        gevent.spawn(self._threads.kill).join(FAREWELL)

    def message(self, domain: str, digest: str, patience: float = PATIENCE) -> Path | None:
        """The path by which the switch plays the sound of a message; None if it could not be had in so many seconds."""
        return self._had(place_name(list_key(domain, digest)), self._bring_message(domain, digest), patience)

    def recording(self, key: str, sha256: str, patience: float = PATIENCE) -> Path | None:
        """The same of a WAV file of the store of any one rate, by its key and the SHA-256 that it has to have. The copy
        is deleted by `forget`, or when it was not asked for for a while."""
        name = place_name(key)
        return self._had(name, lambda: self._bring({key: sha256}, {key: self._folder.place(name)}), patience)

    def forget(self, key: str) -> None:
        """Delete the copy of a recording that is deleted. Raises OSError."""
        self._folder.remove(place_name(key))

    def complete(self, domain: str, digest: str) -> bool:
        """Have a message at every rate before a call wants it, and wait for that. Returns whether it is there."""
        name = place_name(list_key(domain, digest))
        if not self._folder.whole(name):
            self._wait(name, self._bring_message(domain, digest), None)
        return self._folder.whole(name)

    def _had(self, name: str, bring: Callable[[], None], patience: float) -> Path | None:
        if not self._folder.used(name):
            self._wait(name, bring, patience)
            if not self._folder.used(name):
                return None
        return self._folder.place(name)

    def _wait(self, name: str, bring: Callable[[], None], patience: float | None) -> None:
        failed = self._failed.get(name)
        if failed is not None and self._clock() - failed < AGAIN:
            return
        if name not in self._under_way:
            self._under_way[name] = gevent.spawn(self._run, name, bring)
        self._under_way[name].join(patience)

    def _run(self, name: str, bring: Callable[[], None]) -> None:
        try:
            self._threads.apply(bring)
        except (StoreError, OSError) as error:
            now = self._clock()
            # Only the last ones are kept: what is asked for in vain may never be asked for again.
            self._failed = {one: at for one, at in self._failed.items() if now - at < AGAIN} | {name: now}
            metrics.STORE_FAILED.inc()
            log.warning("store.not_fetched", reason=str(error))
        else:
            self._failed.pop(name, None)
        finally:
            del self._under_way[name]

    def _bring_message(self, domain: str, digest: str) -> Callable[[], None]:
        def bring() -> None:
            checksums = listed(self._store, domain, digest)
            name = place_name(list_key(domain, digest))
            wanted = {wave_key(domain, sha256): (sha256, rate) for rate, sha256 in checksums.items()}
            self._bring(
                {key: sha256 for key, (sha256, _) in wanted.items()},
                {key: self._folder.place(name, rate) for key, (_, rate) in wanted.items()},
            )

        return bring

    def _bring(self, checksums: dict[str, str], places: dict[str, Path]) -> None:
        """In the thread: put each of these files into its place, if it has its checksum."""
        for key, place in places.items():
            with self._folder.coming(place) as path:
                if self._store.fetch(key, path).sha256 != checksums[key]:
                    raise StoreError(f"The store gave something else for {key} than what was put there.")
