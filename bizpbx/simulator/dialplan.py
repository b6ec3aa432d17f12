"""The dialplan: hunts through a context and gives the actions of the extensions that match.

Conditions are evaluated while hunting, with the variables as they are then; only `inline` actions run before the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from bizpbx.simulator.channel import Channel
from bizpbx.simulator.text import is_true

_ESCAPE = re.compile(r"\\.|\(\?<(?![=!])", re.DOTALL)
_PCRE_ONLY = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\h": r"[ \t]", "(?<": "(?P<"}
_REFERENCE = re.compile(r"\$(\d{1,2})")


@dataclass(frozen=True)
class Action:
    """An application and its argument, before `${…}` is expanded."""

    application: str
    data: str


Inline = Callable[[Action], None]


class Dialplan:
    """The contexts, as rendered."""

    def __init__(self, contexts: Mapping[str, etree._Element]) -> None:
        self._contexts = contexts

    def hunt(self, channel: Channel, destination: str, context: str, inline: Inline) -> list[Action] | None:
        """Actions for a destination; None if the context does not exist or nothing in it matches."""
        found = self._contexts.get(context)
        if found is None:
            found = self._contexts.get("global")
        if found is None:
            return None
        actions: list[Action] = []
        matched = False
        extensions = found.findall("extension")
        if channel.is_true("auto_hunt"):
            named = [i for i, one in enumerate(extensions) if one.get("name") == destination]
            extensions = extensions[named[0] :] if named else extensions
        for extension in extensions:
            if _Extension(channel, destination, actions, inline).parse(extension):
                matched = True
                if not is_true(extension.get("continue")):
                    break
        return actions if matched and actions else None


@dataclass
class _Extension:
    channel: Channel
    destination: str
    actions: list[Action]
    inline: Inline

    def parse(self, parent: etree._Element) -> bool:
        """Evaluate the conditions of an extension, or those nested in a condition; whether the hunt may stop here."""
        proceed = False
        for condition in parent.iterfind("condition"):
            matched, groups = self._match(condition)
            chosen = condition.iterfind("action" if matched else "anti-action")
            taken = [self._take(action, groups if matched else None) for action in chosen]
            proceed = matched or bool(taken)
            breaks = condition.get("break", "on-false")
            stops_on = {"on-true": (True,), "always": (True, False), "never": ()}.get(breaks, (False,))
            if matched in stops_on:
                break
            if proceed and condition.find("condition") is not None:
                proceed = self.parse(condition)
                if not proceed and breaks != "never":
                    break
        return proceed or not is_true(parent.get("require-nested", "true"))

    def _match(self, condition: etree._Element) -> tuple[bool, tuple[str, ...] | None]:
        rule = condition.get("regex")
        if rule is None:
            return self._test(condition)
        stops_on = {"all": False, "xor": None}.get(rule.lower(), True)
        hits = misses = 0
        captured = None
        for one in condition.iterfind("regex"):
            matched, groups = self._test(one)
            hits, misses, captured = hits + matched, misses + (not matched), groups or captured
            if matched is stops_on:
                break
        passed = {False: not misses, None: hits == 1, True: hits > 0}[stops_on]
        return passed, captured

    def _test(self, condition: etree._Element) -> tuple[bool, tuple[str, ...] | None]:
        field = condition.get("field")
        if field is None:
            return True, None
        expression = condition.get("expression") or condition.findtext("expression") or ""
        if "$" in field:
            value: str | None = self.channel.expand(field)
        elif field == "destination_number":
            value = self.destination
        else:
            value = self.channel.get(field)
        found = compiled(self.channel.expand(expression)).search(value or "")
        if found is None:
            return False, None
        return True, (found[0], *(group or "" for group in found.groups())) if "(" in expression else None

    def _take(self, element: etree._Element, groups: tuple[str, ...] | None) -> Action:
        data = element.get("data") or (element.text or "").strip()
        if groups is not None:
            data = _REFERENCE.sub(lambda ref: groups[int(ref[1])] if int(ref[1]) < len(groups) else "", data)
        action = Action(element.get("application", ""), data)
        for _ in range(int(element.get("loop", "1"))):
            if is_true(element.get("inline")):
                self.inline(action)
            else:
                self.actions.append(action)
        return action


def compiled(expression: str) -> re.Pattern[str]:
    """A PCRE expression as Python has it; `/…/i` is a case-insensitive one.

    >>> bool(compiled(r"^\\d+\\z").search("12\\n")), bool(compiled(r"^\\d+$").search("12\\n"))
    (False, True)
    """
    flags = re.ASCII
    if expression.startswith("/") and expression.rfind("/") > 0:
        end = expression.rfind("/")
        flags |= re.IGNORECASE if "i" in expression[end + 1 :] else 0
        expression = expression[1:end]
    return re.compile(_ESCAPE.sub(lambda found: _PCRE_ONLY.get(found[0], found[0]), expression), flags)
