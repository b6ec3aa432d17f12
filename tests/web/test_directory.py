"""Who may sign in, as the switch is told: the account, a refusal, or "not ours"."""

from __future__ import annotations

import pytest
from lxml import etree

from bizpbx.directory.credentials import issue
from bizpbx.directory.database import Database
from bizpbx.directory.secrets import ha1
from bizpbx.policy.settings import DeviceKind
from bizpbx.web.directory import LONGEST, USER
from tests.settings.samples import NOON, applied, example
from tests.web.conftest import PASSWORD, Switch, basic

QUESTION = "section=directory&domain=acme.example&user=100-ip_phone"


def user_of(document: str) -> etree._Element:
    (user,) = etree.fromstring(document.encode()).iter("user")
    return user


def params(document: str) -> dict[str, str]:
    return {param.get("name", ""): param.get("value", "") for param in user_of(document).iter("param")}


def not_found(document: str) -> bool:
    return etree.fromstring(document.encode()).find(".//result[@status='not found']") is not None


def refuses(document: str) -> bool:
    """An entry that can neither authenticate nor be called, and holds nothing secret."""
    found = params(document)
    return (
        found.get("sip-forbid-register") == "true"
        and found["dial-string"].startswith("error/")
        and not {"password", "a1-hash", "vm-password"} & set(found)
    )


@pytest.mark.parametrize(
    "authorization",
    [
        basic(USER, "guessed"),
        basic("freeswitch2", PASSWORD),
        basic(USER, ""),
        "Basic",
        "Basic ?",
        f"Bearer {PASSWORD}",
        "Basic äöü",
    ],
)
def test_without_the_password_nothing_is_told(switch: Switch, authorization: str) -> None:
    answer = switch.asks(QUESTION, authorization)
    assert answer.status_code == 401
    assert "Basic" in answer.headers["www-authenticate"]
    assert "a1-hash" not in answer.text


def test_a_question_without_any_credentials_is_refused(switch: Switch) -> None:
    assert switch.client.simulate_post("/freeswitch/directory", body=QUESTION).status_code == 401


def test_only_what_a_switch_sends_is_taken(switch: Switch) -> None:
    assert switch.asks("x" * (LONGEST + 1)).status_code == 413
    assert switch.asks("&".join(f"a{n}=1" for n in range(500))).status_code == 400
    assert switch.client.simulate_get("/freeswitch/directory").status_code == 405
    assert switch.client.simulate_post("/freeswitch/dialplan").status_code == 404


@pytest.mark.parametrize("profile", ["internal", "internal-tls", ""])
def test_the_account_of_a_gateway_signs_in_nowhere_but_at_the_gateways_port(switch: Switch, profile: str) -> None:
    question = "section=directory&domain=Bizpbx-gateways&user=carrier.acme.example&sip_profile="
    assert refuses(switch.asks(question + profile).text)
    # There the static tree has it.
    assert not_found(switch.asks(question + "external").text)


def test_a_device_is_told_with_its_digest_and_without_its_password(switch: Switch, settings: Database) -> None:
    made = issue(settings, "acme.example", "100", DeviceKind.MOBILE, actor="tester", at=NOON)
    document = switch.looks_up("100-mobile")
    assert params(document)["a1-hash"] == ha1("100-mobile", "acme.example", made.password)
    assert made.password not in document
    variables = {one.get("name"): one.get("value") for one in etree.fromstring(document.encode()).iter("variable")}
    assert variables["bizpbx_device"] == "100-mobile"
    assert variables["user_context"] == "acme.example"


def test_a_device_without_a_password_yet_is_refused(switch: Switch) -> None:
    assert refuses(switch.looks_up("100-ip_phone"))


def test_a_device_deactivated_a_moment_ago_is_refused(switch: Switch, settings: Database) -> None:
    issue(settings, "acme.example", "100", DeviceKind.MOBILE, actor="tester", at=NOON)
    assert not refuses(switch.looks_up("100-mobile"))
    changed = example()
    changed["extensions"][0]["devices"]["mobile"] = {"active": False}
    applied(settings, changed)
    assert refuses(switch.looks_up("100-mobile"))


def test_a_key_rings_also_while_the_directory_is_asked(switch: Switch, settings: Database) -> None:
    issue(settings, "acme.example", "100", DeviceKind.MOBILE, actor="tester", at=NOON)
    assert "100-mobile.acme.example%acme.example" in params(switch.looks_up("100"))["dial-string"]


def test_the_key_of_a_line_is_known_and_is_nobody_s_account(switch: Switch, settings: Database) -> None:
    data = example() | {"virtual_lines": [{"key": "800", "label": "L", "steps": [{"ring": {"extensions": ["100"]}}]}]}
    applied(settings, data)
    found = params(switch.looks_up("800"))
    assert "100-mobile.acme.example%acme.example" in found["dial-string"]
    assert found["sip-forbid-register"] == "true"
    assert refuses(switch.looks_up("800", "bravo.example"))


@pytest.mark.parametrize(
    "user", ["100-desktop", "199-ip_phone", "199", "nobody", "-", "100-", "-mobile", "100-IP_PHONE"]
)
def test_whoever_is_not_there_is_refused_and_not_left_to_the_static_tree(switch: Switch, user: str) -> None:
    assert refuses(switch.looks_up(user))


def test_nobody_signs_in_as_a_key(switch: Switch, settings: Database) -> None:
    issue(settings, "acme.example", "101", DeviceKind.IP_PHONE, actor="tester", at=NOON)
    found = params(switch.looks_up("101"))
    assert found["sip-forbid-register"] == "true"
    assert not {"password", "a1-hash"} & set(found)


def test_a_device_of_the_neighbour_is_not_ours(switch: Switch, settings: Database) -> None:
    issue(settings, "bravo.example", "100", DeviceKind.MOBILE, actor="tester", at=NOON)
    assert not refuses(switch.looks_up("100-mobile", "bravo.example"))
    assert refuses(switch.looks_up("100-mobile", "acme.example"))


@pytest.mark.parametrize(
    "form",
    [
        "section=directory&domain=other.example&user=100-ip_phone",
        "section=directory&domain=&user=100-ip_phone",
        "section=directory&domain=acme.example&user=",
        "section=directory&user=100-ip_phone",
        "section=dialplan&domain=acme.example&user=100-ip_phone",
        "section=directory&domain=acme%00.example&user=100-ip_phone",
        "section=directory&domain=%FF%FE&user=100-ip_phone",
        "",
        "%",
        "=&=&&",
    ],
)
def test_what_is_not_ours_is_left_to_the_switch(switch: Switch, form: str) -> None:
    answer = switch.asks(form)
    assert (answer.status_code, not_found(answer.text)) == (200, True)


@pytest.mark.parametrize(
    "user",
    [
        "100-ip_phone<",
        '"><X-PRE-PROCESS cmd="exec" data="id"/>',
        "${system(id)}",
        "$${domain}",
        "100\r\n",
        "100\x00",
        "100\x00-mobile",
        "<?xml?>",
        "' OR 1=1 --",
        "100-ip_phone' --",
        "\u202e100",
        "\ufffd",
        "%",
        "a" * 10_000,
    ],
)
def test_a_hostile_name_is_refused_and_written_nowhere(switch: Switch, user: str) -> None:
    document = switch.looks_up(user)
    assert refuses(document)
    for poison in ("${", "$${", "<?", "<X-PRE", "\x00", "OR 1=1 --<"):
        assert poison not in document
