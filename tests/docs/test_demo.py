"""The README shows what `make demo` really prints."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.pages import FENCE, TOP


@pytest.mark.thorough
def test_every_line_of_the_readme_s_demonstration_is_printed() -> None:
    text = (TOP / "README.md").read_text("utf-8")
    (shown,) = (body for _, _, body in FENCE.findall(text) if "as promised" in body)
    done = subprocess.run(
        [sys.executable, "-m", "bizpbx", "demo", "--simulated"], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    printed = {line.rstrip() for line in (done.stdout + done.stderr).splitlines()}
    # Which switch it is, is all that may differ.
    lines = [line for line in shown.splitlines() if line not in ("", "…") and "FreeSWITCH and SIPp" not in line]
    assert len(lines) > 20
    assert [line for line in lines if line.rstrip() not in printed] == []
