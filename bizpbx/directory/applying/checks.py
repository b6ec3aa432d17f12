"""What a file's fields say of each other and of what is stored, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import select

from bizpbx import validation
from bizpbx.directory import passcodes
from bizpbx.directory.applying import line_checks, messages
from bizpbx.directory.applying.dial_plan_checks import check_dial_plan
from bizpbx.directory.applying.work import CHUNK, Work
from bizpbx.directory.documents import Document
from bizpbx.directory.number import Number
from bizpbx.directory.secrets import STORED
from bizpbx.errors import InvalidText


def check(work: Work, organisation: Document, country_changed: bool) -> None:
    """Note every problem in `work`."""
    for key, document in work.sections["extensions"].after.items():
        check_extension(work, key, document)
    for key, document in work.sections["virtual_lines"].after.items():
        line_checks.check_line(work, key, document)
    line_checks.check_keys(work)
    for section in ("extensions", "virtual_lines"):
        check_emergency(work, section, organisation["country"], country_changed)
    for name, document in work.sections["outbound_rules"].after.items():
        work.refer(work.path("outbound_rules", name, "gateway"), "gateways", document["gateway"])
        check_fallback_gateways(work, name, document)
        check_caller_id_plan(work, name, document)
        check_dial_plan(work, name, document)
    for name, document in work.sections["numbers"].after.items():
        check_destination(work, work.path("numbers", name, "to"), document["to"])
    for name, document in work.sections["gateways"].after.items():
        if document["password"] is not None and document["username"] is None:
            path = work.path("gateways", name, "password")
            work.problem(path, "incomplete", "goes with a username; write one, or take the password out.")
        stored = work.sections["gateways"].before.get(name)
        if document["password"] == STORED and (stored is None or stored["password"] is None):
            path = work.path("gateways", name, "password")
            work.problem(path, "no-stored-password", "is not stored yet; write the password out.")
        check_gateway_calls(work, name, document)
    check_owners(work)
    work.refer("organisation.default_rule", "outbound_rules", organisation["default_rule"])
    work.refer("organisation.main_number", "numbers", organisation["main_number"])


def check_destination(work: Work, path: str, key: str | None) -> None:
    """A number leads to an extension or a virtual line."""
    if key is None or work.exists("extensions", key) or work.exists("virtual_lines", key):
        return
    was_line = key in work.sections["virtual_lines"].removed
    work.refer(path, "virtual_lines" if was_line else "extensions", key)


def check_emergency(work: Work, section: str, country: str, country_changed: bool) -> None:
    """No key is an emergency number of the home country."""
    keys: Iterable[str] = work.sections[section].after
    if country_changed:
        keys = {*keys, *(key for key in work.ids[section] if work.exists(section, key))}
    for key in sorted(keys):
        try:
            validation.extension_key(key, country)
        except InvalidText as refused:
            work.problem(work.path(section, key, "key"), "emergency-number", refused.sentence)


def check_extension(work: Work, key: str, document: Document) -> None:
    def problem(field: str, code: str, sentence: str) -> None:
        work.problem(work.path("extensions", key, field), code, sentence)

    stored = work.sections["extensions"].before.get(key)
    if document["passcode"] == passcodes.STORED and (stored is None or stored["passcode"] is None):
        problem("passcode", "no-stored-passcode", "is not stored yet; write the passcode out.")
    incoming, forwarding = document["incoming"], document["incoming"]["forwarding"]
    work.refer(work.path("extensions", key, "assignee"), "members", document["assignee"])
    work.refer(work.path("extensions", key, "incoming.gateway"), "gateways", incoming["gateway"])
    work.refer(work.path("extensions", key, "outbound_rule"), "outbound_rules", document["outbound_rule"])
    for kind in incoming["devices"]:
        if kind not in document["devices"]:
            problem(
                "incoming.devices", "unknown", f"{kind} is none of the extension's devices; add it to devices first."
            )
    for field in ("extensions", "vip"):
        seen: set[str] = set()
        for position, target in enumerate(forwarding[field]):
            path = f"incoming.forwarding.{field}[{position}]"
            if target in seen:
                problem(path, "duplicate", f"{target} is in the list already; keep one.")
            elif field == "extensions" and target == key:
                problem(path, "itself", "an extension cannot forward to itself; take it out.")
            elif not target.startswith("+"):
                work.refer(work.path("extensions", key, path), "extensions", target)
            seen.add(target)
    if forwarding["enabled"] and forwarding["number"] is None and not forwarding["extensions"]:
        problem(
            "incoming.forwarding.enabled",
            "incomplete",
            "is on, and there is nobody to forward to; add number or extensions.",
        )
    check_caller_id(document["caller_id"], problem)
    no_answer = document.get("no_answer")
    if no_answer:
        pin = stored["no_answer"]["pin"] if stored and "no_answer" in stored else None
        check_no_answer(no_answer, pin, problem)
        if no_answer["message"] is not None:
            messages.sound(work, work.path("extensions", key, "no_answer.message"), no_answer["message"])


def check_no_answer(no_answer: Document, stored_pin: str | None, problem: Callable[[str, str, str], None]) -> None:
    action, emails = no_answer["action"], no_answer["emails"]
    if action == "forward" and no_answer["number"] is None:
        problem("no_answer.number", "incomplete", "is missing; the action forward needs a number.")
    if action == "missed_call" and not emails:
        problem("no_answer.emails", "incomplete", "is empty; the action missed_call needs an address to tell.")
    for position, email in enumerate(emails):
        if email in emails[:position]:
            problem(f"no_answer.emails[{position}]", "duplicate", f"{email} is in the list already; keep one.")
    if no_answer["pin"] == passcodes.STORED_PIN and stored_pin is None:
        problem("no_answer.pin", "no-stored-pin", "is not stored yet; write the PIN out.")


def check_caller_id(caller_id: Document, problem: Callable[[str, str, str], None]) -> None:
    """What the list and the choice say of each other; whose numbers they are is seen once all is written."""
    assigned = caller_id["assigned"]
    for position, number in enumerate(assigned):
        if number in assigned[:position]:
            problem(f"caller_id.assigned[{position}]", "duplicate", f"{number} is in the list already; keep one.")
    if caller_id["mode"] != "assigned":
        return
    if not assigned:
        problem("caller_id.assigned", "incomplete", "is empty; the mode assigned needs a list to pick from.")
    elif caller_id["number"] is not None and caller_id["number"] not in assigned:
        problem(
            "caller_id.number", "not-assigned", f"{caller_id['number']} is not in caller_id.assigned; pick one of it."
        )


def check_gateway_calls(work: Work, name: str, document: Document) -> None:
    """A gateway calls out under a rule, at somebody's cost; a trunk never does: whoever calls in over it would."""
    path = work.path("gateways", name, "outbound_rule")
    work.refer(path, "outbound_rules", document["outbound_rule"])
    work.refer(work.path("gateways", name, "payer"), "extensions", document["payer"])
    if document["outbound_rule"] is None and document["payer"] is not None:
        work.problem(path, "incomplete", "is missing; what payer pays for are calls under a rule.")
    if document["outbound_rule"] is not None and document["payer"] is None:
        work.problem(
            work.path("gateways", name, "payer"),
            "incomplete",
            "is missing; an extension pays for calls under the rule.",
        )
    if document["outbound_rule"] is not None and document["trunk"]:
        work.problem(
            path,
            "trunk-rule",
            "is for a PBX; whoever calls in over a trunk would call out by it. Take one of both out.",
        )


