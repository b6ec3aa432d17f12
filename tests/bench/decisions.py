"""How long a decision takes as an organisation grows: settings in SQLite, read and decided as a live call is."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.orm import Session

from bizpbx.calls.call import Arrival
from bizpbx.controller.decider import Decider
from bizpbx.controller.queries import Queries
from bizpbx.directory.apply import apply
from bizpbx.directory.database import Database
from bizpbx.directory.installation import prepare
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.parsing import check
from bizpbx.directory.secrets import load as load_secrets
from bizpbx.policy.request import FromDevice, Request
from tests.bench.table import Row, met, show

SIZES = (100, 1_000, 10_000)
FLAT = 1.2
"""Most times that a call may take longer in the largest organisation than in the smallest."""
CALLS = 300
FIRST_KEY = 10_000
DOMAIN = "acme.example"


def settings(size: int) -> dict[str, object]:
    """An organisation of `size` extensions, each with an IP phone, every other one forwarding to its neighbours."""
    keys = [str(FIRST_KEY + number) for number in range(size)]
    return {
        "organisation": {
            "name": "Acme",
            "domain": DOMAIN,
            "timezone": "Asia/Singapore",
            "country": "SG",
            "currency": "SGD",
        },
        "licences": {"ip_phone": size, "mobile": 0, "desktop": 0},
        "extensions": [extension(keys, index) for index in range(size)],
    }


def extension(keys: list[str], index: int) -> dict[str, object]:
    neighbours = [keys[index - 1], keys[index - 2]]
    forwarding = {"enabled": index % 2 == 1, "extensions": neighbours, "vip": ["+6531234567"]}
    return {
        "key": keys[index],
        "label": f"Extension {keys[index]}",
        "devices": {"ip_phone": {}},
        "incoming": {"devices": ["ip_phone"], "forwarding": forwarding},
    }


def arrival(size: int, number: int) -> Arrival:
    """The number-th call: callers and callees spread over the whole organisation."""
    step = max(1, size // CALLS)
    caller, callee = FIRST_KEY + (number * step) % size, FIRST_KEY + (number * step + size // 2 + 1) % size
    return Arrival("leg", DOMAIN, "127.0.0.1:5060", Request(FromDevice(f"{caller}-ip_phone"), str(callee)))


class Organisation:
    """One organisation of a size in a database of its own."""

    def __init__(self, size: int, folder: Path) -> None:
        url = f"sqlite:///{folder}/{size}.db"
        prepare(folder, "", url)
        self.size = size
        self.database = Database(url)
        self.queries = Queries(self.database)
        self.decider = Decider(self.queries, SettingsReader())
        secrets = partial(load_secrets, "", folder)
        began = time.perf_counter()
        apply(self.database, check(settings(size)), actor="bench", at=datetime.now(UTC), secrets=secrets)
        self.applied = time.perf_counter() - began

    def decide(self, number: int, *, cold: bool) -> float:
        """Milliseconds of one decision; cold is with everything to be read anew."""
        decider = Decider(self.queries, SettingsReader()) if cold else self.decider
        with self.database.reading() as session:
            return timed(decider, session, arrival(self.size, number))


def timed(decider: Decider, session: Session, call: Arrival) -> float:
    began = time.perf_counter()
    decider.plan(session, call)
    return (time.perf_counter() - began) * 1000


def run() -> list[Row]:
    """Median milliseconds. The sizes take turns, so that what else the machine does falls on all of them."""
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder:
        made = [Organisation(size, Path(folder)) for size in SIZES]
        times: dict[bool, dict[int, list[float]]] = {cold: {size: [] for size in SIZES} for cold in (True, False)}
        for cold, repeat in ((True, 1), (False, 3)):
            for number in [*range(CALLS)] * repeat:
                for one in made:
                    times[cold][one.size].append(one.decide(number, cold=cold))
        for one in made:
            one.queries.close()
    # The first round of warm calls has still read everything; medians leave it out.
    medians = {cold: {size: statistics.median(of) for size, of in sizes.items()} for cold, sizes in times.items()}
    rows: list[Row] = [
        {
            "extensions": one.size,
            "apply s": f"{one.applied:.1f}",
            "cold ms": f"{medians[True][one.size]:.2f}",
            "warm ms": f"{medians[False][one.size]:.2f}",
        }
        for one in made
    ]
    ratios = {cold: medians[cold][SIZES[-1]] / medians[cold][SIZES[0]] for cold in medians}
    last = {"cold ms": f"{ratios[True]:.2f}x", "warm ms": f"{ratios[False]:.2f}x"}
    return [*rows, {"extensions": "last/first", **last, "goal": f"<= {FLAT}x: {met(max(ratios.values()), FLAT)}"}]


if __name__ == "__main__":
    show(f"Deciding a call ({CALLS} calls spread over the organisation)", run())
