"""Every value that is written out passes two locks."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markupsafe import Markup

from bizpbx.errors import InvalidText
from bizpbx.freeswitch.rendering.check import PARSER, problems_of
from bizpbx.freeswitch.rendering.environment import environment, safe, token
from tests.rendering.hostile import INERT, REFUSED

TEMPLATE = '<a b="{{ value }}"/>'


def written(value: object) -> str:
    return environment().from_string(TEMPLATE).render(value=value)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_the_switch_would_act_on_is_refused(text: str) -> None:
    with pytest.raises(InvalidText) as refused:
        safe(text, "extensions.100.label")
    assert refused.value.field == "extensions.100.label"
    assert text not in str(refused.value), "a refused text may be a password"
    with pytest.raises(InvalidText):
        written(text)


@pytest.mark.parametrize("text", INERT.values(), ids=INERT)
def test_all_else_is_inert_and_comes_back_as_it_was(text: str) -> None:
    assert safe(text) == text
    assert etree.fromstring(written(text).encode(), PARSER).get("b") == text


@given(st.text())
def test_any_text_is_refused_or_comes_back_as_it_was(text: str) -> None:
    try:
        xml = written(text)
    except InvalidText:
        return
    assert list(problems_of(xml)) == []
    assert etree.fromstring(xml.encode(), PARSER).get("b") == text


@given(st.text(alphabet="${}<?!-#xX-preocs:ARY \n\\&;'\"", max_size=40))
def test_any_text_of_dangerous_parts_is_refused_or_inert(text: str) -> None:
    try:
        xml = written(text)
    except InvalidText:
        return
    assert "${" not in xml
    assert "<?" not in xml
    assert "x-pre-process" not in xml.lower()
    assert "\n" not in xml
    assert list(problems_of(xml)) == []


def test_a_hole_in_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string(TEMPLATE).render()


@pytest.mark.parametrize("value", [None, 1.5, b"bytes", ["list"], Markup("<b>")], ids=repr)
def test_only_text_and_whole_numbers_are_written(value: object) -> None:
    with pytest.raises(TypeError):
        written(value)


@pytest.mark.parametrize("text", ["", "a b", "a,b", "a'b", "a%b", "a@b", "a/b", "a:b", "ä", "a\n", "[a", "${a}"])
def test_a_token_holds_no_syntax(text: str) -> None:
    with pytest.raises(InvalidText):
        token(text)


def test_tokens_pass() -> None:
    assert token("+65-6_4.x") == "+65-6_4.x"
