"""What is rendered from settings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest
from lxml import etree
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, shortnumberinfo

from bizpbx.errors import ConfigurationError, InvalidText
from bizpbx.freeswitch import causes
from bizpbx.freeswitch.display_name import display_name
from bizpbx.freeswitch.rendering import (
    SwitchParameters,
    Tree,
    check,
    device_document,
    key_document,
    refused_document,
    render_into,
    render_tree,
)
from bizpbx.freeswitch.rendering.check import PARSER
from bizpbx.freeswitch.rendering.dialplan import ENDINGS
from bizpbx.freeswitch.rendering.emergency import emergency_expression
from bizpbx.policy.plan import Cause
from bizpbx.policy.settings import Device, DeviceKind, Extension, Gateway, NoAnswer, Organisation, OrganisationSettings
from tests.policy.lines import hang_up, hours, line, menu, ring
from tests.rendering.hostile import INERT, REFUSED
from tests.rendering.samples import device, extension, gateway, ha1, organisation

PARAMETERS = SwitchParameters(esl_password="secret-of-this-test")
WITH_TLS = dataclasses.replace(PARAMETERS, tls_certificates="/etc/bizpbx/tls & keys", tls_port=5071)
TLS_PROFILE = PurePosixPath("sip_profiles/bizpbx-internal-tls.xml")
ACME = Organisation(1, "Acme", "acme.example", "Asia/Singapore", "SG")


def parsed(text: str) -> Any:
    return etree.fromstring(text.encode(), PARSER)


def tree_of(*organisations: OrganisationSettings) -> Tree:
    tree = render_tree(PARAMETERS, organisations)
    assert check(tree) == []
    return tree


def directory(settings: OrganisationSettings) -> Any:
    return parsed(tree_of(settings)[PurePosixPath(f"directory/bizpbx-{settings.organisation.domain}.xml")])


def user(root: Any, name: str) -> dict[str, str]:
    """Parameters and variables of a directory user."""
    (found,) = root.xpath("//user[@id=$name]", name=name)
    return {each.get("name"): each.get("value") for each in found.iter("param", "variable")}


def test_a_usable_device_may_register_and_knows_who_it_is() -> None:
    root = directory(organisation())
    assert user(root, "100-ip_phone") == {
        "a1-hash": ha1("100-ip_phone", "acme.example"),
        "sip-force-extension": "100-ip_phone.acme.example",
        "dial-string": "[bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone]"
        "sofia/internal/100-ip_phone.acme.example%acme.example",
        "bizpbx_device": "100-ip_phone",
        "bizpbx_extension": "100",
        "effective_caller_id_number": "100",
        "effective_caller_id_name": "Extension 100",
    }
    assert root.xpath("string(//domain/variables/variable[@name='user_context']/@value)") == "acme.example"


def test_a_device_that_requires_tls_is_held_to_it() -> None:
    called = extension("100", "acme.example", devices=[device("100", "acme.example", tls=True)])
    tree = render_tree(WITH_TLS, [organisation(extensions=[called])])
    assert check(tree) == []
    root = parsed(tree[PurePosixPath("directory/bizpbx-acme.example.xml")])
    rendered = user(root, "100-ip_phone")
    dial_string = "sofia/internal-tls/100-ip_phone.acme.example%acme.example"
    held = "bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone,rtp_secure_media=mandatory"
    assert rendered["dial-string"] == f"[{held}]{dial_string}"
    assert (rendered["bizpbx_tls"], rendered["rtp_secure_media_inbound"]) == ("true", "mandatory")
    assert user(root, "100")["dial-string"] == f"[leg_timeout=30,{held}]{dial_string}"
    assert user(parsed(device_document(ACME, called, called.devices[0], "internal-tls")), "100-ip_phone") == rendered


@pytest.mark.parametrize(
    ("tls", "profile"), [(True, "internal"), (True, ""), (True, "external"), (False, "internal-tls")]
)
def test_a_device_is_let_in_on_its_own_profile_alone(tls: bool, profile: str) -> None:
    called = extension("100", "acme.example", devices=[device("100", "acme.example", tls=tls)])
    assert user(parsed(device_document(ACME, called, called.devices[0], profile)), "100-ip_phone") == REFUSING


def test_a_switch_without_a_certificate_has_no_way_in_for_devices_that_require_tls() -> None:
    called = extension("100", "acme.example", devices=[device("100", "acme.example", tls=True)])
    settings = organisation(extensions=[called])
    assert TLS_PROFILE not in tree_of(settings)
    assert user(directory(settings), "100-ip_phone") == REFUSING
    with_tls = render_tree(WITH_TLS, [settings])
    assert TLS_PROFILE in render_into(WITH_TLS, [settings])
    values = {each.get("name"): each.get("value") for each in parsed(with_tls[TLS_PROFILE]).iter("param")}
    assert values["tls-cert-dir"] == "/etc/bizpbx/tls & keys"
    assert (values["tls"], values["tls-only"], values["tls-sip-port"]) == ("true", "true", "5071")


def test_both_profiles_of_devices_ask_for_the_same_credentials() -> None:
    tree = render_tree(WITH_TLS, [organisation()])
    plain, tls = (
        {each.get("name"): each.get("value") for each in parsed(tree[path]).iter("param")}
        for path in (PurePosixPath("sip_profiles/internal.xml"), TLS_PROFILE)
    )
    differs = {name for name in plain | tls if plain.get(name) != tls.get(name)}
    assert {name for name in differs if not name.startswith(("tls", "tcp-unreg"))} == {
        "sip-port",
        "inbound-late-negotiation",
        "shutdown-on-fail",
    }


@pytest.mark.parametrize("folder", ["", "tls", "./tls", "C:/tls"])
def test_a_certificate_folder_is_a_whole_path(folder: str) -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_TLS_CERTIFICATES"):
        SwitchParameters(esl_password="x", tls_certificates=folder)
    with pytest.raises(ConfigurationError, match="BIZPBX_TRUNKS_TLS_CERTIFICATES"):
        SwitchParameters(esl_password="x", external_tls_certificates=folder)


def test_a_certificate_folder_holds_nothing_that_the_switch_expands() -> None:
    with pytest.raises(InvalidText):
        render_tree(dataclasses.replace(PARAMETERS, tls_certificates="/etc/${x}"), [])


NAMED = dataclasses.replace(gateway("acme.example"), username="desk7", password="p")
REFUSING = {"sip-forbid-register": "true", "dial-string": "error/USER_NOT_REGISTERED"}


@pytest.mark.parametrize(
    "unusable",
    [
        device("100", "acme.example", active=False),
        device("100", "acme.example", licensed=False),
        dataclasses.replace(device("100", "acme.example"), ha1=None),
    ],
    ids=["inactive", "unlicensed", "no-password"],
)
def test_an_unusable_device_is_an_entry_that_refuses(unusable: Device) -> None:
    called = extension("100", "acme.example", devices=[unusable])
    root = directory(organisation(extensions=[called]))
    assert user(root, "100-ip_phone") == REFUSING
    # A device without a password is not registered: dialling it ends at once.
    assert (user(root, "100") == REFUSING) is (unusable.ha1 is not None)
    assert user(parsed(device_document(ACME, called, unusable)), "100-ip_phone") == REFUSING


def test_a_key_rings_the_devices_that_ring_and_is_nobodys_account() -> None:
    devices = [
        device("100", "acme.example"),
        device("100", "acme.example", DeviceKind.MOBILE, rings=False),
        device("100", "acme.example", DeviceKind.DESKTOP),
    ]
    called = Extension("100", "Reception", devices=tuple(devices), no_answer=NoAnswer(wait=20))
    expected = {
        "sip-forbid-register": "true",
        "dial-string": "[leg_timeout=20,bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone]"
        "sofia/internal/100-ip_phone.acme.example%acme.example,"
        "[leg_timeout=20,bizpbx_organisation=acme.example,bizpbx_target=100-desktop]"
        "sofia/internal/100-desktop.acme.example%acme.example",
    }
    assert user(directory(organisation(extensions=[called])), "100") == expected
    assert user(parsed(key_document(ACME, called)), "100") == expected


@pytest.mark.parametrize(
    ("change", "dial_string"),
    [
        ({"do_not_disturb": True}, "error/USER_BUSY"),
        ({"devices": ()}, "error/USER_NOT_REGISTERED"),
        ({"gateway": gateway("acme.example")}, "sofia/gateway/carrier.acme.example/100"),
        ({"gateway": NAMED}, "sofia/gateway/carrier.acme.example/desk7"),
    ],
    ids=["do-not-disturb", "no-device", "gateway", "gateway-with-user"],
)
def test_what_else_a_key_rings_without_a_controller(change: dict[str, object], dial_string: str) -> None:
    called = dataclasses.replace(extension("100", "acme.example"), **change)  # type: ignore[arg-type]
    assert user(directory(organisation(extensions=[called])), "100")["dial-string"] == dial_string


def test_answers_to_xml_curl_are_small_and_the_same_as_the_static_tree() -> None:
    called = extension("100", "acme.example")
    answer = device_document(ACME, called, called.devices[0])
    assert len(answer) < 1000
    assert user(parsed(answer), "100-ip_phone") == user(directory(organisation()), "100-ip_phone")
    assert parsed(answer).xpath("string(/document/section[@name='directory']/domain/@name)") == "acme.example"


def test_a_refusal_names_whoever_was_asked_for() -> None:
    assert user(parsed(refused_document("acme.example", "o'brien & <sons>")), "o'brien & <sons>") == REFUSING
    refusal = refused_document("acme.example", "555", Cause.UNALLOCATED_NUMBER)
    assert user(parsed(refusal), "555")["dial-string"] == "error/UNALLOCATED_NUMBER"
    for text in REFUSED.values():
        with pytest.raises(InvalidText):
            refused_document("acme.example", text)
    with pytest.raises(InvalidText):
        refused_document("acme.example/../", "100")


def test_a_line_without_a_controller_rings_the_extensions_of_its_first_ring_step() -> None:
    quiet = dataclasses.replace(extension("102", "acme.example"), do_not_disturb=True)
    called = [extension(key, "acme.example", devices=[device(key, "acme.example")]) for key in ("100", "101")]
    settings = organisation(extensions=[*called, quiet], numbers=(("+6564291310", "800"),))
    lines = (
        line(hours("closed"), menu(d1="sales"), ring("100", "102", "101", "199", seconds=7, name="sales"), ring("100")),
        line(hang_up(), key="801"),
        line(ring("102"), key="802"),
    )
    root = directory(dataclasses.replace(settings, lines=lines))
    held = "leg_timeout=7,bizpbx_organisation=acme.example,bizpbx_target"
    assert user(root, "800")["dial-string"] == ",".join(
        f"[{held}={key}-ip_phone]sofia/internal/{key}-ip_phone.acme.example%acme.example" for key in ("100", "101")
    )
    assert user(root, "800")["sip-forbid-register"] == "true"
    assert user(root, "801")["dial-string"] == "error/NORMAL_TEMPORARY_FAILURE"
    assert user(root, "802")["dial-string"] == "error/USER_NOT_REGISTERED"
    trunk = tree_of(dataclasses.replace(settings, lines=lines))[PurePosixPath("dialplan/bizpbx-trunk.xml")]
    assert 'data="user/800@acme.example"' in trunk


def test_two_organisations_with_the_same_keys_share_nothing() -> None:
    tree = tree_of(organisation("acme.example"), organisation("beta.example", numbers=()))
    ours = {path: text for path, text in tree.items() if path.name == "bizpbx-beta.example.xml"}
    assert len(ours) == 3
    assert not [path for path, text in ours.items() if "acme" in text]
    assert 'name="native:beta.example"' in ours[PurePosixPath("dialplan/bizpbx-beta.example.xml")]


def test_rendering_again_gives_the_same() -> None:
    organisations = [organisation("beta.example"), organisation("acme.example")]
    assert render_tree(PARAMETERS, organisations) == render_tree(PARAMETERS, reversed(organisations))


Stored = Callable[[str], OrganisationSettings]


def _labelled(text: str) -> OrganisationSettings:
    return organisation(extensions=[extension("100", "acme.example", text)])


def _gateway(**values: str) -> OrganisationSettings:
    trunk = dataclasses.replace(gateway("acme.example"), username="u", password="p")
    return organisation(trunk=dataclasses.replace(trunk, **values))  # type: ignore[arg-type]


FREE_TEXTS: dict[str, Stored] = {
    "label": _labelled,
    "username": lambda text: _gateway(username=text),
    "password": lambda text: _gateway(password=text),
}
TOKENS: dict[str, Stored] = {
    "domain": lambda text: organisation(text, extensions=[], numbers=()),
    "key": lambda text: organisation(extensions=[extension(text, "acme.example")]),
    "number": lambda text: organisation(numbers=((text, "100"),)),
    "number-target": lambda text: organisation(numbers=(("+6564291310", text),)),
    "gateway": lambda text: _gateway(switch_name=text),
    "host": lambda text: _gateway(host=text),
    "transport": lambda text: _gateway(transport=text),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("stored", [*FREE_TEXTS.values(), *TOKENS.values()], ids=[*FREE_TEXTS, *TOKENS])
def test_hostile_texts_are_refused_wherever_they_are_stored(stored: Stored, text: str) -> None:
    with pytest.raises(InvalidText) as refused:
        render_tree(PARAMETERS, [stored(text)])
    assert "organisation" in refused.value.field


@pytest.mark.parametrize("text", [text for text in INERT.values() if not text.isalpha()])
@pytest.mark.parametrize("stored", TOKENS.values(), ids=TOKENS)
def test_names_on_the_switch_hold_no_syntax(stored: Stored, text: str) -> None:
    with pytest.raises(InvalidText):
        render_tree(PARAMETERS, [stored(text)])


@pytest.mark.parametrize("text", INERT.values(), ids=INERT)
def test_inert_texts_come_back_as_they_were(text: str) -> None:
    assert user(directory(_labelled(text)), "100-ip_phone")["effective_caller_id_name"] == display_name(text)
    gateways = parsed(tree_of(_gateway(password=text))[PurePosixPath("sip_profiles/external/bizpbx-acme.example.xml")])
    assert gateways.xpath("string(//param[@name='password']/@value)") == text


def test_gateways_alone_may_call_from_outside() -> None:
    organisations = [
        _gateway(host="192.0.2.7", addresses=("192.0.2.7", "203.0.113.0/28")),
        organisation("beta.example", trunk=Gateway("b", "b.beta.example", "sip.carrier.example")),
        organisation("six.example", trunk=Gateway("s", "s.six.example", "2001:db8::1", 5070)),
    ]
    tree = render_tree(PARAMETERS, organisations, {"sip.carrier.example": ["203.0.113.1", "2001:db8::2"]})
    (nodes,) = parsed(tree[PurePosixPath("autoload_configs/acl.conf.xml")]).xpath("//list[@name='bizpbx-gateways']")
    assert nodes.get("default") == "deny"
    assert [dict(node.attrib) for node in nodes] == [
        {"type": "allow", "cidr": "192.0.2.7/32"},
        {"type": "allow", "cidr": "2001:db8::1/128"},
        {"type": "allow", "cidr": "2001:db8::2/128", "host": "sip.carrier.example"},
        {"type": "allow", "cidr": "203.0.113.0/28"},
        {"type": "allow", "cidr": "203.0.113.1/32", "host": "sip.carrier.example"},
    ]
    six = parsed(tree[PurePosixPath("sip_profiles/external/bizpbx-six.example.xml")])
    assert six.xpath("string(//param[@name='proxy']/@value)") == "[2001:db8::1]:5070"


NEARLY_995 = ("995", "+65995", "0065995", "65995", "+995", "+66995", "+659951", "00995")


@pytest.mark.parametrize("country", sorted({code for codes in COUNTRY_CODE_TO_REGION_CODE.values() for code in codes}))
def test_emergency_numbers_are_those_of_the_country(country: str) -> None:
    expression = emergency_expression(country)
    numbers = [str(number) for number in range(1000)] + ["000", "061", "1122", "1669"]
    matched = {n for n in numbers if expression and re.fullmatch(expression.replace("\\z", "\\Z"), n)}
    assert matched == {n for n in numbers if shortnumberinfo.is_emergency_number(n, country)}


def emergencies(*organisations: OrganisationSettings) -> dict[str, list[str]]:
    """Extensions for emergency calls of gateways, each with its conditions but the last."""
    trunk = parsed(tree_of(*organisations)[PurePosixPath("dialplan/bizpbx-trunk.xml")])
    found = trunk.xpath("//context[@name='native:bizpbx-trunk']/extension[starts-with(@name, 'emergency-')]")
    return {
        each.get("name"): [f"{c.get('field')} {c.get('expression')}" for c in each.xpath("condition")[:-1]]
        for each in found
    }


def test_a_gateway_that_calls_out_reaches_emergency_numbers_without_a_controller_if_it_can_be_told() -> None:
    pbx = Gateway("pbx", "pbx.acme.example", "192.0.2.30", 5066, password="secret")
    acme = organisation()
    settings = dataclasses.replace(acme, gateways=(*acme.gateways, pbx), calling_gateways=frozenset({"pbx"}))
    account = {"emergency-pbx.acme.example-account": [r"${bizpbx_gateway} ^pbx\.acme\.example\z"]}
    there, port = r"${sip_network_ip} ^192\.0\.2\.30\z", r"${sip_network_port} ^5066\z"

    assert emergencies(acme) == {}
    assert emergencies(settings) == account | {"emergency-pbx.acme.example-address": [there]}
    other = organisation("b.example", trunk=Gateway("b", "b.b.example", "sip.example", addresses=("192.0.2.0/24",)))
    assert emergencies(settings, other) == account | {"emergency-pbx.acme.example-address": [there, port]}
    same = organisation("b.example", trunk=Gateway("b", "b.b.example", "192.0.2.30", 5066))
    assert emergencies(settings, same) == account


def test_an_emergency_number_is_one_with_the_country_s_code_before_it_too() -> None:
    expression = (emergency_expression("SG") or "").replace("\\z", "\\Z")
    groups = {n: match and match[1] for n in NEARLY_995 for match in [re.fullmatch(expression, n)]}
    assert groups == dict.fromkeys(NEARLY_995) | dict.fromkeys(("995", "+65995", "0065995"), "995")


def test_every_expression_is_anchored_at_both_ends() -> None:
    for text in tree_of(organisation()).values():
        for expression in parsed(text).xpath("//condition/@expression"):
            assert expression.startswith("^"), expression
            assert expression.endswith(("\\z", "\\z)")), expression


def test_every_ending_that_has_a_name_is_told_to_the_caller() -> None:
    told = {word: cause for cause, expression in ENDINGS for word in re.findall(r"[A-Z_]+", expression)}
    assert set(causes._SAME_AS) <= set(told)
    for word, cause in told.items():
        assert cause == (causes.cause_of(word) or "NORMAL_CLEARING")


def test_without_a_trunk_an_emergency_call_fails_and_is_not_taken_for_a_key() -> None:
    settings = organisation()
    alone = dataclasses.replace(settings, organisation=dataclasses.replace(settings.organisation, trunks=()))
    dialplan = parsed(tree_of(alone)[PurePosixPath("dialplan/bizpbx-acme.example.xml")])
    names = dialplan.xpath("//context[@name='native:acme.example']/extension/@name")
    assert names.index("emergency") < names.index("key")
    assert not dialplan.xpath("//extension[@name='emergency']//action[@application='bridge']")


@pytest.mark.parametrize("password", ["", "ClueCon", "cluecon"])
def test_the_default_password_is_never_rendered(password: str) -> None:
    with pytest.raises(ConfigurationError):
        SwitchParameters(esl_password=password)
    assert "cluecon" not in "".join(tree_of().values()).lower()


def test_a_controller_without_a_port_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        SwitchParameters(esl_password="x", controllers="127.0.0.1:8084|example")
    with pytest.raises(InvalidText):
        render_tree(dataclasses.replace(PARAMETERS, controllers="${x}:1"), [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a>", "not well-formed"),
        ("<?xml version='1.0'?><a/>", "processing instructions"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "entities"),
        ('<a b="${system(id)}"/>', "${system(id)}"),
        ('<a b="$${domain}"/>', "$${domain}"),
        ('<a><X-PRE-PROCESS cmd="exec" data="id"/></a>', "'exec'"),
        ('<a b="x-pre-process"/>', "taken for an instruction"),
    ],
)
def test_check_finds_what_a_switch_must_not_read(text: str, expected: str) -> None:
    problems = check({PurePosixPath("a.xml"): text})
    assert any(expected in problem.text for problem in problems), problems
