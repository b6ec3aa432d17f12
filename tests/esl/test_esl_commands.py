"""How commands are written. What FreeSWITCH makes of an argument of multiset is imitated here step by step."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizpbx.freeswitch import esl_commands
from bizpbx.freeswitch.esl_errors import UnsafeArgument


def expanded(text: str) -> str:
    """The unescaping that comes with the expansion of variables, for texts without variables."""
    if not re.search(r"\\[\\nst']", text):
        return text
    out, at = "", 0
    while at < len(text):
        pair = text[at : at + 2]
        if pair == "\\\\":
            out, at = out + "\\", at + 2
        elif pair == "\\'":
            at += 2
        elif pair in ("\\$", "$$"):
            out, at = out + "$", at + 2
        else:
            out, at = out + text[at], at + 1
    return out


def split(text: str, separator: str) -> list[str]:
    """Fields between separators outside of quotes; quotes are dropped, escapes resolved, outer blanks trimmed."""
    fields, field, solid, quoted, at = [], "", 0, False, 0
    while at < len(text):
        char = text[at]
        following = text[at + 1 : at + 2]
        if char == "\\" and following and following in "'\"\\nrts" + separator:
            field += {"n": "\n", "r": "\r", "t": "\t", "s": " "}.get(following, following)
            solid, at = len(field), at + 2
            continue
        if char == "'" and (quoted or "'" in text[at + 1 :]):
            quoted = not quoted
        elif char == separator and not quoted:
            fields.append(field[:solid])
            field, solid = "", 0
        elif char != " " or quoted or field:
            field += char
            solid = len(field) if char != " " or quoted else solid
        at += 1
    return [*fields, field[:solid]]


def as_freeswitch_sets_them(argument: str) -> dict[str, str]:
    argument = expanded(argument)
    assert argument.startswith("^^")
    pairs = (field.partition("=") for field in split(argument[3:], argument[2]))
    return {name: expanded(value) for name, _, value in pairs}


def read_back(variables: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for argument in esl_commands.multiset(variables):
        found |= as_freeswitch_sets_them(argument)
    return found


def test_values_that_were_set_and_read_back_on_freeswitch() -> None:
    # These very values came back unchanged from FreeSWITCH 1.11.1.
    values = [
        "O'Brien & O'Neil",
        r"back\slash \\two \n \'q\'",
        "  lead trail  ",
        "semi;pipe|comma,colon:tilde~bang!hash#at@slash/",
        "cost $5 and 100% ^^x",
        "ünïcödé ✓",
        "a=b=c",
        "{x}[y]<z>",
        "'",
        "\\",
        "ends in back\\",
        "$",
        "' '",
        r"x\s",
        "%[a=b]",
        "\"quoted\" 'single'",
        "",
    ]
    variables = {f"v{number}": value for number, value in enumerate(values)}

    assert read_back(variables) == variables


_text = st.text(st.sampled_from("ab'\\ ns$|;~!#@/:,^=\"%ü"), max_size=12).filter(
    lambda text: not re.search(r"\$[{$\\]", text)
)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True), _text, min_size=1, max_size=5))
def test_any_value_is_set_as_it_is(variables: dict[str, str]) -> None:
    # A lone apostrophe, or a value that would unite with what follows, must survive two rounds of unescaping.
    assert read_back(variables) == variables


def test_many_variables_go_in_several_messages() -> None:
    variables = {f"v{number}": str(number) for number in range(450)}

    assert [argument.count("=") for argument in esl_commands.multiset(variables)] == [200, 200, 50]
    assert read_back(variables) == variables
    assert list(esl_commands.multiset({})) == []


def test_the_separator_is_in_no_value() -> None:
    (argument,) = esl_commands.multiset({"a": "|;~!#@/:,", "b": "x"})

    assert argument == "^^\x1fa=|;~!#@/:,\x1fb=x"


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "${a}", "a[0]", "ä", "a\n"])
def test_names_are_refused(name: str) -> None:
    with pytest.raises(UnsafeArgument):
        list(esl_commands.multiset({name: "x"}))


@pytest.mark.parametrize(
    "value", ["${x}", "$${x}", "a${system(ls)}", "$$", "$\\{x}", "a\nb", "a\rb", "a\0b", "\x1f", "\x7f"]
)
def test_values_are_refused(value: str) -> None:
    with pytest.raises(UnsafeArgument):
        list(esl_commands.multiset({"fine": "x", "bad": value}))


@pytest.mark.parametrize("name", ["", "set a=b", "set::a", "set\n", "a-b"])
def test_an_application_is_a_word(name: str) -> None:
    with pytest.raises(UnsafeArgument):
        esl_commands.execute(name)


def test_a_cause_is_a_word() -> None:
    assert esl_commands.hangup("USER_BUSY") == [("call-command", "hangup"), ("hangup-cause", "USER_BUSY")]
    with pytest.raises(UnsafeArgument):
        esl_commands.hangup("USER BUSY")


def test_subscriptions() -> None:
    assert esl_commands.subscription(["sofia::register", "CHANNEL_ANSWER"], "json") == (
        "event json CHANNEL_ANSWER CUSTOM sofia::register"
    )
    assert (
        esl_commands.subscription(["CHANNEL_ANSWER CUSTOM mine"], "plain") == "event plain CHANNEL_ANSWER CUSTOM mine"
    )
    for names in ([], ["A\nexit"], ["A", ""]):
        with pytest.raises(UnsafeArgument):
            esl_commands.subscription(names, "json")


def test_arguments_for_digits_do_not_shift() -> None:
    assert esl_commands.play_and_get_digits([1, 8, "#", None]) == "1 8 # None"
    for word in ("", "a b"):
        with pytest.raises(UnsafeArgument):
            esl_commands.play_and_get_digits([1, word])