def check_fallback_gateways(work: Work, name: str, document: Document) -> None:
    """Gateways that are there, each once, after one that they are to stand in for."""
    fallbacks = document["fallback_gateways"]
    if fallbacks and document["gateway"] is None:
        path = work.path("outbound_rules", name, "fallback_gateways")
        work.problem(path, "incomplete", "stands in for a gateway; write that one as gateway.")
    for position, gateway in enumerate(fallbacks):
        path = work.path("outbound_rules", name, f"fallback_gateways[{position}]")
        if gateway == document["gateway"] or gateway in fallbacks[:position]:
            work.problem(path, "duplicate", f"{gateway} is tried already; keep one.")
        else:
            work.refer(path, "gateways", gateway)


def check_caller_id_plan(work: Work, name: str, document: Document) -> None:
    """One entry for a country and prefix. Entries are told by what they say: they are sorted by now."""
    seen: set[tuple[str, str]] = set()
    for entry in document["caller_id_plan"]:
        place = (entry["country"], entry["prefix"])
        if place in seen:
            told = " ".join(filter(None, place))
            work.problem(
                work.path("outbound_rules", name, "caller_id_plan"), "duplicate", f"has {told} twice; keep one."
            )
        seen.add(place)


def check_owners(work: Work) -> None:
    """A DID belongs to one organisation. Whose it is stays unsaid."""
    new = work.sections["numbers"].added
    for start in range(0, len(new), CHUNK):
        query = select(Number.e164).where(
            Number.e164.in_(new[start : start + CHUNK]), Number.organisation_id != work.organisation_id
        )
        for number in work.session.scalars(query):
            work.problem(
                work.path("numbers", number, "number"),
                "number-taken",
                f"{number} is not available to this organisation.",
            )
