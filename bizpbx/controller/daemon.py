"""The running controller: takes calls, answers the switch over HTTP, watches switches, stops cleanly."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import gevent
import structlog
from gevent.event import Event

from bizpbx import config as configuration
from bizpbx.config import Config, host_and_port
from bizpbx.controller import faults
from bizpbx.controller.attachments import Attachments
from bizpbx.controller.calls import CallHandler
from bizpbx.controller.changes import Changes
from bizpbx.controller.copies import Copies
from bizpbx.controller.decider import Decider
from bizpbx.controller.leases import Leases
from bizpbx.controller.logs import configure
from bizpbx.controller.mail import Postman
from bizpbx.controller.mailboxes import StoredMailboxes
from bizpbx.controller.metering import LedgerMeter
from bizpbx.controller.passcodes import StoredPasscodes
from bizpbx.controller.queries import Queries
from bizpbx.controller.recordings import Collector
from bizpbx.controller.records import Records
from bizpbx.controller.sounds import Sounds
from bizpbx.controller.static_tree import StaticTree
from bizpbx.controller.voicemails import StoredVoicemails
from bizpbx.directory import migrations
from bizpbx.directory.database import Database
from bizpbx.directory.keys import Keys
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.passcodes import PIN
from bizpbx.errors import BizpbxError
from bizpbx.freeswitch.esl import OutboundESLServer
from bizpbx.freeswitch.media import Media
from bizpbx.freeswitch.monitor import Monitor, switch_addresses
from bizpbx.freeswitch.recordings import Recordings
from bizpbx.freeswitch.sound_folder import SoundFolder
from bizpbx.freeswitch.spool import Spool
from bizpbx.mail.smtp import Smtp, server_of
from bizpbx.prompts import Prompts
from bizpbx.voicemail.store import store_of
from bizpbx.web.app import application
from bizpbx.web.directory import Directory
from bizpbx.web.health import Ready
from bizpbx.web.server import server

MOST_CALLS = 4000
"""Calls on this controller at once; more are hung up with SWITCH_CONGESTION, before they cost anything."""

YOUNG_OBJECTS = 10_000
"""Objects that are made before Python looks for rings of them that nobody holds; its own number is 700, less than a
call's."""

DRAIN = 5.0
"""Seconds that a stop waits for decisions under way. Calls that are talking are left alone."""

log = structlog.get_logger(__name__)


class Controller:
    """All parts of one process, in the order in which they start; they stop in the opposite one."""

    def __init__(self, config: Config) -> None:
        """Raises BizpbxError if the configuration or the database is not usable."""
        database = Database(config.database)
        migrations.check(database.engine)
        keys = Keys.load(config.secret_key, config.home)
        self._queries = Queries(database)
        reader = SettingsReader(pause=gevent.sleep)
        decider = Decider(self._queries, reader)
        host, port = host_and_port(config.call_listen, "BIZPBX_CALL_LISTEN")
        self._passcodes = StoredPasscodes(self._queries, Changes(config.database))
        self._pins = StoredPasscodes(self._queries, Changes(config.database), secret=PIN)
        prompts = Prompts(config.prompts, config.language)
        self._metering = Changes(config.database)
        meter = LedgerMeter(self._queries, self._metering, reader)
        sounds = SoundFolder(config.sounds_folder)
        copies = Copies(store_of(config), sounds)
        self._sounds = Sounds(self._queries, reader, sounds, copies)
        handler = partial(
            CallHandler,
            decide=decider,
            passcodes=self._passcodes,
            meter=meter,
            media=Media(prompts, config.recordings_folder, self._sounds.message),
            voicemails=StoredVoicemails(self._metering),
            mailboxes=StoredMailboxes(self._queries, self._metering, copies, self._pins),
        )
        self.calls = OutboundESLServer(host, port, handler, max_connections=MOST_CALLS)
        password = config.freeswitch_password or keys.event_socket_password
        self._records = Records(
            Changes(config.database), Spool(config.records), config.spool_days, hear=self._hear_legs
        )
        mail_server = server_of(config)
        smtp = Smtp(mail_server) if mail_server is not None else None
        store = store_of(config)
        attachments = Attachments(self._queries, store)
        self._postman = Postman(self._queries, Changes(config.database), smtp, config.mail_from, attachments)
        self.switches = [
            Monitor(address, password, self._records.heard) for address in switch_addresses(config.freeswitch)
        ]
        recordings = Recordings(config.recordings_folder)
        self._collector = Collector(self._queries, Changes(config.database), recordings, store, self.switches)
        grace = timedelta(seconds=config.lease_grace)
        self._leases = [
            Leases(switch, self._queries, self._metering, reader, prompts, grace) for switch in self.switches
        ]
        tree = config.freeswitch_conf
        self._tree = StaticTree(self._queries, reader, tree, self.switches) if tree is not None else None
        checks: dict[str, Callable[[], str | None]] = {
            "database": lambda: None if self._queries.ask(reader.versions) is not None else "no answer",
            "calls": lambda: None if self.calls.server is not None else "not listening",
            **{f"switch {switch.address.name}": partial(_connected, switch) for switch in self.switches},
        }
        http = host_and_port(config.http_listen, "BIZPBX_HTTP_LISTEN")
        app = application(Directory(self._queries, reader, keys.http_password), Ready(checks))
        self.http = server(http, app, _HttpErrors())

    def _hear_legs(self, every: bool) -> None:
        # Of several switches only one writes to the folder of this machine.
        if len(self.switches) == 1:
            self.switches[0].hear(every)

    def start(self) -> None:
        """Raises OSError if a port is taken."""
        self.calls.start()
        self.http.start()
        self._records.start()
        self._collector.start()
        self._sounds.start()
        self._postman.start()
        for switch in self.switches:
            switch.start()
        for leases in self._leases:
            leases.start()
        if self._tree is not None:
            self._tree.start()
        log.info("controller.started", calls=self.calls.address, http=self.http.address)

    def stop(self) -> None:
        """Take no more calls, finish the decisions under way, leave calls in progress to the switch."""
        if self._tree is not None:
            self._tree.stop()
        self.calls.stop(timeout=DRAIN)
        self.http.stop(timeout=1)
        for leases in self._leases:
            leases.stop()
        for switch in self.switches:
            switch.stop()
        self._postman.stop()
        self._sounds.stop()
        self._collector.stop()
        self._records.stop()
        self._metering.close()
        self._passcodes.close()
        self._pins.close()
        self._queries.close()
        log.info("controller.stopped")


def main() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 could not start."""
    try:
        config = configuration.load()
        configure(config.log)
        faults.arm(os.environ)
        controller = Controller(config)
        controller.start()
    except BizpbxError as error:
        print(f"{error} [{error.code}]", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"Cannot listen: {error.strerror or error}. Is another controller running here? [configuration]",
            file=sys.stderr,
        )
        return 1
    _spare_the_collector()
    ended = Event()
    gevent.signal_handler(signal.SIGTERM, ended.set)
    gevent.signal_handler(signal.SIGINT, ended.set)
    ended.wait()
    controller.stop()
    return 0


def _spare_the_collector() -> None:
    """Nothing of what was made so far ever goes: modules, mappings, templates. Python looks at all of it again whenever
    the objects of a few hundred calls have come and gone, and no call is served for that long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _connected(switch: Monitor) -> str | None:
    return None if switch.connected else "not connected"


class _HttpErrors(io.TextIOBase):
    """Where pywsgi writes what went wrong in a request."""

    def write(self, text: str) -> int:
        if text.strip():
            log.error("http.failed", text=text.strip()[-1000:])
        return len(text)
