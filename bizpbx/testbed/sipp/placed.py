"""A call under way: the SIPp that placed it."""

from __future__ import annotations

from bizpbx.testbed import processes
from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp import record
from bizpbx.testbed.sipp.process import PORTS, Sipp
from bizpbx.testbed.world import CallResult, TestbedError


class SippCall:
    """Implements world.PlacedCall."""

    def __init__(self, sipp: Sipp, ports: Ports, first_port: int) -> None:
        self._sipp = sipp
        self._ports = ports
        self._first_port = first_port

    def wait_for(self, code: int, timeout: float = 5.0) -> None:
        def heard() -> bool:
            heard = (entry.message for entry in self._sipp.messages if not entry.sent)
            return any(message.status == code and message.cseq[1] == "INVITE" for message in heard)

        self._sipp.wait_until(heard, timeout, f"a {code}")

    def result(self, timeout: float = 30.0) -> CallResult:
        if not processes.ended(self._sipp.process, timeout):
            so_far = record.result(self._sipp.messages)
            self.stop()
            raise TestbedError(f"The call did not end within {timeout} s; so far: {so_far}. {self._sipp.last_words()}")
        self.stop()
        if not self._sipp.messages:
            raise TestbedError(f"The call was not placed. {self._sipp.last_words()}")
        return record.result(self._sipp.messages)

    def stop(self) -> None:
        """Drop the call, if it still is one."""
        self._sipp.stop()
        if self._first_port:
            self._ports.release(self._first_port, PORTS)
            self._first_port = 0
