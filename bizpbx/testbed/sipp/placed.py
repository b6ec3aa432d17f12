"""A call under way: the SIPp that placed it."""

from __future__ import annotations

from array import array

from bizpbx.testbed import processes
from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp import record
from bizpbx.testbed.sipp.process import PORTS, Sipp
from bizpbx.testbed.sipp.told import ToldCaller
from bizpbx.testbed.sipp.voice import Voice
from bizpbx.testbed.world import CallResult, TestbedError


class SippCall:
    """Implements world.PlacedCall."""

    def __init__(
        self, sipp: Sipp, ports: Ports, first_port: int, voice: Voice | None = None, talking: str = ""
    ) -> None:
        self._sipp = sipp
        self._told = ToldCaller(sipp, talking)
        self._voice = voice
        self._ports = ports
        self._first_port = first_port

    def wait_for(self, code: int, timeout: float = 20.0) -> None:
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

    def heard(self) -> array[int]:
        return self._voice.heard() if self._voice is not None else array("h")

    def wait_until_said(self, timeout: float = 30.0) -> None:
        voice = self._voice
        self._sipp.wait_until(lambda: voice is not None and voice.has_spoken, timeout, "saying all of it")

    def hang_up(self) -> None:
        self._told.hang_up()

    def press(self, keys: str) -> None:
        if self._voice is None:
            self._told.press(keys)
        else:
            self._voice.press(keys)

    def stop(self) -> None:
        """Drop the call, if it still is one."""
        self._sipp.stop()
        if self._first_port:
            if self._voice is not None:
                self._voice.stop()
            self._ports.release(self._first_port, PORTS)
            self._first_port = 0
