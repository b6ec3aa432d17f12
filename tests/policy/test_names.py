"""Names that callers send."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizpbx.policy.names import LONGEST, clean_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann Lee", "Ann Lee"),
        ("  Ann\t\n Lee ", "Ann Lee"),
        ("Zoë 陈 🎧", "Zoë 陈 🎧"),
        ("${system rm}", "{system rm}"),
        ("$${domain}", "{domain}"),
        ("$$${${x}", "{{x}"),
        ("$\u200b{x}", "{x}"),
        ("\u202eevil", "evil"),
        ("a\x00b\x7f\x85c", "abc"),
        ("100 $", "100 $"),
        ("\ud800", ""),
    ],
)
def test_names_are_one_line_of_text(text: str, shown: str) -> None:
    assert clean_name(text) == shown


@settings(deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("${}\r\n\u2028\u200d"))))
def test_no_text_leaves_control_characters_or_variables(text: str) -> None:
    name = clean_name(text)

    assert len(name) <= LONGEST
    assert "${" not in name
    assert not any(unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp") for char in name)
    assert clean_name(name) == name
