"""How fast leg records go from the folder of a switch into PostgreSQL (SQLite beside it)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bizpbx.controller.changes import Changes
from bizpbx.controller.records import YOUNG, Records
from bizpbx.directory.database import Database
from bizpbx.directory.installation import prepare
from bizpbx.freeswitch.spool import Spool
from tests.bench import machine
from tests.bench.table import Row, show
from tests.postgres import cluster, programs
from tests.records import samples
from tests.settings.samples import applied, example

CALLS = 3000
"""Two legs each."""
GOAL = 2000
"""Records a second on PostgreSQL."""
FILLER = {f"variable_{number}": "0123456789" * 6 for number in range(150)}
"""A real file has about 200 variables and 15 kB."""


def legs() -> Iterator[tuple[str, bytes]]:
    """Every other call goes out to a gateway; the others ring inside."""
    for number in range(CALLS):
        call = f"call-{number}"
        if number % 2:
            outside = {"bizpbx_dialled": "61234567", "bizpbx_callee": "", "bizpbx_rule": "dial-plan country-allowed"}
            pair = samples.calling(call) | outside, samples.to_gateway(f"{call}-b", call)
        else:
            pair = samples.calling(call), samples.called(f"{call}-b", call)
        for leg in pair:
            yield leg["uuid"], samples.file({**FILLER, **leg})


def measure(url: str, folder: Path) -> Row:
    database = Database(url)
    prepare(folder / "home", "", url)
    applied(database, example())
    spool = Spool(folder / "spool")
    spool.prepare()
    for name, data in legs():
        (spool.folder / f"{name}.cdr.xml").write_bytes(data)
    # A moment later: none of them waits for the event of its leg any more.
    records = Records(Changes(url), spool, days=7, clock=lambda: time.time() + 2 * YOUNG)
    began, cpu = time.perf_counter(), time.process_time()
    while records.look():
        pass
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    records.stop()
    done = sum(1 for _ in spool.done.rglob("*.cdr.xml"))
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "database": Database(url).url.get_backend_name(),
        "records": done,
        "records/s": round(done / taken),
        "CPU µs a record": round(used / done * 1_000_000),
        "goal": "" if database.is_sqlite else f">= {GOAL:,}/s: {'met' if done / taken >= GOAL else 'missed'}",
    }


def run() -> list[Row]:
    print(f"  {machine.described()}")
    rows = []
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder:
        programs_of_postgres = programs()
        if programs_of_postgres is not None:
            with cluster(programs_of_postgres, fsync=True) as server:
                rows.append(measure(server.new_database(), Path(folder, "postgres")))
        rows.append(measure(f"sqlite:///{folder}/bizpbx.db", Path(folder, "sqlite")))
    return rows


if __name__ == "__main__":
    show("Putting leg records into the database", run())
