"""A collector and a postman round one database and one store, and what a test sees of their work."""

from __future__ import annotations

import io
import uuid
from array import array
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import soundfile
from sqlalchemy import select

from bizpbx.controller.attachments import Attachments
from bizpbx.controller.changes import Changes
from bizpbx.controller.mail import Postman
from bizpbx.controller.queries import Queries
from bizpbx.controller.recordings import Collector
from bizpbx.directory.database import Database
from bizpbx.errors import StoreError
from bizpbx.freeswitch import records
from bizpbx.freeswitch.kept import kept_variables
from bizpbx.freeswitch.monitor import Monitor
from bizpbx.freeswitch.recordings import Recordings
from bizpbx.mail.outbox import Mail
from bizpbx.policy.plan import Kept
from bizpbx.policy.settings import NoAnswerAction
from bizpbx.simulator import sound
from bizpbx.voicemail import keeping
from bizpbx.voicemail.record import Voicemail
from bizpbx.voicemail.store import Store, Stored
from tests.mail.server import MailServer
from tests.records import samples
from tests.settings.given import given
from tests.settings.samples import NOON, example

ANN, BEN = "ann@acme.example", "ben@acme.example"


class Died(BaseException):
    """What a test raises where a process would end."""


class Shaky:
    """A store that is away when a test wants it to be, and that remembers what it was asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.away = False
        self.puts: list[str] = []

    def put(self, key: str, path: Path) -> Stored:
        self._look()
        self.puts.append(key)
        return self.store.put(key, path)

    def fetch(self, key: str, to: Path) -> Stored:
        self._look()
        return self.store.fetch(key, to)

    def delete(self, key: str) -> None:
        self._look()
        self.store.delete(key)

    def check(self) -> None:
        self._look()

    def _look(self) -> None:
        if self.away:
            raise StoreError("The store is away.")


class Post:
    """A switch's folder, a store, an outbox, a clock, and controllers that come and go."""

    def __init__(self, database: Database, store: Store, folder: Path) -> None:
        data = example()
        line = next(one for one in data["extensions"] if one["key"] == "102")
        line["no_answer"] = {"action": "voicemail", "emails": [ANN, BEN]}
        given(database, data)
        self.database = database
        self.store = Shaky(store)
        self.folder = folder
        self.recordings = Recordings(folder / "recordings")
        self.recordings.prepare()
        self.now = NOON
        self._url = database.url.render_as_string(hide_password=False)
        self._started: list[Any] = []

    def collector(self, local: bool = True) -> Collector:
        """Of a controller beside the switch, or of one elsewhere with a folder of its own."""
        beside = SimpleNamespace(
            address=SimpleNamespace(name="local", host="127.0.0.1" if local else "192.0.2.1"),
            connected=True,
            ask=lambda _: "local\n",
        )
        recordings = self.recordings if local else Recordings(self.folder / "elsewhere")
        recordings.prepare()
        switches = [cast("Monitor", beside)]
        made = Collector(
            Queries(self.database), Changes(self._url), recordings, self.store, switches, now=lambda: self.now
        )
        self._started.append(made)
        return made

    def postman(self, server: MailServer) -> Postman:
        made = Postman(
            Queries(self.database),
            Changes(self._url),
            server.smtp(),
            "pbx@acme.example",
            Attachments(Queries(self.database), self.store),
            now=lambda: self.now,
            chance=lambda: 0.5,
        )
        self._started.append(made)
        return made

    def close(self) -> None:
        for each in self._started:
            each.stop()

    def records(
        self, said: array[int] | bytes | None, longest: int = 30, name: str = "Ann Lee", ends: bool = True
    ) -> str:
        """A call to 102 that is recorded; None: the switch writes no file. Returns its name."""
        call = str(uuid.uuid4())
        kept = Kept(NoAnswerAction.VOICEMAIL, "102", "+6591112222", name)
        with self.database.writing() as session:
            keeping.begin(session, "acme.example", "local", call, kept, longest, self.now)
        if isinstance(said, bytes):
            self.recordings.path(call).write_bytes(said)
        elif said is not None:
            sound.write(self.recordings.path(call), said)
        if ends:
            self.ends(call, kept)
        return call

    def ends(self, call: str, kept: Kept) -> None:
        """The switch's record of the leg comes in."""
        leg = records.from_file(samples.file(samples.calling(call, **kept_variables(kept))))
        with self.database.writing() as session:
            keeping.keep(session, [leg], self.now)

    def row(self) -> Voicemail:
        with self.database.reading() as session:
            found = session.scalars(select(Voicemail)).one()
            session.expunge_all()
        return found

    def told(self) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return sorted((mail.recipient, mail.template) for mail in session.scalars(select(Mail)))

    def mails(self) -> list[Mail]:
        with self.database.reading() as session:
            found = list(session.scalars(select(Mail).order_by(Mail.recipient)))
            session.expunge_all()
        return found


def everything(collector: Collector) -> int:
    """Look until nothing is left to be done now; returns how often."""
    looks = 0
    while collector.look():
        looks += 1
        assert looks < 100
    return looks


def delivered(server: MailServer, postman: Postman) -> dict[str, EmailMessage]:
    while postman.look():
        pass
    assert len({mail["To"] for mail in server.taken}) == len(server.taken)
    return {str(mail["To"]): mail for mail in server.taken}


def tone_of(mail: EmailMessage) -> tuple[float, float]:
    """Hz and seconds of the tone in the recording that is attached."""
    (part,) = mail.iter_attachments()
    samples, rate = soundfile.read(io.BytesIO(part.get_content()), dtype="int16")
    windows = np.abs(samples[: len(samples) // 160 * 160].astype(np.int32).reshape(-1, 160)).mean(axis=1)
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * rate / len(samples)), float((windows > 500).sum() * 160 / rate)
