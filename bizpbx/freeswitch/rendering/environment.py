"""Templates with two locks on every value: XML escaping, and a filter that raises on what escaping cannot make inert.

FreeSWITCH reads its XML as lines of text before it parses it (measured on 1.11): it expands `$${…}`, drops a line that
has `<?` or, in any case, `x-pre-process` in it, and carries out `<X-PRE-PROCESS`. After parsing it expands `${…}`.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator

import jinja2

from bizpbx.errors import InvalidText
from bizpbx.resources import folder

_DANGEROUS = re.compile(
    r"(?P<expansion>\$\{)"
    r"|(?P<preprocessor><\?|<!--#|(?i:x-pre-process))"
    r"|(?P<array>\AARRAY::)"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff])"
)
# Most texts are names and numbers: told apart in a tenth of the time the search above takes.
_PLAIN = re.compile(r"[A-Za-z0-9 +@/%=,._\[\]-]*")
_SENTENCES = {
    "expansion": "`${` is not allowed: the switch would expand it.",
    "preprocessor": "`<?`, `<!--#` and `X-PRE-PROCESS` are not allowed: they are instructions to the switch.",
    "array": "A text must not start with `ARRAY::`: the switch would take it apart.",
    "control": "Control characters and line breaks are not allowed.",
}
_TOKEN = re.compile(r"[A-Za-z0-9+._-]+")


def safe(value: str, field: str = "") -> str:
    """The text itself. Raises InvalidText, naming `field` but never the text, if it is dangerous even when escaped."""
    if _PLAIN.fullmatch(value) and "x-pre-process" not in value.lower():
        return value
    found = _DANGEROUS.search(value)
    if found:
        raise InvalidText(_SENTENCES[str(found.lastgroup)], field)
    return value


def token(value: str, field: str = "") -> str:
    """A name that may stand in a dial string or a context: letters, digits and `+._-`. Raises InvalidText otherwise."""
    if not _TOKEN.fullmatch(value):
        raise InvalidText("Only letters, digits, plus, dot, underscore and hyphen are allowed here.", field)
    return safe(value, field)


@contextlib.contextmanager
def inside(domain: str) -> Iterator[None]:
    """Texts refused in here are told to belong to the organisation of that domain."""
    try:
        yield
    except InvalidText as error:
        raise error.at(f"organisation {domain!r}" + (f": {error.field}" if error.field else "")) from None


def render(template: str, **values: object) -> str:
    """Fill in a template of freeswitch-conf/ or dialplan_templates/. Raises InvalidText."""
    return environment().get_template(template).render(values)


@functools.cache
def environment() -> jinja2.Environment:
    """Autoescape on, every hole in the templates an error, every value through `safe`."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder("freeswitch-conf"), folder("dialplan_templates")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: object) -> object:
    # Exactly str: a Markup would not be escaped, and no template here makes one.
    if type(value) is str:
        return safe(value)
    if isinstance(value, int | jinja2.Undefined):
        return value
    raise TypeError(f"a template was given {type(value).__name__}, only text and whole numbers are written out")
