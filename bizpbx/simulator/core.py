"""The switch itself: its configuration, its channels, where calls come in. Greenlets of one thread; see switch.py."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from gevent.pool import Group

from bizpbx.simulator.api import execute_api
from bizpbx.simulator.channel import Channel, Profile
from bizpbx.simulator.clock import Clock
from bizpbx.simulator.configuration import Configuration
from bizpbx.simulator.dialplan import Dialplan
from bizpbx.simulator.directory import Directory, User
from bizpbx.simulator.endpoints import Endpoint, Locations
from bizpbx.simulator.esl_server import EslServer
from bizpbx.simulator.events import EventBus
from bizpbx.simulator.legs import Legs
from bizpbx.simulator.records import LegRecords
from bizpbx.simulator.scheduler import Scheduler
from bizpbx.simulator.session import Session


class Core:
    """Everything that belongs to one switch. Only to be touched in its own thread."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        password: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        name: str = "simulator",
    ) -> None:
        """`configuration` is called at the start and at each `reloadxml`. Port 0 takes a free one: see `address`."""
        self.password = password
        self.clock: Clock = clock or Clock()
        self.started: float = self.clock.now()
        self.bus: EventBus = EventBus(self.clock, name)
        self.scheduler = Scheduler(self.clock)
        self.locations = Locations()
        self.sessions_since_start = 0
        self.peak = 0
        self._read = configuration
        self._channels: dict[str, Channel] = {}
        self._calls = Group()
        self._server = EslServer(self, host, port)
        self.reload()

    def start(self) -> None:
        """Listen for event-socket clients. Raises OSError if the port is taken."""
        self._server.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the event socket."""
        return self._server.address

    def reload(self) -> None:
        """Read the configuration anew; calls under way keep what they have."""
        self.configuration = self._read()
        self.dialplan = Dialplan(self.configuration.contexts)
        self.directory = Directory(self.configuration)
        self.bus.switch_name = self.configuration.switch_name or self.bus.switch_name
        self.records = LegRecords(self.bus, self.configuration.records)
        self.legs = Legs(self.bus, self.clock, self.directory, self.locations, self.configuration.gateways)

    def close(self) -> None:
        """Hang up all calls and stop listening."""
        for channel in self.channels:
            channel.hang_up("SYSTEM_SHUTDOWN")
        self.scheduler.close()
        self._calls.join(timeout=1)
        self._calls.kill()
        self._server.stop()

    # Channels

    @property
    def channels(self) -> list[Channel]:
        """Legs that are up, oldest first."""
        return list(self._channels.values())

    def channel(self, uuid: str) -> Channel | None:
        return self._channels.get(uuid)

    def add(self, channel: Channel) -> None:
        """Count a new leg in. An outgoing one goes when it is hung up, an incoming one when its thread ends."""
        self._channels[channel.uuid] = channel
        self.sessions_since_start += 1
        self.peak = max(self.peak, len(self._channels))
        channel.on_report.append(self._hung_up)
        channel.on_report.append(lambda ended: self.records.write(ended))
        channel.on_report.append(self._unschedule)
        channel.on_answer.append(self._answered)
        if channel.direction == "inbound":
            channel.fire("CHANNEL_CREATE")
            return
        channel.on_hangup.append(self.remove)
        channel.ended.rawlink(lambda _: channel.complete())
        for name in ("CHANNEL_OUTGOING", "CHANNEL_CREATE", "CHANNEL_ORIGINATE"):
            channel.fire(name)

    def resume(self, channel: Channel) -> None:
        """Give a leg that was called, and is transferred, a thread of its own."""
        self._calls.spawn(Session(self, channel).run)

    def remove(self, channel: Channel) -> None:
        self._channels.pop(channel.uuid, None)

    def _hung_up(self, channel: Channel) -> None:
        """Run the command of `api_hangup_hook`."""
        word, _, rest = channel.expand(channel.get("api_hangup_hook") or "").partition(" ")
        if word:
            execute_api(self, word, rest)

    def _unschedule(self, channel: Channel) -> None:
        """The group that is named after a leg ends with it."""
        self.scheduler.delete(channel.uuid)

    def _answered(self, channel: Channel) -> None:
        """Run the commands of `api_on_answer`, `api_on_answer_1` and so on."""
        for name, command in channel.variables.items():
            if name.lower().startswith("api_on_answer"):
                word, _, rest = channel.expand(command).partition(" ")
                execute_api(self, word, rest)

    @staticmethod
    def new_uuid() -> str:
        return str(uuid.uuid4())

    # What comes in

    def register(self, domain: str, username: str, password: str, endpoint: Endpoint) -> int:
        """A REGISTER with digest authentication; returns the final SIP code."""
        user = self.directory.find(domain, username, "sip_auth")
        if user is None or "sip-forbid-register" in user.params or not user.admits(domain, password):
            return 403
        name = user.params.get("sip-force-extension", username)
        self.locations.register(name, domain, endpoint)
        who = [("profile-name", "internal"), ("from-user", name), ("from-host", domain)]
        self.bus.fire("CUSTOM", [*who, ("status", "Registered(UDP)")], subclass="sofia::register")
        return 200

    def authenticated(self, domain: str, username: str, password: str) -> User | None:
        """Who an INVITE with these credentials comes from."""
        user = self.directory.find(domain, username, "sip_auth")
        return user if user is not None and user.admits(domain, password) else None

    def incoming(self, profile: Profile, name: str, variables: dict[str, str], hides_number: bool = False) -> Channel:
        """Start a call that has been let in. `hides_number`: the caller asked for privacy."""
        channel = Channel(self.bus, self.clock, name, profile)
        channel.hides_number = hides_number
        for key, value in {**self._limits(), **variables}.items():
            channel.set(key, value)
        self.add(channel)
        self._calls.spawn(Session(self, channel).run)
        return channel

    def _limits(self) -> dict[str, str]:
        limit = self.configuration.globals.get("max_session_transfers")
        return {"max_session_transfers": limit} if limit else {}
