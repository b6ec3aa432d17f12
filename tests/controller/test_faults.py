"""Where a test lets the controller die: never in production, and never at a point that is none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bizpbx.controller import faults
from bizpbx.errors import ConfigurationError


def test_nothing_is_armed_without_the_variable() -> None:
    faults.arm({"BIZPBX_TESTING": "1"})
    for point in faults.Point:
        faults.reach(point)


@pytest.mark.parametrize("testing", [{}, {"BIZPBX_TESTING": ""}, {"BIZPBX_TESTING": "yes"}])
def test_it_is_refused_outside_of_tests(testing: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="for tests only"):
        faults.arm({"BIZPBX_DIE_AT": "reserved", **testing})
    faults.reach(faults.Point.RESERVED)


def test_a_point_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be one of before-reservation, reserved"):
        faults.arm({"BIZPBX_DIE_AT": "lunch", "BIZPBX_TESTING": "1"})


def test_the_process_dies_at_the_point_and_not_before() -> None:
    program = (
        "import os; from bizpbx.controller import faults as f; f.arm(os.environ);"
        "f.reach(f.Point.RESERVED); print('still there', flush=True); f.reach(f.Point.RENEWED); print('too far')"
    )
    environment = {**os.environ, "BIZPBX_DIE_AT": "renewed", "BIZPBX_TESTING": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "still there\n")
