"""What is attached to mails: the recording of a voicemail, fetched from the store when the mail is sent."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import soundfile
from gevent.threadpool import ThreadPool

from bizpbx.controller.queries import Queries
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import Damaged, NotStored, StoreError
from bizpbx.mail.message import Attachment
from bizpbx.mail.queue import Claimed
from bizpbx.mail.smtp import NotSent
from bizpbx.voicemail import fetching
from bizpbx.voicemail.audio import mailed
from bizpbx.voicemail.record import Voicemail, VoicemailState
from bizpbx.voicemail.store import Store, Stored


class Attachments:
    """Called with a mail that is about to be sent."""

    def __init__(self, queries: Queries, store: Store) -> None:
        self._queries = queries
        self._store = store
        self._threads = ThreadPool(1)

    def __call__(self, mail: Claimed) -> Attachment | None:
        """What belongs to it; None: nothing, or it was deleted meanwhile. Raises NotSent where the store is away."""
        number = mail.details.get("voicemail")
        if not isinstance(number, int):
            return None
        found = self._queries.ask(
            lambda session: (
                session.query(Voicemail)
                .join(Organisation, Organisation.id == Voicemail.organisation_id)
                .where(
                    Organisation.domain == mail.domain,
                    Voicemail.id == number,
                    # One that is deleted may wait for the store to forget it.
                    Voicemail.state == VoicemailState.STORED,
                )
                .with_entities(
                    Voicemail.extension, Voicemail.began, Voicemail.store_key, Voicemail.sha256, Voicemail.size
                )
                .one_or_none()
            )
        )
        if found is None or found.store_key is None:
            return None
        with tempfile.TemporaryDirectory(prefix="bizpbx-mail-") as folder:
            path = Path(folder) / "recording.wav"
            try:
                fetching.fetch(self._store, found.store_key, Stored(found.sha256, found.size), path)
            except NotStored:
                return None
            except Damaged as error:
                raise NotSent(f"The recording is not attached: {error}", for_good=True) from None
            except StoreError as error:
                raise NotSent(f"The recording could not be fetched: {error}") from None
            try:
                made = self._threads.apply(mailed, (path,))
            except soundfile.LibsndfileError as error:
                raise NotSent(f"The recording in the store is damaged: {error}", for_good=True) from None
        return Attachment(_name(found.extension, found.began, mail.zone, made.suffix), made.kind, made.content)


def _name(extension: str, began: datetime, zone: str, suffix: str) -> str:
    return f"voicemail-{extension}-{began.astimezone(ZoneInfo(zone)):%Y%m%d-%H%M%S}.{suffix}"
