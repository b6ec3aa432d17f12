"""Passcodes and PINs are hashed at the least cost here: each guess takes 50 ms and 64 MiB otherwise.

A pytest plug-in. What is verified is verified at the cost that it was hashed at, in other processes, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from bizpbx.directory import passcodes
from bizpbx.directory.applying import passcodes as applying

real = passcodes.hasher
"""What production hashes with."""


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        for module in (passcodes, applying):
            patched.setattr(module, "hasher", lambda: cheap)
        yield
