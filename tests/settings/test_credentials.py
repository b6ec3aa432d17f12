from __future__ import annotations

import pytest

from bizpbx.directory.credentials import issue
from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.secrets import ha1
from bizpbx.errors import NotFound, Refused
from bizpbx.policy.settings import DeviceKind
from tests.settings.given import given
from tests.settings.samples import NOON, example


def test_a_password_is_made_once_and_only_its_digest_is_kept(database: Database) -> None:
    given(database, example())
    made = issue(database, "acme.example", "101", DeviceKind.IP_PHONE, actor="tester", at=NOON)
    assert made.fields() == {
        "username": "101-ip_phone",
        "password": made.password,
        "domain": "acme.example",
        "transport": "tls",
    }
    assert made.password not in repr(made)
    with database.reading() as session:
        account = SettingsReader().device_for_auth(session, "acme.example", "101-ip_phone")
        assert account is not None
        assert account.device.ha1 == ha1("101-ip_phone", "acme.example", made.password)
        version = SettingsReader().versions(session)["acme.example"]
    with pytest.raises(Refused, match="--rotate"):
        issue(database, "acme.example", "101", DeviceKind.IP_PHONE, actor="tester", at=NOON)
    again = issue(database, "acme.example", "101", DeviceKind.IP_PHONE, actor="tester", at=NOON, rotate=True)
    assert again.password != made.password
    with database.reading() as session:
        assert SettingsReader().versions(session)["acme.example"] == version + 1


def test_only_an_activated_device_gets_one(database: Database) -> None:
    given(database, example())
    with pytest.raises(Refused, match="not activated"):
        issue(database, "acme.example", "103", DeviceKind.IP_PHONE, actor="tester", at=NOON)
    with pytest.raises(NotFound, match="101 mobile"):
        issue(database, "acme.example", "101", DeviceKind.MOBILE, actor="tester", at=NOON)
