"""The WSGI application: what the switch and the operator's monitoring ask over HTTP."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

import falcon

from bizpbx.web.directory import Directory
from bizpbx.web.health import Health, Ready
from bizpbx.web.metrics import Metrics


def application(directory: Directory, ready: Ready) -> WSGIApplication:
    """Routes. Everything that is not listed here is 404."""
    app = falcon.App()
    app.req_options.strip_url_path_trailing_slash = False
    app.add_route("/freeswitch/directory", directory)
    app.add_route("/health", Health())
    app.add_route("/ready", ready)
    app.add_route("/metrics", Metrics())
    return app
