"""A phone: one SIPp that registers and then takes calls on the same port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp import record, scenarios
from bizpbx.testbed.sipp.process import PORTS, Sipp
from bizpbx.testbed.sipp.told import Told
from bizpbx.testbed.world import Behaviour, Incoming, PhoneCaller, Registration, TestbedError


class SippPhone:
    """Implements world.Phone."""

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        registrar: str,
        patience: float,
        domain: str,
        username: str,
        password: str,
        behaviour: Behaviour,
    ) -> None:
        self.domain = domain
        self.username = username
        self.password = password
        self._folder = folder
        self._ports = ports
        self._registrar = registrar
        self._patience = patience
        self._behaviour = behaviour
        self._forgotten = 0
        self._sipp: Sipp | None = None
        self._first_port = 0
        self.registration = Registration(0, "not tried")
        if behaviour.registers:
            self._first_port = ports.block(PORTS)
            try:
                self._sipp = self._register(scenarios.callee(behaviour), 3600)
                self.registration = self._outcome(self._sipp)
            except BaseException:
                self.stop()
                raise

    @property
    def incoming(self) -> Sequence[Incoming]:
        return self._all_incoming()[self._forgotten :]

    @property
    def quiet(self) -> bool:
        """Whether all calls it saw are over."""
        return all(call.ended for call in self.incoming)

    def forget(self) -> None:
        self._forgotten = len(self._all_incoming())

    def answer(self) -> None:
        self._told().answer()

    def press(self, keys: str) -> None:
        self._told().press(keys)

    def hang_up(self) -> None:
        self._told().hang_up()

    def caller(
        self, *, display_name: str = "", claims: str | None = None, headers: Mapping[str, str] | None = None
    ) -> PhoneCaller:
        return PhoneCaller(self, display_name, claims, headers or {})

    def unregister(self) -> None:
        """Sign off: the switch forgets the phone. What it saw is kept."""
        goodbye = self.begin_unregister()
        if goodbye is not None:
            try:
                self._outcome(goodbye)
            finally:
                goodbye.stop()

    def begin_unregister(self) -> Sipp | None:
        """Send the sign-off without waiting for its answer; None if there is nothing to sign off."""
        if self._sipp is None or not self.registration.registered:
            return None
        self._sipp.stop()
        self.registration = Registration(0, "unregistered")
        return self._register(None, 0)

    def stop(self) -> None:
        """Switch off without a word to the switch."""
        if self._sipp is not None:
            self._sipp.stop()
        if self._first_port:
            self._ports.release(self._first_port, PORTS)
            self._first_port = 0

    def _register(self, callee: str | None, expires: int) -> Sipp:
        keys = {"domain": self.domain, "username": self.username, "expires": str(expires)}
        return Sipp(
            self._folder,
            f"phone-{self.username}",
            scenario=scenarios.registers(),
            incoming=callee,
            remote=self._registrar,
            first_port=self._first_port,
            keys=keys,
            credentials=(self.username, self.password),
            options=("-m", "1", "-r", "1000"),
        )

    def _outcome(self, sipp: Sipp) -> Registration:
        try:
            sipp.wait_until(lambda: record.registration(sipp.messages) is not None, self._patience, "registering")
        except TestbedError:
            if not sipp.messages or any(not entry.sent for entry in sipp.messages):
                raise
            return Registration(408, "no answer from the switch")
        return record.registration(sipp.messages) or Registration(408, "")

    def _told(self) -> Told:
        if self._sipp is None:
            raise TestbedError(f"The phone {self.username} is switched off.")
        return Told(self._sipp, self._behaviour)

    def _all_incoming(self) -> list[Incoming]:
        return record.incoming(self._sipp.messages) if self._sipp else []
