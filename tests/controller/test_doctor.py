"""`bizpbx doctor`: nothing is wrong, or a sentence says what is, and what to do."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bizpbx.controller.doctor import Finding, State, database, examine
from bizpbx.directory.database import Database
from bizpbx.directory.keys import Keys
from bizpbx.freeswitch.spool import Spool
from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.prefork import Prefork
from tests.controller.conftest import fill
from tests.controller.test_daemon import SETTINGS
from tests.databases import prepared
from tests.postgres import Server
from tests.voicemail.aws import Aws
from tests.voicemail.conftest import BUCKET, aws

__all__ = ["aws"]

LIMITED = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD}
outbound_rules: [{name: Standard, countries: {SG: allowed, VN: passcode, SATELLITE: allowed}}]
extensions: [{key: "100", label: A, outbound_rule: Standard, usage_limit: {kind: amount, value: "5"}}]
"""
HEALTHY = {
    "version": "FreeSWITCH Version 1.11.1 (git abc 64bit)\n",
    "sofia status": (
        "                     Name\t   Type\t                                      Data\tState\n"
        "                 internal\tprofile\t           sip:mod_sofia@127.0.0.1:5060\tRUNNING (0)\n"
        "                 external\tprofile\t           sip:mod_sofia@127.0.0.1:5080\tRUNNING (0)\n"
    ),
    "module_exists mod_xml_curl": "true",
}


class EventSocket(socketserver.StreamRequestHandler):
    """A switch that answers as it is told."""

    def handle(self) -> None:
        self.send("auth/request")
        while line := self.rfile.readline().decode().strip():
            while self.rfile.readline().strip():  # headers of a command
                continue
            word, _, rest = line.partition(" ")
            if word == "auth":
                good = rest == self.server.password  # type: ignore[attr-defined]
                self.send("command/reply", f"Reply-Text: {'+OK accepted' if good else '-ERR invalid'}\n")
            elif word == "api":
                body = self.server.answers.get(rest, str(int(time.time())))  # type: ignore[attr-defined]
                self.send("api/response", f"Content-Length: {len(body)}\n", body)
            elif word == "bgapi":
                self.send("command/reply", "Reply-Text: -ERR not now\n")
            elif word in ("event", "filter"):
                self.send("command/reply", "Reply-Text: +OK event listener enabled\n")
            else:
                self.send("command/reply", "Reply-Text: +OK bye\n")
                return

    def send(self, kind: str, headers: str = "", body: str = "") -> None:
        self.wfile.write(f"Content-Type: {kind}\n{headers}\n{body}".encode())


