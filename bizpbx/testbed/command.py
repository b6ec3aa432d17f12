"""The command line program, run in this process: an admin's command without the second that starting Python takes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from bizpbx.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """What the program printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Done:
    """Run `bizpbx` with these arguments in this environment: meanwhile they are those of this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        stack.enter_context(mock.patch.object(sys, "argv", ["bizpbx", *arguments]))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Done(code, out.getvalue(), err.getvalue())
