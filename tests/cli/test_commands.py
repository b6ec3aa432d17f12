"""The commands as a user types them."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bizpbx.cli import main
from tests.cli.conftest import Homes
from tests.settings.samples import example


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def bizpbx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program in a home of its own, and checks its exit code."""
    for name in list(os.environ):
        if name.startswith("BIZPBX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BIZPBX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0, text: str = "", **variables: str) -> Done:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["bizpbx", *arguments])
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
            for name, value in variables.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as stopped:
                main()
                raise SystemExit(0)
        told = capsys.readouterr()
        assert (stopped.value.code or 0) == code, told
        return Done(told.out, told.err)

    return run


@pytest.fixture
def acme(bizpbx: Run, homes: Homes) -> Run:
    """The same, with the worked example applied."""
    homes(bizpbx, example())
    return bizpbx


def answer(done: Done) -> Any:
    return json.loads(done.stdout)


def test_init_makes_what_is_missing_and_keeps_what_is_there(bizpbx: Run, tmp_path: Path) -> None:
    assert "not initialised" in bizpbx("organisation", "list", code=1).stderr
    first = answer(bizpbx("init", "--json"))
    assert first["key_created"] and first["database_before"] is None
    key = tmp_path / "home" / "secret.key"
    for path in (key, tmp_path / "home" / "bizpbx.db"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = key.read_text()
    second = answer(bizpbx("init", "--json"))
    assert not second["key_created"] and second["database_before"] == second["database_now"]
    assert key.read_text() == before
    assert "bizpbx apply" in bizpbx("init").stdout


def test_apply_export_and_apply_again(acme: Run) -> None:
    exported = acme("export").stdout
    assert "s3cret" not in exported
    assert "nothing to change" in acme("apply", "-", "--prune", text=exported).stdout
    assert "s3cret!" in acme("export", "--with-secrets").stdout
    assert answer(acme("export", "--json")) == yaml.safe_load(exported)


def test_apply_tells_every_problem_and_writes_nothing(acme: Run) -> None:
    data = example()
    data["extensions"][0]["label"] = "${x}"
    data["gateways"][0]["port"] = 0
    refused = acme("apply", "-", "--json", code=1, text=yaml.safe_dump(data))
    error = answer(refused)["error"]
    assert error["code"] == "invalid-settings"
    assert [problem["path"] for problem in error["problems"]] == ["gateways[0].port", "extensions[0].label"]
    assert refused.stderr.splitlines() == error["message"].splitlines()
    assert answer(acme("extension", "show", "100", "--json"))["label"] == "Reception"


def test_set_changes_a_field_by_its_path_in_the_file(acme: Run) -> None:
    done = acme(
        "extension", "set", "100", "incoming.do_not_disturb=true", "incoming.forwarding.extensions=101,102",
        "no_answer.wait=20", "label=Front desk", "assignee=null", "--json", "--actor", "ann",
    )  # fmt: skip
    changes = {change["field"]: (change["before"], change["after"]) for change in answer(done)["changes"]}
    assert changes == {
        "incoming.do_not_disturb": (False, True),
        "incoming.forwarding.extensions": (["101", "102", "103"], ["101", "102"]),
        "no_answer.wait": (30, 20),
        "label": ("Reception", "Front desk"),
        "assignee": ("ann@acme.example", None),
    }
    trail = answer(acme("audit", "list", "--name", "100", "--limit", "5", "--json"))
    assert {row["field"] for row in trail} == set(changes)
    assert {row["actor"] for row in trail} == {"ann"}


@pytest.mark.parametrize(
    ("arguments", "path", "code"),
    [
        (["extension", "set", "100", "incoming.gateway=other"], "incoming.gateway", "unknown"),
        (["extension", "set", "100", "no_answer.wait=soon"], "no_answer.wait", "wrong-type"),
        (["extension", "set", "100", "no_answer.wait=99"], "no_answer.wait", "out-of-range"),
        (["extension", "set", "100", "hot_desking=true"], "hot_desking", "not-yet"),
        (["extension", "set", "100", "colour=red"], "colour", "unknown-field"),
        (["extension", "set", "100", "incoming"], "incoming", "usage"),
        (["extension", "add", "104"], "label", "missing"),
        (["extension", "remove", "101"], "extensions.101", "in-use"),
        (["organisation", "set", "domain=other.example"], "domain", "fixed"),
        (["organisation", "set", "country=XX"], "country", "invalid-text"),
        (["licence", "set", "ip_phone=1"], "ip_phone", "licences-in-use"),
        (["rule", "set", "Standard", "countries.XX=allowed"], "countries.XX", "invalid-text"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_taken_says_where_and_why(
    acme: Run, arguments: list[str], path: str, code: str
) -> None:
    problems = answer(acme(*arguments, "--json", code=1))["error"]["problems"]
    assert [(problem["path"], problem["code"]) for problem in problems] == [(path, code)]


def test_things_are_added_shown_listed_and_removed(acme: Run) -> None:
    acme("member", "add", "ben@acme.example", "name=Ben", "mobile=+6591234568")
    acme("extension", "add", "104", "label=Workshop", "assignee=ben@acme.example")
    acme("number", "add", "+6564291311", "to=104")
    acme(
        "rule",
        "add",
        "Asia",
        "gateway=carrier",
        "countries=SG:allowed,VN:passcode",
        "dial_plan=[{starts_with: ['6'], length: 8}]",
    )
    acme("gateway", "add", "pbx-2", "host=192.0.2.20", "port=5070")
    acme("rule", "set", "Asia", "countries.SG=null", "gateway=pbx-2")
    assert answer(acme("rule", "show", "Asia", "--json"))["countries"] == {"VN": "passcode"}
    assert "assignee = ben@acme.example" in acme("extension", "show", "104").stdout
    assert "+6564291311\t104" in acme("number", "list").stdout
    assert "already" in acme("extension", "add", "104", "label=x", code=1).stderr
    assert "There is no extension '105'" in acme("extension", "set", "105", "label=x", code=1).stderr
    for noun, name in (
        ("number", "+6564291311"),
        ("extension", "104"),
        ("member", "ben@acme.example"),
        ("rule", "Asia"),
        ("gateway", "pbx-2"),
    ):
        acme(noun, "remove", name)
        assert name not in acme(noun, "list").stdout


def test_a_dry_run_changes_nothing(acme: Run) -> None:
    before = acme("export").stdout
    for arguments in (
        ["extension", "set", "100", "label=x"],
        ["extension", "add", "104", "label=x"],
        ["gateway", "add", "other", "host=192.0.2.3"],
        ["device", "deactivate", "100", "mobile"],
        ["device", "activate", "103", "ip_phone"],
        ["licence", "set", "desktop=3"],
        ["organisation", "set", "name=x"],
    ):
        assert acme(*arguments, "--dry-run").stdout
    assert acme("export").stdout == before


def test_a_device_from_activation_to_deactivation(acme: Run) -> None:
    assert answer(acme("device", "credentials", "100", "ip_phone", "--json", "--dry-run"))["password"] == ""
    made = answer(acme("device", "credentials", "100", "ip_phone", "--json"))
    assert list(made) == ["username", "password", "domain", "transport"]
    assert (made["username"], made["domain"], made["transport"]) == ("100-ip_phone", "acme.example", "udp")
    assert "--rotate" in acme("device", "credentials", "100", "ip_phone", code=1).stderr
    assert (
        answer(acme("device", "credentials", "100", "ip_phone", "--rotate", "--json"))["password"] != made["password"]
    )
    acme("device", "set", "100", "ip_phone", "tls=true")
    acme("device", "deactivate", "100", "mobile")
    assert {row["kind"]: row["free"] for row in answer(acme("licence", "list", "--json"))} == {
        "ip_phone": 1,
        "mobile": 1,
        "desktop": 0,
    }
    activated = answer(acme("device", "activate", "101", "mobile", "--json"))
    assert activated["credentials"]["username"] == "101-mobile"
    refused = acme("device", "activate", "100", "mobile", "--json", code=1)
    assert answer(refused)["error"]["code"] == "no-free-licence"
    assert answer(acme("device", "show", "101", "mobile", "--json")) == {
        "key": "101",
        "kind": "mobile",
        "username": "101-mobile",
        "active": True,
        "licensed": True,
        "rings": True,
        "tls": False,
        "credentials": True,
    }
    everything = acme("audit", "list", "--json").stdout + acme("device", "list").stdout + acme("export").stdout
    assert made["password"] not in everything


def test_the_organisation_is_named_where_there_are_several(acme: Run) -> None:
    acme("apply", "-", text=yaml.safe_dump(example("other.example", "+6564291311")))
    refused = acme("extension", "list", code=1).stderr
    assert "acme.example, other.example" in refused
    assert "+6564291311" in acme("number", "list", "--organisation", "other.example").stdout
    assert "+6564291311" in acme("number", "list", BIZPBX_ORGANISATION="other.example").stdout
    assert "no organisation" in acme("number", "list", "--organisation", "x.example", code=1).stderr


@pytest.mark.parametrize(
    "arguments", [["extension", "set"], ["nonsense"], ["device", "activate", "100", "fax"], ["apply"]]
)
def test_wrong_usage_is_exit_code_2(bizpbx: Run, arguments: list[str]) -> None:
    bizpbx(*arguments, code=2)


def test_a_file_that_cannot_be_read_is_refused(bizpbx: Run) -> None:
    assert "Cannot read missing.yaml" in bizpbx("apply", "missing.yaml", code=1).stderr


def test_a_broken_environment_is_told_as_such(bizpbx: Run) -> None:
    assert "BIZPBX_DATABASE_URL" in bizpbx("init", code=1, BIZPBX_DATABASE_URL="mysql://x/y").stderr
    assert (
        "cannot be reached" in bizpbx("member", "list", code=1, BIZPBX_DATABASE_URL="postgresql://127.0.0.1:1/x").stderr
    )


def test_listing_imports_nothing_that_it_does_not_need(acme: Run, tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['bizpbx', 'extension', 'list']; from bizpbx.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'alembic', 'cryptography', 'gevent', 'phonenumbers', 'psycopg', 'rich', 'yaml'}\n"
        "heavy.add('bizpbx.directory.schema')\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = os.environ | {"BIZPBX_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done


def test_a_caller_id_is_asked_for_approved_and_taken_back(acme: Run) -> None:
    number = "+6561110000"
    asked = answer(acme("caller-id", "request", "100", number, "--actor", "ann", "--json"))
    assert (asked["state"], asked["requested_by"], asked["decided_by"]) == ("pending", "ann", None)
    assert [one["number"] for one in answer(acme("caller-id", "list", "--pending", "--json"))] == [number]
    assert f"{number}: approved" in acme("caller-id", "approve", "100", number).stdout
    assert "caller_id.mode = request" in acme("extension", "show", "100").stdout
    assert answer(acme("caller-id", "list", "--pending", "--json")) == []
    assert "approved already" in acme("caller-id", "approve", "100", number, code=1).stderr
    assert acme("caller-id", "request", "100", "61234567", code=1).stderr.startswith("NUMBER: must be + and 7 to 15")
    acme("caller-id", "refuse", "100", number)
    assert [one["state"] for one in answer(acme("caller-id", "list", "--json"))] == ["refused"]
    assert answer(acme("extension", "show", "100", "--json"))["caller_id"]["number"] is None
    assert "possible number" in acme("caller-id", "request", "100", "+6512345", code=1).stderr


def test_a_rule_is_shown_as_tables(acme: Run) -> None:
    acme("rule", "set", "Standard", "caller_id_plan=[{country: 'NO', prefix: '4', caller_id: '+6564291310'}]")
    shown = acme("rule", "show", "Standard").stdout.splitlines()
    assert "gateway = carrier" in shown
    assert ["SG\t+65\tallowed" in shown, "AF\t+93\tpasscode" in shown] == [True, True]
    assert shown[-2:] == ["country\tprefix\tcaller id", "NO\t4\t+6564291310"]
