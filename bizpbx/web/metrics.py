"""What the operator's monitoring collects (Prometheus text format)."""

from __future__ import annotations

import falcon
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class Metrics:
    """GET /metrics: the counters of this process. Organisations are in it, numbers and people are not."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest()
