"""The WSGI application on a database of its own, asked as a switch and as monitoring would."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from falcon import testing

from bizpbx.controller.queries import Queries
from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.web.app import application
from bizpbx.web.directory import USER, Directory
from bizpbx.web.health import Ready
from tests.controller.conftest import fill

PASSWORD = "what render and serve derive"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Switch:
    """What mod_xml_curl sends."""

    def __init__(self, client: testing.TestClient) -> None:
        self.client = client

    def asks(self, body: str | bytes, authorization: str | None = None) -> testing.Result:
        headers = {
            "Authorization": authorization or basic(USER, PASSWORD),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.client.simulate_post("/freeswitch/directory", body=body, headers=headers)

    def looks_up(self, user: str, domain: str = "acme.example", **more: str) -> str:
        form = {"section": "directory", "sip_profile": "internal", "domain": domain, "user": user, **more}
        answer = self.asks(urlencode(form))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/xml")
        return answer.text


@pytest.fixture
def settings(database: Database) -> Database:
    return fill(database)


@pytest.fixture
def switch(settings: Database) -> Iterator[Switch]:
    queries = Queries(settings)
    app = application(Directory(queries, SettingsReader(), PASSWORD), Ready({}))
    yield Switch(testing.TestClient(app))
    queries.close()
