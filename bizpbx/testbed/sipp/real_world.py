"""The world of real SIP: every phone and carrier is a SIPp on 127.0.0.1, round whatever switch is there."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp import invite, record, scenarios
from bizpbx.testbed.sipp.carrier import SippCarrier
from bizpbx.testbed.sipp.phone import SippPhone
from bizpbx.testbed.sipp.placed import SippCall
from bizpbx.testbed.sipp.process import HOST, POLL, PORTS, Sipp
from bizpbx.testbed.sipp.voice import Voice
from bizpbx.testbed.world import (
    Behaviour,
    Caller,
    CallResult,
    Carrier,
    CarrierCaller,
    PhoneCaller,
    Speech,
    TestbedError,
    answers,
    as_caller,
    rings_only,
)

SETTLE = 2.0
"""Seconds the called phones get to see the end of a call that has ended for its caller."""
GOODBYE = 0.5
"""Seconds all phones together get to sign off."""
ANSWERS = answers()


class SippWorld:
    """Implements world.World. `devices_port` is the switch's SIP port for phones, `trunks_port` the one for gateways.

    Messages and errors of every SIPp are kept in `folder` (by default a temporary one, removed at the end).
    A REGISTER is given up after `patience` seconds.
    """

    def __init__(self, devices_port: int, trunks_port: int, folder: Path | None = None, patience: float = 20.0) -> None:
        self._devices_port = devices_port
        self._trunks_port = trunks_port
        self._patience = patience
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="bizpbx-sipp-"))
        self.ports = Ports()
        self._phones: dict[tuple[str, str], SippPhone] = {}
        self._carriers: dict[int, SippCarrier] = {}
        self._calls: list[SippCall] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        """End everything. Calls are dropped; phones sign off, if the switch still listens to them."""
        try:
            for call in self._calls:
                call.stop()
            self._sign_off()
        finally:
            for endpoint in self._endpoints():
                endpoint.stop()
            self.ports.close()
            if not self._keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _sign_off(self) -> None:
        goodbyes = [goodbye for phone in self.phones if (goodbye := phone.begin_unregister()) is not None]
        try:
            deadline = time.monotonic() + GOODBYE
            while time.monotonic() < deadline and not all(record.registration(each.messages) for each in goodbyes):
                time.sleep(POLL)
        finally:
            for goodbye in goodbyes:
                goodbye.stop()

    @property
    def phones(self) -> list[SippPhone]:
        return list(self._phones.values())

    @property
    def carriers(self) -> list[SippCarrier]:
        return list(self._carriers.values())

    def phone(self, domain: str, username: str, password: str, behaviour: Behaviour = rings_only) -> SippPhone:
        earlier = self._phones.pop((domain, username), None)
        if earlier is not None:
            earlier.unregister()
            earlier.stop()
        registrar = f"{HOST}:{self._devices_port}"
        phone = SippPhone(self.folder, self.ports, registrar, self._patience, domain, username, password, behaviour)
        self._phones[domain, username] = phone
        return phone

    def carrier(self, port: int, behaviour: Behaviour = ANSWERS) -> SippCarrier:
        earlier = self._carriers.pop(port, None)
        if earlier is not None:
            earlier.stop()
        carrier = SippCarrier(self.folder, self.ports, (HOST, self._trunks_port), port, behaviour)
        self._carriers[port] = carrier
        return carrier

    def close(self, carrier: Carrier) -> None:
        self._carriers.pop(carrier.port).stop()

    def place(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        says: Speech | None = None,
        listens: bool = False,
    ) -> SippCall:
        first_port = self.ports.block(PORTS)
        audio = first_port + 1 if says is not None or listens else None
        voice = Voice(HOST, audio, says) if audio is not None else None
        sipp = self.dialler(
            as_caller(caller),
            to,
            first_port,
            hangup_after,
            cancel_after,
            ("-m", "1", "-r", "1000"),
            keys,
            audio,
            talking,
        )
        call = SippCall(sipp, self.ports, first_port, voice, talking)
        self._calls.append(call)
        return call

    def call(
        self,
        caller: Caller,
        to: str,
        *,
        hangup_after: float | None = 0.1,
        cancel_after: float | None = None,
        keys: str = "",
        talking: str = "",
        timeout: float = 30.0,
    ) -> CallResult:
        placed = self.place(
            caller, to, hangup_after=hangup_after, cancel_after=cancel_after, keys=keys, talking=talking
        )
        result = placed.result(timeout)
        self.settle()
        return result

    def settle(self, timeout: float = SETTLE) -> None:
        """Return once every call is over for everybody who saw it, or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not all(each.quiet for each in self._endpoints()) and time.monotonic() < deadline:
            time.sleep(POLL)

    def forget(self) -> None:
        for each in self._endpoints():
            each.forget()

    def _endpoints(self) -> list[SippPhone | SippCarrier]:
        return [*self._phones.values(), *self._carriers.values()]

    def dialler(
        self,
        caller: PhoneCaller | CarrierCaller,
        to: str,
        first_port: int,
        hangup_after: float | None,
        cancel_after: float | None,
        options: tuple[str, ...],
        strokes: str = "",
        audio: int | None = None,
        talking: str = "",
    ) -> Sipp:
        """The SIPp that places calls of this caller, from ports that were reserved for it."""
        credentials = None
        keys: dict[str, str] = {} if audio is None else {"audio": str(audio)}
        if isinstance(caller, CarrierCaller):
            carrier = self._carriers.get(caller.carrier.port)
            if carrier is None:
                raise TestbedError(f"There is no carrier on port {caller.carrier.port} in this world.")
            remote = carrier.address
            keys["contact"] = f"{HOST}:{carrier.port}"
            wording = invite.from_carrier(caller, to, f"{HOST}:{self._trunks_port}")
        else:
            phone = self._phones.get((caller.phone.domain, caller.phone.username))
            if phone is None:
                raise TestbedError(f"There is no phone {caller.phone.username}@{caller.phone.domain} in this world.")
            remote = f"{HOST}:{self._devices_port}"
            credentials = (phone.username, phone.password)
            wording = invite.from_phone(caller, to)
        return Sipp(
            self.folder,
            "caller",
            scenario=scenarios.caller(
                credentials is not None, len(wording.headers), hangup_after, cancel_after, strokes, talking
            ),
            remote=remote,
            first_port=first_port,
            keys={**keys, **wording.keys},
            credentials=credentials,
            options=options,
        )
