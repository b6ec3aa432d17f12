"""Homes with settings: made once a worker, by the commands, and copied into the folder of each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Homes = Callable[..., None]
"""`homes(bizpbx, file, …)`: there has been an `init`, and these files have been applied, in the home of this test."""


@pytest.fixture(scope="session")
def made_homes() -> dict[str, Path]:
    """What was applied → a home to be copied."""
    return {}


@pytest.fixture
def homes(made_homes: dict[str, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Homes:
    def given(bizpbx: Callable[..., object], *files: dict[str, Any]) -> None:
        key, home = yaml.safe_dump(files), tmp_path / "home"
        if key in made_homes:
            shutil.copytree(made_homes[key], home)
            return
        bizpbx("init")
        for file in files:
            bizpbx("apply", "-", text=yaml.safe_dump(file))
        made_homes[key] = tmp_path_factory.mktemp("homes") / "home"
        shutil.copytree(home, made_homes[key])

    return given
