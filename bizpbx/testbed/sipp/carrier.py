"""The far end of a trunk: one SIPp that takes calls, and one more for each call that is placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp import record, scenarios
from bizpbx.testbed.sipp.process import HOST, PORTS, Sipp
from bizpbx.testbed.sipp.told import Told
from bizpbx.testbed.sipp.trunk import Address, Trunk
from bizpbx.testbed.world import Behaviour, CarrierCaller, Incoming, TestbedError


class SippCarrier:
    """Implements world.Carrier."""

    def __init__(self, folder: Path, ports: Ports, switch: Address, port: int, behaviour: Behaviour) -> None:
        self.port = port
        self._behaviour = behaviour
        self._forgotten = 0
        self._ports = ports
        self._first_port = ports.block(PORTS)
        self._trunk: Trunk | None = None
        self._sipp: Sipp | None = None
        try:
            self._trunk = Trunk(port, self._first_port + 1, switch, (HOST, self._first_port))
            self._sipp = Sipp(
                folder,
                f"carrier-{port}",
                scenario=scenarios.callee(behaviour),
                first_port=self._first_port,
                keys={"contact": f"{HOST}:{port}"},
            )
            self._sipp.wait_until_listening()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """Where a SIPp sends what is to leave from the carrier's port."""
        if self._trunk is None:
            raise RuntimeError("the carrier has been stopped")
        return f"{self._trunk.inner[0]}:{self._trunk.inner[1]}"

    @property
    def incoming(self) -> Sequence[Incoming]:
        return self._all_incoming()[self._forgotten :]

    @property
    def quiet(self) -> bool:
        """Whether all calls it took are over."""
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
        self,
        number: str | None,
        *,
        display_name: str = "",
        withheld: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> CarrierCaller:
        return CarrierCaller(self, number, display_name, withheld, headers or {})

    def stop(self) -> None:
        """Close the trunk."""
        if self._sipp is not None:
            self._sipp.stop()
        if self._trunk is not None:
            self._trunk.close()
            self._trunk = None
        if self._first_port:
            self._ports.release(self._first_port, PORTS)
            self._first_port = 0

    def _told(self) -> Told:
        if self._sipp is None:
            raise TestbedError(f"The carrier on port {self.port} has been stopped.")
        return Told(self._sipp, self._behaviour)

    def _all_incoming(self) -> list[Incoming]:
        return record.incoming(self._sipp.messages) if self._sipp else []