class Patient(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    password = ""
    answers: dict[str, str]


@pytest.fixture
def installation(
    monkeypatch: pytest.MonkeyPatch, prefork: Prefork, migrated_file: Path, tmp_path: Path
) -> Iterator[Installation]:
    """The environment of this process is the installation's."""
    folder = prepared(migrated_file, tmp_path / "installation")
    with Installation(SwitchKind.SIMULATOR, folder, prefork=prefork) as made:
        for name in [name for name in os.environ if name.startswith("BIZPBX_")]:
            monkeypatch.delenv(name)
        for name, value in made.environment.items():
            if name.startswith("BIZPBX_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("BIZPBX_CALL_LISTEN", made.config.controllers)
        yield made


@pytest.fixture
def switch(installation: Installation) -> Iterator[Patient]:
    with Patient(("127.0.0.1", installation.esl_port), EventSocket) as server:
        server.password = Keys.load("", installation.config.home).event_socket_password
        server.answers = dict(HEALTHY)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def running(installation: Installation, switch: Patient) -> Installation:
    """Everything in order."""
    installation.apply(SETTINGS)
    for key in ("101", "102"):
        installation.credentials("acme.example", key, "ip_phone")
    installation.render()
    installation.controllers[0].start()
    deadline = time.monotonic() + 60
    controller = installation.controllers[0]
    # It renders at its start, in a process that would outlive it.
    while (answer := controller.get("/ready"))[0] != 200 or "tree.rendered" not in controller.log.read_text():
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return installation


def told(check: str | None = None) -> list[Finding]:
    """What is not in order. Whether this machine has espeak-ng is told to those who ask."""
    found = [finding for finding in examine(os.environ) if finding.state is not State.OK]
    return [finding for finding in found if finding.check == check or (check is None and finding.check != "speech")]


def one(check: str, state: State = State.PROBLEM) -> str:
    (finding,) = told(check)
    assert finding.state is state
    return finding.text


@pytest.mark.thorough
def test_an_installation_in_order_and_then_one_thing_after_the_other_goes_wrong(
    running: Installation, switch: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told() == []
    # given a profile whose port is taken, and a switch without mod_xml_curl
    switch.answers["sofia status"] = HEALTHY["sofia status"].replace("external\tprofile", "external\tgateway")
    switch.answers["module_exists mod_xml_curl"] = "false"
    switch.answers["strepoch"] = "1000000000"
    texts = " ".join(finding.text for finding in told("switch local"))
    assert "SIP profile external" in texts and "mod_xml_curl" in texts and "clock" in texts
    # given gateways that are away, or refuse our account
    gateways = {"carrier": ("NOREG", "DOWN"), "pbx": ("FAIL_WAIT", "DOWN"), "other": ("REGED", "UP")}
    rows = "".join(
        f"<gateway><name>{name}.acme.example</name><state>{state}</state><status>{status}</status></gateway>"
        for name, (state, status) in gateways.items()
    )
    switch.answers = HEALTHY | {"sofia xmlstatus gateway": f"<?xml version='1.0'?><gateways>{rows}</gateways>"}
    away, refused = (finding.text for finding in told("switch local"))
    assert "gateway carrier of acme.example is down" in away and "ping=null" in away
    assert "gateway pbx of acme.example is down" in refused and "username and password" in refused
    # given another password
    switch.password = "another"
    assert "BIZPBX_FREESWITCH_PASSWORD" in one("switch local")
    # given a controller that is not ready any more
    switch.answers = dict(HEALTHY)
    monkeypatch.setenv("BIZPBX_SECRET_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    assert any("another secret key" in finding.text for finding in told("http"))
    monkeypatch.delenv("BIZPBX_SECRET_KEY")
    # given no controller
    running.controllers[0].kill()
    assert "Start `bizpbx serve`" in one("calls")
    assert "Start `bizpbx serve`" in one("http")
    # given no current tree
    running.apply(SETTINGS.replace("Sales", "Service"))
    assert "bizpbx render --output" in one("tree")
    (running.tree / "freeswitch.xml").unlink()
    assert "no rendered tree" in one("tree")
    running.tree.joinpath("freeswitch.xml").write_text("<document/>")
    assert "was not written by bizpbx" in one("tree")
    monkeypatch.delenv("BIZPBX_FREESWITCH_CONF")
    assert "BIZPBX_FREESWITCH_CONF is not set" in one("tree", State.WARNING)


def test_nothing_is_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPBX_HOME", str(tmp_path / "none"))
    for check in ("home", "key", "database"):
        assert "bizpbx init" in one(check)


def test_an_empty_installation_is_led_to_its_next_step(installation: Installation) -> None:
    assert "bizpbx apply FILE" in one("settings", State.WARNING)
    installation.apply(SETTINGS)
    assert "bizpbx device credentials 101 ip_phone" in one("settings", State.WARNING)
    assert "Start FreeSWITCH" in one("switch local")


def test_records_that_nobody_takes_or_can_read_are_told(installation: Installation) -> None:
    spool = Spool(installation.config.records)
    spool.prepare()
    assert told("spool") == []
    # given: a record that could not be read
    (spool.failed / "a.cdr.xml").write_text("nonsense")
    assert "1 records in" in one("spool", State.WARNING)
    (spool.failed / "a.cdr.xml").unlink()
    # given: one that has waited for too long
    late = spool.folder / "b.cdr.xml"
    late.write_text("<cdr/>")
    assert told("spool") == []
    os.utime(late, (time.time() - 90, time.time() - 90))
    assert "Is `bizpbx serve` running" in one("spool")
    late.unlink()
    # given: no folder at all
    for folder in (spool.done, spool.failed, spool.folder):
        folder.rmdir()
    assert "`bizpbx serve` makes it" in one("spool", State.WARNING)


@pytest.mark.parametrize("file", ["secret.key", "bizpbx.db"])
def test_secrets_that_others_can_read_are_a_problem(installation: Installation, file: str) -> None:
    path = installation.config.home / file
    path.chmod(0o644)
    (finding,) = [finding for finding in told() if "open to other users" in finding.text]
    assert f"chmod 600 {path}" in finding.text
    path.chmod(0o600)
    installation.config.home.chmod(0o777)
    assert "chmod go-w" in one("home")
    installation.config.home.chmod(0o755)
    assert "chmod o-rwx" in one("home", State.WARNING)


def test_a_tls_gateway_whose_certificate_nobody_checks_is_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways = (
        "gateways: [{name: carrier, host: sip.carrier.example, transport: tls}, {name: other, host: 192.0.2.1}]\n"
    )
    installation.apply(SETTINGS + gateways)
    (text,) = [each.text for each in told("settings") if "nobody checks" in each.text]
    assert "as carrier." in text and "BIZPBX_TRUNKS_TLS_CERTIFICATES" in text
    monkeypatch.setenv("BIZPBX_TRUNKS_TLS_CERTIFICATES", "/etc/bizpbx/trunks-tls")
    assert not any("nobody checks" in each.text for each in told("settings"))


def test_a_key_that_is_none_or_another_one_is_told(installation: Installation) -> None:
    settings = SETTINGS + "gateways: [{name: carrier, host: 192.0.2.1, username: acme, password: s3cret}]\n"
    installation.apply(settings)
    key = installation.config.home / "secret.key"
    key.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    assert "another key" in one("settings")
    key.write_text("nonsense")
    assert "32 bytes" in one("key")


def test_a_database_of_another_version_is_told(installation: Installation) -> None:
    database = Database(installation.config.database)
    with database.writing() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "install a newer bizpbx" in one("database")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BIZPBX_LOG", "loud", "BIZPBX_LOG"),
        ("BIZPBX_CALL_LISTEN", "8084", "BIZPBX_CALL_LISTEN must be host:port"),
        ("BIZPBX_CONTROLLERS", "127.0.0.1:8084|here", "BIZPBX_CONTROLLERS must be host:port"),
        ("BIZPBX_FREESWITCH", "local=here", "BIZPBX_FREESWITCH must be host:port"),
        ("BIZPBX_S3_ENDPOINT", "s3.example:9000", "BIZPBX_S3_ENDPOINT: must be a URL such as https://s3.example:9000"),
        ("BIZPBX_POLLY_ENDPOINT", "http://", "BIZPBX_POLLY_ENDPOINT: must be a URL"),
    ],
)
def test_a_variable_that_cannot_be_taken_is_the_only_thing_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    (finding,) = told()
    assert expected in finding.text


def test_a_variable_nobody_reads_is_told(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPBX_HTPP_LISTEN", "127.0.0.1:8086")
    assert "BIZPBX_HTPP_LISTEN" in one("configuration", State.WARNING)


def test_a_controller_that_no_call_reaches_is_told(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPBX_CONTROLLERS", "127.0.0.1:1")
    assert "is not in BIZPBX_CONTROLLERS" in " ".join(finding.text for finding in told("calls"))
    monkeypatch.setenv("BIZPBX_CALL_LISTEN", "0.0.0.0:1")
    assert "is not in BIZPBX_CONTROLLERS" not in " ".join(finding.text for finding in told("calls"))


def test_what_speaks_texts_is_told(installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Texts cannot be spoken: espeak-ng is not installed; install it" in one("speech", State.WARNING)
    program = tmp_path / "espeak-ng"
    lines = " 5  en --/M English gmw/en (en 2)\n 5  variant --/F female2 !v/f2\n"
    program.write_text(f"#!/bin/sh\nprintf 'eSpeak NG text-to-speech: 1.51  Data at: /usr\\n{lines}'\n")
    program.chmod(0o755)
    assert told("speech") == []
    assert "espeak-ng 1.51" in next(found.text for found in examine(os.environ) if found.check == "speech")
    monkeypatch.setenv("BIZPBX_TTS", "polly")
    monkeypatch.setenv("BIZPBX_POLLY_ENDPOINT", "http://127.0.0.1:9")
    assert "Texts cannot be spoken: Polly cannot be used: " in one("speech", State.WARNING)


def test_a_store_that_cannot_be_used_is_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws: Aws
) -> None:
    folder = tmp_path / "files" / "store"
    monkeypatch.setenv("BIZPBX_STORE", str(folder))
    # It is made by whoever writes into it first, which is not the doctor.
    assert told("store") == [] and not folder.exists()
    folder.mkdir(parents=True)
    assert told("store") == []
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BIZPBX_STORE", str(tmp_path / "file" / "store"))
    assert "this user cannot make it. Set BIZPBX_STORE." in one("store")
    monkeypatch.setenv("BIZPBX_STORE", "files")
    assert "must be an absolute path or s3://bucket/prefix" in one("store")
    monkeypatch.setenv("BIZPBX_S3_ENDPOINT", aws.url)
    monkeypatch.setenv("BIZPBX_STORE", f"s3://{BUCKET}/pbx")
    assert told("store") == []
    monkeypatch.setenv("BIZPBX_STORE", "s3://nowhere/pbx")
    assert "s3://nowhere/pbx cannot be used: 404" in one("store")


@pytest.mark.postgres
def test_a_postgresql_that_is_there_and_one_that_is_not(
    installation: Installation, postgres_database: Database, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(postgres_database)
    monkeypatch.setenv("BIZPBX_DATABASE_URL", postgres_database.url.render_as_string(hide_password=False))
    assert told("database") == [] and told("clock") == []
    # The gateways' passwords of these settings were encrypted with another key.
    assert "another key" in one("settings")
    monkeypatch.setenv("BIZPBX_DATABASE_URL", "postgresql://bizpbx:s3cret@127.0.0.1:1/bizpbx")
    text = one("database")
    assert "cannot be reached" in text and "s3cret" not in text
    monkeypatch.setenv("BIZPBX_DATABASE_URL", postgres_server.new_database())
    assert "bizpbx init" in one("database")


@pytest.mark.postgres
def test_clocks_that_are_apart_are_told(postgres_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Late:
            return cls(2030, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(database, "datetime", Late)
    assert "off this machine's" in database.clock(postgres_database).text


def test_a_clock_that_was_never_set_is_told(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unset(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Unset:
            return cls(1970, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(database, "datetime", Unset)
    assert "Set it" in database.clock(sqlite_database).text


@pytest.mark.thorough
def test_the_command_prints_json_and_exits_by_what_it_found(installation: Installation) -> None:
    command = [sys.executable, "-m", "bizpbx", "doctor"]
    done = subprocess.run([*command, "--json"], env=installation.environment, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert answer["problems"] == sum(finding["state"] == "problem" for finding in answer["findings"]) > 0
    assert all(set(finding) == {"state", "check", "text"} for finding in answer["findings"])
    plain = subprocess.run(command, env=installation.environment, capture_output=True, text=True)
    assert plain.returncode == 1
    assert plain.stdout.splitlines()[0] == "state\tcheck\ttext"
    assert len(plain.stdout.splitlines()) == len(answer["findings"]) + 1
    secret = (installation.config.home / "secret.key").read_text().strip()
    assert secret not in done.stdout + plain.stdout


def test_a_country_without_a_rate_that_an_amount_bars_is_told(installation: Installation) -> None:
    installation.apply(LIMITED)
    assert "100 may spend an amount a month and cannot call SG, VN, for want of a rate" in one("rates", State.WARNING)
    installation.apply("organisation: {domain: acme.example}\nrates: [{prefix: '6', per_minute: '0.02'}]")
    assert "cannot call VN, for want" in one("rates", State.WARNING)
    installation.apply("organisation: {domain: acme.example}\nrates: [{prefix: '84938', per_minute: '0.02'}]")
    assert told("rates") == []
    installation.apply("organisation: {domain: acme.example}\nrates: [{prefix: '84938', per_minute: null}]")
    assert "cannot call VN, for want" in one("rates", State.WARNING)
