from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bizpbx.testbed.ports import LOWEST, Ports, highest, is_free
from bizpbx.testbed.world import TestbedError


def test_ports_are_free_and_below_those_of_the_kernel(tmp_path: Path) -> None:
    with Ports(tmp_path / "lock") as ports:
        assert all(LOWEST <= port < highest() and is_free(port) for port in (ports.one() for _ in range(20)))


def test_two_holders_never_share_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bizpbx.testbed.ports.highest", lambda: LOWEST + 60)
    monkeypatch.setattr("bizpbx.testbed.ports.is_free", lambda port: True)
    with Ports(tmp_path / "lock") as one, Ports(tmp_path / "lock") as two:
        blocks = [holder.block(4) for holder in (one, two) for _ in range(5)]
        ports = [port for first in blocks for port in range(first, first + 4)]
        assert len(ports) == len(set(ports))


def test_they_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bizpbx.testbed.ports.highest", lambda: LOWEST + 6)
    monkeypatch.setattr("bizpbx.testbed.ports.is_free", lambda port: True)
    with Ports(tmp_path / "lock") as two:
        with Ports(tmp_path / "lock") as one:
            first = one.block(4)
            with pytest.raises(TestbedError, match="no 4 free ports"):
                two.block(4)
            one.release(first, 4)
            two.release(two.block(4), 4)
            one.block(4)
        two.block(4)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_in_use_is_not_free(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as busy:
        busy.bind(("127.0.0.1", 0))
        assert not is_free(busy.getsockname()[1])
