"""Events a second and memory of our event socket against plain greenswitch, side by side in one run.

`python -m tests.bench.esl` prints the table. Each candidate runs in a process of its own against a producer in another;
both read the same events over loopback TCP, and a handler looks at three headers of each. With a slow handler the
producer is faster than the handler, which shows what waiting events cost.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any
from urllib.parse import quote

EVENTS = 20_000
SLOW_EVENTS = 10_000
HEADERS = 150
REPEATS = 2
DISTINCT = 500
"""Frames that are made beforehand and sent over and over."""

CASES = (
    # core, form, milliseconds a handler takes for each event
    ("greenswitch", "plain", 0.0),
    ("bizpbx", "plain", 0.0),
    ("bizpbx", "json", 0.0),
    ("greenswitch", "plain", 5.0),
    ("bizpbx", "plain", 5.0),
    ("bizpbx", "json", 5.0),
)
_NAMES = ("CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP_COMPLETE")
_NOT_ENCODED = "/()'!*,$~"


def run() -> list[dict[str, Any]]:
    """One row a case: events, seconds, events_per_second, cpu_us (CPU time an event), peak_mb (above the start),
    dropped. Of the fast cases the quicker of two alternating runs counts. Takes about half a minute."""
    rows: dict[tuple[str, str, float], dict[str, Any]] = {}
    for repeat in range(REPEATS):
        for case in CASES:
            if repeat and case[2]:
                continue
            row = _measure(*case)
            if case not in rows or row["cpu_us"] < rows[case]["cpu_us"]:
                rows[case] = row
    return list(rows.values())


def _measure(core: str, form: str, delay: float) -> dict[str, Any]:
    count = SLOW_EVENTS if delay else EVENTS
    command = [sys.executable, "-m", "tests.bench.esl"]
    with subprocess.Popen([*command, "produce", form, str(count)], stdout=subprocess.PIPE, text=True) as producer:
        try:
            assert producer.stdout is not None
            port = producer.stdout.readline().strip()
            consume = [*command, "consume", core, form, str(count), str(delay), port]
            done = subprocess.run(consume, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        finally:
            producer.kill()  # it has nothing left to do; closing its pipe alone would not end it
    row = json.loads(done.stdout.splitlines()[-1])
    return {"core": core, "form": form, "handler_ms": delay, **row}


def _frames(form: str) -> list[bytes]:
    """Events as FreeSWITCH 1.11 writes them: about 150 headers, 6 kB, a share of the values URL-encoded."""
    frames = []
    for number in range(DISTINCT):
        headers = {
            "Event-Name": _NAMES[number % len(_NAMES)],
            "Core-UUID": "407bb6f2-2c4a-4cbd-b592-42d618700fab",
            "Event-Date-Local": "2026-01-01 12:00:00",
            "Channel-State": "CS_EXECUTE",
            "Unique-ID": f"c73c9a7d-0534-44aa-a955-{number // len(_NAMES):012d}",
            "Caller-Caller-ID-Name": "Ann O'Neil & Co",
            "Caller-Caller-ID-Number": "+6561234567",
        }
        for extra in range(HEADERS - len(headers)):
            value = "sip:100@acme.example:5060;transport=tcp" if extra % 4 == 0 else f"value-{extra}-{number % 97}"
            headers[f"variable_some_variable_{extra}"] = value
        if form == "json":
            body = json.dumps(headers, separators=(",", ":")).encode()
        else:
            lines = [f"{name}: {quote(value, safe=_NOT_ENCODED)}\n" for name, value in headers.items()]
            body = "".join(lines).encode() + b"\n"
        frames.append(b"Content-Length: %d\nContent-Type: text/event-%s\n\n" % (len(body), form.encode()) + body)
    return frames


def _produce(form: str, count: int) -> None:
    import socket

    frames = _frames(form)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        peer, _ = server.accept()
        with peer, peer.makefile("rb") as commands:
            peer.sendall(b"Content-Type: auth/request\n\n")
            for line in commands:
                if line.startswith((b"auth", b"event")):
                    peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
                if line.startswith(b"event"):
                    break
            for start in range(0, count, DISTINCT):
                peer.sendall(b"".join(frames[: min(DISTINCT, count - start)]))
            for line in commands:
                # Answered behind the last event: who has this reply has read them all.
                if line.startswith(b"noop"):
                    peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK\n\n")


def _consume(core: str, form: str, count: int, delay: float, port: int) -> None:
    import gevent

    seen = 0
    if core == "bizpbx":
        from bizpbx.freeswitch.esl import InboundESL
    else:
        from greenswitch import InboundESL
    esl = InboundESL("127.0.0.1", port, "secret")

    def handler(event: Any) -> None:
        nonlocal seen
        headers = event.headers
        if headers.get("Event-Name") and headers.get("Unique-ID") and headers.get("Caller-Caller-ID-Number"):
            seen += 1
        if delay:
            gevent.sleep(delay / 1000)

    esl.register_handle("*", handler)
    esl.connect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    esl.send(f"event {form} ALL")
    esl.send("noop")
    while not delay and seen + getattr(esl, "events_dropped", 0) < count:
        gevent.sleep(0.001)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    row = {
        "events": seen,
        "seconds": round(wall, 3),
        "events_per_second": round(seen / wall),
        "cpu_us": round(cpu / max(1, seen) * 1e6, 1),
        "peak_mb": round(peak / 1024, 1),
        "dropped": getattr(esl, "events_dropped", 0),
    }
    print(json.dumps(row), flush=True)


def _print(rows: list[dict[str, Any]]) -> None:
    columns = ("core", "form", "handler_ms", "events", "seconds", "events_per_second", "cpu_us", "peak_mb", "dropped")
    print("  ".join(f"{column:>17}" for column in columns))
    for row in rows:
        print("  ".join(f"{row[column]:>17}" for column in columns))
    for slow in (False, True):
        theirs, *ours = [row for row in rows if bool(row["handler_ms"]) == slow]
        for row in ours:
            if slow:
                share = row["peak_mb"] / theirs["peak_mb"]
                print(f"slow handler, {row['form']}: {share:.2f} of greenswitch's memory")
            else:
                rate = row["events_per_second"] / theirs["events_per_second"]
                cpu = theirs["cpu_us"] / row["cpu_us"]
                print(f"{row['form']}: {rate:.1f} times greenswitch's events a second, {1 / cpu:.2f} of its CPU time")


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["produce", form, count]:
            _produce(form, int(count))
        case ["consume", core, form, count, delay, port]:
            _consume(core, form, int(count), float(delay), int(port))
        case _:
            _print(run())


if __name__ == "__main__":
    _main(sys.argv[1:])
