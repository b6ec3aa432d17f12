from __future__ import annotations

import socket

from bizpbx.testbed.ports import Ports
from bizpbx.testbed.sipp.trunk import Routes, Trunk, bound

SWITCH, OTHER_SWITCH, CALLEE, CALLER = ("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3), ("127.0.0.1", 4)


def test_a_new_call_goes_to_the_one_that_takes_calls_and_back() -> None:
    routes = Routes(SWITCH, CALLEE)
    assert routes.from_switch(b"INVITE x\r\nCall-ID: a\r\n", OTHER_SWITCH) == CALLEE
    assert routes.from_sipp(b"SIP/2.0 200 OK\r\ni: a\r\n", CALLEE) == OTHER_SWITCH


def test_a_placed_call_comes_back_to_who_placed_it() -> None:
    routes = Routes(SWITCH, CALLEE)
    assert routes.from_sipp(b"INVITE x\r\ncall-id : b \r\n", CALLER) == SWITCH
    assert routes.from_switch(b"SIP/2.0 180 Ringing\r\nCall-ID: b\r\n", SWITCH) == CALLER
    assert routes.from_switch(b"INVITE x\r\nCall-ID: c\r\n", SWITCH) == CALLEE


def test_what_is_no_sip_goes_nowhere() -> None:
    routes = Routes(SWITCH, CALLEE)
    assert routes.from_switch(b"\r\n\r\n", SWITCH) is None
    assert routes.from_sipp(b"", CALLER) is None


def test_datagrams_leave_from_the_port_of_the_carrier() -> None:
    with Ports() as ports, bound(ports.one()) as switch, bound(ports.one()) as callee, bound(ports.one()) as caller:
        for each in (switch, callee, caller):
            each.settimeout(2)
        port = ports.one()
        trunk = Trunk(port, ports.one(), address(switch), address(callee))
        try:
            caller.sendto(b"INVITE x\r\nCall-ID: a\r\n", trunk.inner)
            assert switch.recvfrom(100) == (b"INVITE x\r\nCall-ID: a\r\n", ("127.0.0.1", port))
            switch.sendto(b"INVITE y\r\nCall-ID: b\r\n", ("127.0.0.1", port))
            assert callee.recv(100) == b"INVITE y\r\nCall-ID: b\r\n"
        finally:
            trunk.close()


def address(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()
    return str(host), int(port)
