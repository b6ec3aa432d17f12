"""How long a whole configuration takes to render and read back, by the number of extensions."""

from __future__ import annotations

import hashlib
import time

from bizpbx.freeswitch.rendering import SwitchParameters, check, render_tree
from bizpbx.policy.settings import Device, DeviceKind, Extension, Gateway, Organisation, OrganisationSettings
from tests.bench.table import Row, met

SIZES = (100, 1_000, 10_000)
LONGEST = 5.0
"""Seconds that the largest may take, rendered and read back."""
ORGANISATION_SIZE = 500
DEVICES = len(DeviceKind)


def run() -> list[Row]:
    """One row a size: extensions, seconds to render, seconds to read back, their sum, and megabytes written."""
    parameters = SwitchParameters(esl_password="benchmark-only")
    measure(parameters, SIZES[0])
    *smaller, largest = (measure(parameters, size) for size in SIZES)
    return [*map(dict, smaller), {**largest, "goal": f"<= {LONGEST:g} s: {met(largest['total_s'], LONGEST)}"}]


def measure(parameters: SwitchParameters, size: int) -> dict[str, float]:
    parts = range(-(-size // ORGANISATION_SIZE))
    organisations = [one_organisation(part, min(ORGANISATION_SIZE, size)) for part in parts]
    began = time.perf_counter()
    tree = render_tree(parameters, organisations)
    rendered = time.perf_counter()
    problems = check(tree)
    checked = time.perf_counter()
    assert problems == []
    return {
        "extensions": size,
        "render_s": round(rendered - began, 3),
        "check_s": round(checked - rendered, 3),
        "total_s": round(checked - began, 3),
        "megabytes": round(sum(len(text.encode()) for text in tree.values()) / 1e6, 2),
    }


def one_organisation(part: int, size: int, keys_from: int = 1000) -> OrganisationSettings:
    """An organisation of `size` extensions with a device of each kind, and a DID for every tenth."""
    domain = f"org{part}.example"
    carrier = Gateway("carrier", f"carrier.{domain}", "192.0.2.1", trunk=True)
    keys = [str(keys_from + index) for index in range(size)]
    return OrganisationSettings(
        Organisation(part + 1, domain, domain, "Asia/Singapore", "SG", f"+6561{part:06d}", carrier),
        tuple(Extension(key, f"Extension {key} & Söhne", devices=_devices(key, domain)) for key in keys),
        (carrier,),
        tuple((f"+658{part:04d}{key}", key) for key in keys[::10]),
    )


def _devices(key: str, domain: str) -> tuple[Device, ...]:
    users = ((kind, f"{key}-{kind}") for kind in DeviceKind)
    return tuple(
        Device(kind, user, True, True, True, ha1=hashlib.md5(f"{user}:{domain}".encode()).hexdigest())
        for kind, user in users
    )


if __name__ == "__main__":
    for row in run():
        print(row)
