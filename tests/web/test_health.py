"""What monitoring sees."""

from __future__ import annotations

from collections.abc import Callable

from falcon import testing

from bizpbx.controller import metrics
from bizpbx.errors import ConfigurationError
from bizpbx.web.app import application
from bizpbx.web.directory import Directory
from bizpbx.web.health import Ready


def client(**checks: Callable[[], str | None]) -> testing.TestClient:
    return testing.TestClient(application(Directory(None, None, ""), Ready(checks)))  # type: ignore[arg-type]


def test_the_process_is_alive_whatever_else_is_wrong() -> None:
    answer = client(database=lambda: "no answer").simulate_get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_ready_when_every_check_passes() -> None:
    answer = client(database=lambda: None, calls=lambda: None).simulate_get("/ready")
    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "checks": {"database": True, "calls": True}}


def test_not_ready_says_what_is_wrong_by_name() -> None:
    answer = client(database=lambda: None, calls=lambda: "not listening").simulate_get("/ready")
    assert answer.status_code == 503
    assert answer.json == {"status": "not ready", "checks": {"database": True, "calls": "not listening"}}


def test_a_check_that_fails_itself_is_told_without_its_secrets() -> None:
    def fails() -> str | None:
        raise ConfigurationError("cannot reach postgresql://bizpbx:s3cret@db")

    answer = client(database=fails).simulate_get("/ready")
    assert answer.status_code == 503
    assert answer.json["checks"] == {"database": "ConfigurationError"}
    assert "s3cret" not in answer.text


def test_everything_else_is_not_there() -> None:
    assert client().simulate_get("/").status_code == 404
    assert client().simulate_get("/ready/").status_code == 404
    assert client().simulate_post("/ready").status_code == 405


def test_metrics_are_told_in_the_format_of_prometheus() -> None:
    metrics.PASSCODE_LOCKED.labels("acme.example").inc()
    answer = client().simulate_get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'bizpbx_passcode_locked_total{organisation="acme.example"}' in answer.text
