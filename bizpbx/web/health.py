"""Is the process alive, and can it take calls?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import falcon
import structlog

log = structlog.get_logger(__name__)


class Health:
    """200 as long as the process answers at all. Restart it when it does not."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok"}


class Ready:
    """200 when every check passes, else 503. Each check is told by name: `true`, or what is wrong."""

    def __init__(self, checks: Mapping[str, Callable[[], str | None]]) -> None:
        """Each check returns None, or a sentence that says what is wrong."""
        self._checks = checks

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        results = {name: self._run(name, check) for name, check in self._checks.items()}
        resp.media = {
            "status": "ready" if all(result is True for result in results.values()) else "not ready",
            "checks": results,
        }
        if any(result is not True for result in results.values()):
            resp.status = falcon.HTTP_503

    @staticmethod
    def _run(name: str, check: Callable[[], str | None]) -> bool | str:
        try:
            return check() or True
        except Exception as error:
            log.warning("ready.check_failed", check=name, reason=str(error))
            return type(error).__name__
