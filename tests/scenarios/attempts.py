"""The corpus of hostile.yaml as calls: each payload dialled, and presented in every place that a caller may fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from bizpbx.testbed.sipp.invite import UNESCAPED, named
from bizpbx.testbed.sipp.message import address

CORPUS = Path(__file__).with_name("hostile.yaml")

Header = tuple[str, str]


@dataclass(frozen=True)
class Attempt:
    """One call. `rings` is what may ring for it: the user of a phone, or a number at the carrier; None: nothing."""

    name: str
    outside: bool
    """Through the carrier; otherwise from a phone."""
    uri: str
    """Request URI, as it is written."""
    rings: str | None
    display_name: str = ""
    number: str | None = None
    """User of the From header; None: what an honest caller writes."""
    headers: tuple[Header, ...] = ()
    parameters: str = ""
    """Of the URI in the From header."""

    @property
    def dialled(self) -> str:
        """User of the request URI."""
        return address(self.uri).user

    @property
    def goes_astray(self) -> bool:
        """Whether it dials something hostile, rather than saying it of itself."""
        return "dialled" in self.name


INSIDE = Attempt("inside", False, "sip:102@acme.example", "102-ip_phone")
TO_NUMBER = Attempt("to a number", False, "sip:61234567@acme.example", "+6561234567")
FROM_OUTSIDE = Attempt("from outside", True, "sip:+6564291311@acme.example", "101-ip_phone")
"""Calls that go where they should, whatever they say of their caller."""


def attempts(file: str, carrier_port: int) -> list[Attempt]:
    """All of them; `file` is what the payloads try to make."""
    corpus = yaml.safe_load(CORPUS.read_text("utf-8"))

    def filled(text: str, times: int = 1) -> str:
        return (text * times).replace("FILE", file).replace("CARRIER", str(carrier_port))

    found: list[Attempt] = []
    for name, payload in corpus["texts"].items():
        found += of_text(name, filled(payload["text"], payload.get("times", 1)), payload)
    for name, lines in corpus["headers"].items():
        headers = tuple((filled(header), filled(value, *times)) for header, value, *times in lines)
        for way in (INSIDE, TO_NUMBER, FROM_OUTSIDE):
            found.append(presenting(name, way.name, way, headers=headers))
    for name, parameters in corpus["parameters"].items():
        found += [
            replace(way, name=f"{name}, {way.name}", parameters=filled(parameters))
            for way in (INSIDE, TO_NUMBER, FROM_OUTSIDE)
        ]
    for name, payload in corpus["uris"].items():
        uri = filled(payload["uri"])
        found.append(Attempt(f"{name}, dialled", False, uri, payload.get("rings")))
        found.append(Attempt(f"{name}, dialled outside", True, uri, payload.get("rings_outside")))
    return found


def of_text(name: str, text: str, payload: dict[str, Any]) -> Iterator[Attempt]:
    uri = f"sip:{encoded(text)}@acme.example"
    yield Attempt(f"{name}, dialled", False, uri, payload.get("rings"))
    yield Attempt(f"{name}, dialled outside", True, uri, payload.get("rings_outside"))
    yield presenting(name, "as caller, to a number", TO_NUMBER, text, text)
    yield presenting(name, "as caller, from outside", FROM_OUTSIDE, text, text)
    headers = (
        ("X-Evil", text),
        ("Diversion", f"{named(text, f'sip:{encoded(text)}@127.0.0.1')};reason=unconditional"),
        ("P-Asserted-Identity", named(text, f"sip:{encoded(text)}@127.0.0.1")),
    )
    yield presenting(name, "in headers, inside", INSIDE, headers=headers)


def presenting(
    name: str,
    how: str,
    way: Attempt,
    display_name: str = "",
    number: str | None = None,
    headers: tuple[Header, ...] = (),
) -> Attempt:
    return replace(way, name=f"{name}, {how}", display_name=display_name, number=number, headers=headers)


def encoded(text: str) -> str:
    """As the user part of a URI; what is no Unicode as the bytes that it stands for."""
    return quote(text, safe=UNESCAPED, errors="surrogateescape")
