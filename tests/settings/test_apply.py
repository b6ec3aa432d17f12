"""Applying a settings file: all of it or nothing, twice is once, and every change on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.directory.export import export
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.secrets import STORED
from bizpbx.directory.tables import Audit, Device, Licence, Organisation
from bizpbx.errors import InvalidSettings, NoFreeLicence, NotFound
from tests.settings.samples import NOON, SECRETS, applied, example


def exported(database: Database, domain: str = "acme.example") -> dict[str, Any]:
    with database.reading() as session:
        return export(session, domain)


def refused(database: Database, data: object, **options: Any) -> tuple[str, str, str]:
    """The one problem; nothing is written."""
    with database.reading() as session:
        before = session.execute(select(Organisation.domain, Organisation.version)).all()
    with pytest.raises(InvalidSettings) as problem:
        applied(database, data, **options)
    with database.reading() as session:
        assert session.execute(select(Organisation.domain, Organisation.version)).all() == before
    assert len(problem.value.problems) == 1, problem.value.problems
    return problem.value.problems[0]


def test_the_worked_example_is_what_calls_see(database: Database) -> None:
    applied(database, example())
    with database.reading() as session:
        reader = SettingsReader(SECRETS)
        reception = reader.tenant(session, "acme.example").extension("100")
        gateway = reader.everything(session, "acme.example").gateways[0]
    assert reception is not None
    assert reception.forwarding.extensions == ("101", "102", "103")
    assert reception.forwarding.vip_numbers == {"+6531234567", "+6569876543"}
    assert [device.usable and device.rings for device in reception.devices] == [True, True]
    assert reception.rule is not None and reception.rule.name == "Standard"
    assert gateway.password == "s3cret!"


def test_a_second_application_changes_nothing(database: Database) -> None:
    first = applied(database, example())
    second = applied(database, example())
    assert first.changes
    assert second.changes == ()
    assert second.version == first.version


def test_export_and_apply_change_nothing(database: Database) -> None:
    applied(database, example())
    file = exported(database)
    assert file["gateways"][0]["password"] == STORED
    assert applied(database, file, prune=True).changes == ()
    assert exported(database) == file


def test_a_dry_run_tells_the_changes_and_makes_none(database: Database) -> None:
    told = applied(database, example(), dry_run=True)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 0
    assert applied(database, example()).changes == told.changes


def test_a_change_is_one_version_and_in_the_audit_trail(database: Database) -> None:
    first = applied(database, example())
    data = example()
    data["extensions"][0]["incoming"]["do_not_disturb"] = True
    data["extensions"][1]["label"] = "Sales desk"
    second = applied(database, data, actor="ann")
    assert second.version == first.version + 1
    with database.reading() as session:
        rows = session.scalars(select(Audit).where(Audit.version == second.version).order_by(Audit.id)).all()
        assert [(row.actor, row.at, row.noun, row.name, row.field, row.before, row.after) for row in rows] == [
            ("ann", NOON, "extension", "100", "incoming.do_not_disturb", False, True),
            ("ann", NOON, "extension", "101", "label", "Sales", "Sales desk"),
        ]


def test_what_is_absent_is_left_alone_without_prune(database: Database) -> None:
    applied(database, example())
    small = {"organisation": {"domain": "acme.example"}, "extensions": [{"key": "104", "label": "New"}]}
    assert [str(change) for change in applied(database, small).changes] == ["extension 104: added"]
    assert [one["key"] for one in exported(database)["extensions"]] == ["100", "101", "102", "103", "104"]


def test_prune_removes_what_a_list_in_the_file_does_not_hold(database: Database) -> None:
    applied(database, example())
    data = example()
    del data["extensions"][1]
    data["extensions"][0]["incoming"]["forwarding"]["extensions"] = ["102"]
    data["extensions"][0]["devices"] = {"ip_phone": {}}
    del data["members"]
    changes = {str(change) for change in applied(database, data, prune=True).changes}
    assert "extension 101: removed" in changes
    assert len(exported(database)["members"]) == 1
    assert list(exported(database)["extensions"][0]["devices"]) == ["ip_phone"]
    with database.reading() as session:
        assert session.scalar(select(func.count()).where(Licence.device_id.is_not(None))) == 2


def test_all_can_be_pruned(database: Database) -> None:
    applied(database, example())
    empty = {name: [] for name in ("members", "numbers", "gateways", "outbound_rules", "extensions")}
    organisation = {"domain": "acme.example", "default_rule": None, "main_number": None}
    applied(database, {"organisation": organisation, "licences": {}, **empty}, prune=True)
    after = exported(database)
    assert {name: after[name] for name in empty} == empty
    assert after["licences"] == {"ip_phone": 0, "mobile": 0, "desktop": 0}


@pytest.mark.parametrize(
    ("section", "name", "words"),
    [
        ("extensions", "101", "forward target of extension 100"),
        ("extensions", "100", "takes the calls to +6564291310"),
        ("gateways", "carrier", "used by rule Standard"),
        ("members", "ann@acme.example", "assignee of extension 100"),
    ],
)
def test_what_is_in_use_cannot_be_removed(database: Database, section: str, name: str, words: str) -> None:
    applied(database, example())
    path, code, sentence = refused(database, {"organisation": {"domain": "acme.example"}}, remove={section: [name]})
    assert (path, code) == (f"{section}.{name}", "in-use")
    assert words in sentence


def test_what_is_not_there_cannot_be_removed(database: Database) -> None:
    applied(database, example())
    with pytest.raises(NotFound, match="999"):
        applied(database, {"organisation": {"domain": "acme.example"}}, remove={"extensions": ["999"]})


def test_a_rule_or_number_the_organisation_uses_cannot_be_removed(database: Database) -> None:
    applied(database, example())
    only = {"organisation": {"domain": "acme.example"}}
    assert refused(database, only, remove={"outbound_rules": ["Standard"]})[0] == "organisation.default_rule"
    data = {"organisation": {"domain": "acme.example", "main_number": None}}
    assert refused(database, data, remove={"numbers": ["+6564291310"]})[:2] == (
        "extensions.100.caller_id.number",
        "not-owned",
    )


def test_a_licence_is_needed_for_each_active_device(database: Database) -> None:
    data = example()
    data["licences"]["mobile"] = 0
    with pytest.raises(NoFreeLicence, match=r"extensions\[0\]\.devices\.mobile: every mobile licence is taken"):
        applied(database, data)
    data["extensions"][0]["devices"]["mobile"] = {"active": False}
    applied(database, data)


def test_licences_cannot_go_below_what_is_activated(database: Database) -> None:
    applied(database, example())
    assert refused(database, {"organisation": {"domain": "acme.example"}, "licences": {"ip_phone": 2}}) == (
        "licences.ip_phone",
        "licences-in-use",
        "3 ip_phone devices are activated; deactivate some first, or keep 3 licences.",
    )
    applied(database, {"organisation": {"domain": "acme.example"}, "licences": {"ip_phone": 3}})
    assert exported(database)["licences"] == {"ip_phone": 3, "mobile": 1, "desktop": 0}


def test_deactivation_gives_the_licence_back_and_forgets_the_credentials(database: Database) -> None:
    data = example()
    applied(database, data)
    with database.writing() as session:
        for device in session.scalars(select(Device)):
            device.ha1 = "0" * 32
        session.flush()
    data["extensions"][0]["devices"]["mobile"] = {"active": False}
    data["extensions"].append({"key": "104", "label": "New", "devices": {"mobile": {}}})
    applied(database, data)
    with database.reading() as session:
        account = SettingsReader().device_for_auth(session, "acme.example", "100-mobile")
        assert account is not None and not account.device.usable and account.device.ha1 is None
        new = SettingsReader().device_for_auth(session, "acme.example", "104-mobile")
        assert new is not None and new.device.usable


def test_a_number_of_somebody_else_is_refused_without_saying_whose(database: Database) -> None:
    applied(database, example())
    data = example("other.example")
    path, code, sentence = refused(database, data)
    assert (path, code) == ("numbers[0].number", "number-taken")
    assert "acme" not in sentence


def test_two_organisations_with_the_same_keys_do_not_touch_each_other(database: Database) -> None:
    applied(database, example())
    applied(database, example("other.example", "+6564291311"))
    before = exported(database)
    data = example("other.example", "+6564291311")
    data["extensions"][0]["label"] = "Theirs"
    data["extensions"][1]["incoming"] = {"forwarding": {"enabled": True, "extensions": ["102"]}}
    data["gateways"][0]["password"] = "other"
    applied(database, data, prune=True)
    assert exported(database) == before
    with database.reading() as session:
        reader = SettingsReader(SECRETS)
        assert reader.everything(session, "acme.example").gateways[0].password == "s3cret!"
        assert reader.everything(session, "other.example").gateways[0].password == "other"


def test_a_password_is_changed_kept_and_taken_away(database: Database) -> None:
    def password() -> str | None:
        with database.reading() as session:
            return SettingsReader(SECRETS).everything(session, "acme.example").gateways[0].password

    data = example()
    applied(database, data)
    data["gateways"][0]["password"] = STORED
    assert applied(database, data).changes == ()
    data["gateways"][0]["password"] = "another"
    changes = applied(database, data).changes
    assert [(change.field, change.before, change.after) for change in changes] == [
        ("password", STORED, "(new password)")
    ]
    assert password() == "another"
    data["gateways"][0]["password"] = None
    assert [change.field for change in applied(database, data).changes] == ["password"]
    assert password() is None
    assert (
        refused(database, data | {"gateways": [data["gateways"][0] | {"password": STORED}]})[1] == "no-stored-password"
    )
    with database.reading() as session:
        trail = str([(row.before, row.after) for row in session.scalars(select(Audit))])
    assert "s3cret" not in trail and "another" not in trail


def test_a_mobile_that_is_presented_cannot_be_taken_away(database: Database) -> None:
    data = example()
    data["extensions"][0]["caller_id"]["number"] = "+6591234567"
    applied(database, data)
    data["members"][0]["mobile"] = "+6591234568"
    assert refused(database, data)[:2] == ("extensions[0].caller_id.number", "not-owned")


def test_a_new_home_country_must_not_call_its_emergency_numbers_extensions(database: Database) -> None:
    data = example()
    data["extensions"].append({"key": "112", "label": "Odd"})
    data["organisation"]["country"] = "US"
    data["organisation"]["timezone"] = "America/New_York"
    data["extensions"][-1]["key"] = "120"
    applied(database, data)
    change = {"organisation": {"domain": "acme.example", "country": "CN"}}
    assert refused(database, change)[:2] == ("extensions.120.key", "emergency-number")


def test_an_organisation_needs_its_name_zone_country_and_currency(database: Database) -> None:
    with pytest.raises(InvalidSettings) as problem:
        applied(database, {"organisation": {"domain": "acme.example"}})
    assert [path for path, _, _ in problem.value.problems] == [
        "organisation.name",
        "organisation.timezone",
        "organisation.country",
        "organisation.currency",
    ]
    applied(database, example())
    change = {"organisation": {"domain": "acme.example", "timezone": None}}
    assert refused(database, change)[:2] == ("organisation.timezone", "missing")


def test_an_organisation_switches_transfers_off_and_on_again(database: Database) -> None:
    def on() -> bool:
        with database.reading() as session:
            return SettingsReader(SECRETS).tenant(session, "acme.example").organisation.transfers

    applied(database, example())
    assert on()
    applied(database, {"organisation": {"domain": "acme.example", "transfers": False}})
    assert not on()
    assert exported(database)["organisation"]["transfers"] is False
    # A file that says nothing of it leaves it; null is the default.
    applied(database, {"organisation": {"domain": "acme.example"}})
    assert not on()
    applied(database, {"organisation": {"domain": "acme.example", "transfers": None}})
    assert on()
