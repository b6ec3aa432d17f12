"""The controller's standing connection to a switch: is it there, commands that concern no single call, the ends of our
calls' legs, and registrations that lead elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import gevent
import structlog

from bizpbx.config import host_and_port
from bizpbx.freeswitch.arming import METERED
from bizpbx.freeswitch.esl import EslError, ESLEvent, InboundESL
from bizpbx.freeswitch.registration import REGISTERED, expiry

LEG_END = "CHANNEL_HANGUP_COMPLETE"
EVERY = {"variable_bizpbx_call": "/./"}
"""Headers by which events are let through: only legs of calls that came through our contexts have this one."""
FEW = {f"variable_{METERED}": "true", "variable_process_cdr": "false"}
"""Legs that cost something; and those that ended while a passcode was keyed in, of which the switch writes no file."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SwitchAddress:
    """Where a switch's event socket listens. `name` is for people."""

    name: str
    host: str
    port: int


class Monitor:
    """Connects to one switch and stays connected, whatever happens to either side."""

    def __init__(
        self,
        address: SwitchAddress,
        password: str,
        on_leg_end: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """`on_leg_end` is given the data of each leg of ours that has ended while we were connected, unless `hear` has
        said that some are not wanted."""
        self.address = address
        self._wanted = EVERY
        self._on_leg_end = on_leg_end
        self._connection = InboundESL(address.host, address.port, password)
        self._greenlet: gevent.Greenlet[..., None] | None = None
        self._missed: list[str] = []
        self._connection.register_handle(REGISTERED, self._registered)
        if on_leg_end is not None:
            self._connection.register_handle(LEG_END, self._leg_ended)

    @property
    def connected(self) -> bool:
        return bool(self._connection.connected)

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._connection.run_forever, self._on_connect)

    def stop(self) -> None:
        self._connection.stop()
        if self._greenlet is not None:
            self._greenlet.join(timeout=2.0)

    def command(self, commands: Iterable[str]) -> None:
        """Carry out `api` commands in order. What a switch that is away missed is made up for when it is back."""
        self._missed += [command for command in commands if command not in self._missed]
        if self.connected:
            self._catch_up()

    def ask(self, command: str) -> str:
        """What an `api` command prints, now. Raises EslError if the switch is away or does not answer."""
        return self._connection.bgapi(command)

    def hear(self, every: bool) -> None:
        """Be told the ends of all legs of ours from now on, or only those that are worth an event beside their file.
        One with all that is known of a leg costs the switch half a millisecond, and its reader as much."""
        wanted, before = (EVERY, FEW) if every else (FEW, EVERY)
        if wanted is self._wanted:
            return
        self._wanted = wanted
        if not self.connected:
            return
        try:
            self._let_through(self._connection)
            for name in before:
                self._connection.send(f"filter delete {name}")
        except EslError as error:
            # The next connection asks for what is wanted then.
            log.warning("switch.command_failed", switch=self.address.name, command="filter", reason=str(error))

    def _let_through(self, connection: InboundESL) -> None:
        for name, value in self._wanted.items():
            connection.send(f"filter {name} {value}")

    def _catch_up(self) -> None:
        while self._missed:
            command = self._missed[0]
            try:
                answer = self._connection.bgapi(command)
            except EslError as error:
                log.warning("switch.command_failed", switch=self.address.name, command=command, reason=str(error))
                return
            log.info("switch.command", switch=self.address.name, command=command, answer=answer.strip()[:200])
            self._missed.pop(0)

    def _on_connect(self, connection: InboundESL) -> None:
        log.info("switch.connected", switch=self.address.name, version=connection.api("version").strip())
        # A filter lets nothing else through, so what `bgapi` waits for is named, too.
        connection.send("filter Event-Name BACKGROUND_JOB")
        connection.send(f"filter Event-Subclass {REGISTERED}")
        if self._on_leg_end is not None:
            self._let_through(connection)
        # In plain form: of FreeSWITCH's own time for an event of 300 headers JSON takes ten times as much.
        connection.subscribe([REGISTERED, *([LEG_END] if self._on_leg_end is not None else [])], json=False)
        self._catch_up()

    def _registered(self, event: ESLEvent) -> None:
        data = event.own
        command = expiry(data)
        if command is None:
            return
        log.warning(
            "registration.elsewhere",
            switch=self.address.name,
            device=data.get("from-user", ""),
            contact=data.get("contact", "")[:200],
            source=data.get("network-ip", ""),
        )
        try:
            self._connection.bgapi(command)
        except EslError as error:
            log.warning("switch.command_failed", switch=self.address.name, command=command, reason=str(error))

    def _leg_ended(self, event: ESLEvent) -> None:
        if self._on_leg_end is not None:
            self._on_leg_end(event.own)


def switch_addresses(text: str) -> list[SwitchAddress]:
    """Parse BIZPBX_FREESWITCH, `name=host:port,…`. Raises ConfigurationError."""
    addresses = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, address = part.partition("=")
        host, port = host_and_port(address if separator else name, "BIZPBX_FREESWITCH")
        addresses.append(SwitchAddress(name if separator else f"{host}:{port}", host, port))
    return addresses
