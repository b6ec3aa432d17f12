"""The running controllers: do they take calls, and do they answer the switch?"""

from __future__ import annotations

import base64
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from bizpbx.config import Config, host_and_port
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.directory.keys import Keys
from bizpbx.web.directory import USER

EVERYWHERE = ("0.0.0.0", "::", "[::]")  # noqa: S104 - read, not bound

PATIENCE = 3.0
"""Seconds for each answer."""


def examine(config: Config, keys: Keys) -> Iterator[Finding]:
    listed = [controller for controller in (config.controllers or config.call_listen).split("|") if controller]
    for controller in listed:
        yield takes_calls(controller)
    if not is_listed(config.call_listen, listed):
        yield warning(
            "calls",
            f"The controller of this machine, {config.call_listen}, is not in BIZPBX_CONTROLLERS: no call reaches it.",
        )
    yield from answers(config.http_listen, keys.http_password)


def is_listed(listen: str, listed: list[str]) -> bool:
    host, port = host_and_port(listen, "BIZPBX_CALL_LISTEN")
    if host in EVERYWHERE:
        return any(host_and_port(one, "BIZPBX_CONTROLLERS")[1] == port for one in listed)
    return listen in listed


def takes_calls(controller: str) -> Finding:
    host, port = host_and_port(controller, "BIZPBX_CONTROLLERS")
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError as error:
        reason = error.strerror or str(error)
        return problem("calls", f"No controller takes calls at {controller} ({reason}). Start `bizpbx serve` there.")
    return ok("calls", f"a controller takes calls at {controller}")


def answers(listen: str, password: str) -> Iterator[Finding]:
    base = f"http://{listen}"
    try:
        status, body = get(urllib.request.Request(f"{base}/ready"))  # noqa: S310 - our own address
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        reason = getattr(cause, "strerror", None) or cause
        yield problem("http", f"No controller answers at {base} ({reason}). Start `bizpbx serve`.")
        return
    if status == 200:
        yield ok("http", f"{base}/ready: the controller is ready")
    else:
        yield problem("http", f"{base}/ready answers {status}: {'; '.join(failing(body)) or 'not a controller'}.")
    status, _ = get(asking(f"{base}/freeswitch/directory", password))
    if status == 401:
        yield problem(
            "http",
            "The running controller has another secret key than this environment. Give both the same BIZPBX_HOME or "
            "BIZPBX_SECRET_KEY, restart it, render and restart the switch.",
        )
    elif status != 200:
        yield problem("http", f"{base}/freeswitch/directory answers {status}; look into the controller's log.")


def asking(url: str, password: str) -> urllib.request.Request:
    """The question a switch asks, about nobody."""
    credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return urllib.request.Request(url, data=b"section=directory&domain=&user=", headers=headers)  # noqa: S310 - the URL is our own configuration


def get(request: urllib.request.Request) -> tuple[int, bytes]:
    # No proxy of the environment may stand between us and a loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read(65536)
    except urllib.error.HTTPError as error:
        return error.code, error.read(65536)


def failing(body: bytes) -> list[str]:
    """What a controller says is wrong with it."""
    try:
        checks: Any = json.loads(body)["checks"]
        return [f"{name}: {result}" for name, result in checks.items() if result is not True]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
