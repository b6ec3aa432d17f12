"""What a rendered switch is told of the installation it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizpbx.config import Config
from bizpbx.controller.rendering import parameters
from bizpbx.directory.keys import Keys
from bizpbx.errors import ConfigurationError
from bizpbx.freeswitch.rendering import SwitchParameters

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def rendered(**fields: object) -> SwitchParameters:
    return parameters(Config.model_validate({"home": Path("/nowhere"), **fields}), Keys.load(KEY, Path("/nowhere")))


def test_a_single_controller_is_asked_where_it_listens() -> None:
    switch = rendered(call_listen="127.0.0.1:9084", http_listen="127.0.0.1:9086")
    assert switch.controllers == "127.0.0.1:9084"
    assert switch.xml_curl_urls == ("http://127.0.0.1:9086/freeswitch/directory",)


def test_several_controllers_are_asked_in_their_order() -> None:
    switch = rendered(controllers="127.0.0.1:1|127.0.0.2:2", directories="127.0.0.1:3|127.0.0.2:4")
    assert switch.controllers == "127.0.0.1:1|127.0.0.2:2"
    assert switch.xml_curl_urls == tuple(f"http://{at}/freeswitch/directory" for at in ("127.0.0.1:3", "127.0.0.2:4"))


def test_passwords_follow_from_the_key_and_differ_from_each_other() -> None:
    one, again = rendered(), rendered()
    assert one.esl_password == again.esl_password != one.xml_curl_credentials


def test_an_address_without_a_port_is_told_by_its_variable() -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_DIRECTORIES"):
        rendered(directories="127.0.0.1:3|elsewhere")
