"""A private PostgreSQL cluster for the tests: own folder, random loopback port, gone at the end of the session.

A pytest plug-in: the fixture's `new_database()` gives a URL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

SCHEMA = """
SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3
"""
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


class Server:
    """A running cluster. Databases are cheap: a template is copied."""

    def __init__(self, port: int, control: Callable[[str], None]) -> None:
        """`control("restart")` does what pg_ctl does."""
        self.port = port
        self._control = control
        self._serial = count(1)
        self._schemas: dict[str, list[Any]] = {}

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def new_database(self, template: str = "template1") -> str:
        """URL of a fresh database."""
        name = f"bizpbx_{next(self._serial)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def emptied(self, url: str, like: str) -> bool:
        """Empty a database, and let its sequences begin anew. False if its schema is not that of `like`; it is gone
        then."""
        if like not in self._schemas:
            with psycopg.connect(self.url(like)) as template:
                self._schemas[like] = template.execute(SCHEMA).fetchall()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(OTHERS)
            same = connection.execute(SCHEMA).fetchall() == self._schemas[like]
            if same:
                empty(connection)
        if not same:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)'.encode())
        return same

    def restart(self) -> None:
        """Every connection is cut, as by an upgrade of the machine's packages. It is up again when this returns."""
        self._control("restart")


def empty(connection: psycopg.Connection[Any]) -> None:
    tables = [name for (name,) in connection.execute(TABLES)]
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in tables)
    filled = [f'"{name}"' for (name,) in connection.execute(asked.encode())]
    begun = [name for (name,) in connection.execute(SEQUENCES)]
    # Of a few rows a DELETE takes less than TRUNCATE, which makes new files.
    deletes = [f"DELETE FROM {name}" for name in filled]
    restarts = [f"SELECT setval('\"{name}\"', 1, false)" for name in begun]
    connection.execute("; ".join(["SET session_replication_role = replica", *deletes, *restarts]).encode())


def programs() -> Path | None:
    """The folder of the newest initdb on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    folder = programs()
    assert folder is not None, "what asks for this is to be marked with postgres"
    with cluster(folder) as server:
        yield server


@contextmanager
def cluster(folder: Path, *, fsync: bool = False) -> Iterator[Server]:
    """A new cluster, run by the programs in `folder`. Without `fsync` it is faster, and loses data without power."""
    home = Path(tempfile.mkdtemp(prefix="bizpbx-postgres-"))
    if os.geteuid() == 0:
        os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
    data = home / "data"

    def run(action: str, *options: str) -> None:
        control = [str(folder / "pg_ctl"), "--pgdata", str(data), "--silent", "--wait", *options, action]
        subprocess.run(as_postgres(control), check=True, cwd=home)

    port = free_port()
    synced = "on" if fsync else "off"
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync={synced}"
    try:
        subprocess.run(
            as_postgres([str(folder / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8"]),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=home,
        )
        run("start", "--log", str(home / "log"), "--options", settings)
        try:
            yield Server(port, lambda action: run(action, "--log", str(home / "log"), "--mode", "fast"))
        finally:
            run("stop", "--mode", "immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)
