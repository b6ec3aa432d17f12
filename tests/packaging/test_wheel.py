"""The wheel: what an installed bizpbx needs is inside, and works from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.docs.pages import TOP

RESOURCES = ("alembic", "dialplan_templates", "freeswitch-conf")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip would, without asking any index."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=TOP, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tracked(folder: str) -> set[PurePosixPath]:
    """Files of a folder, as they are in the checkout; what Python leaves behind is none of them."""
    return {
        PurePosixPath(path.relative_to(TOP).as_posix())
        for path in (TOP / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.mark.parametrize("folder", RESOURCES)
def test_migrations_templates_and_base_configuration_are_inside(names: set[str], folder: str) -> None:
    expected = {f"bizpbx/_resources/{path}" for path in tracked(folder)}
    assert expected and expected <= names


def test_every_file_of_the_package_is_inside(names: set[str]) -> None:
    expected = {str(path) for path in tracked("bizpbx")}
    assert expected <= names
    assert {"bizpbx/py.typed", "bizpbx/demo/example.yaml", "bizpbx/testbed/sipp/scenarios/callee.xml"} <= expected


def test_nothing_else_is_inside(names: set[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"bizpbx"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".db"))]
    assert not [name for name in names if name.startswith("bizpbx/tests")]


@pytest.mark.thorough
def test_what_the_wheel_holds_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    # Dependencies are those of this environment; bizpbx itself must not be the checkout.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BIZPBX_")}
    environment |= {"PYTHONPATH": str(installed), "BIZPBX_HOME": str(tmp_path / "home"), "PYTHONSAFEPATH": "1"}

    def bizpbx(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bizpbx", *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import bizpbx; print(bizpbx.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(installed)), "the checkout was taken in place of the wheel"
    bizpbx("init")
    bizpbx("apply", str(installed / "bizpbx/demo/example.yaml"))
    bizpbx("render", "--output", "tree")
    assert (tmp_path / "tree/freeswitch.xml").is_file()
    assert (tmp_path / "tree/directory/bizpbx-acme.example.xml").is_file()
