"""`bizpbx serve`: run the controller."""

from __future__ import annotations

import os
import sys


def serve() -> None:
    """Run the controller in the foreground: take calls from the switches, answer mod_xml_curl, tell its health.

    SIGTERM stops it: decisions under way are finished, calls in progress go on. docs/configuration.md lists the
    environment variables it reads.
    """
    # A process of its own, because gevent must be there before anything else is imported.
    os.execv(sys.executable, [sys.executable, "-m", "bizpbx.controller"])  # noqa: S606 - our own program
