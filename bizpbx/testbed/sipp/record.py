"""What a phone saw, made out of the messages it sent and received. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bizpbx.testbed.sipp.log import Logged
from bizpbx.testbed.sipp.message import SipMessage, address
from bizpbx.testbed.world import CallResult, EndedBy, Incoming, Registration

RINGING = (180, 183)


def dialogs(log: Iterable[Logged]) -> list[list[Logged]]:
    """The messages of each Call-ID, in the order in which the calls began."""
    calls: dict[str, list[Logged]] = {}
    for entry in log:
        calls.setdefault(entry.message.call_id, []).append(entry)
    return list(calls.values())


def incoming(log: Iterable[Logged]) -> list[Incoming]:
    """The calls that were received, in order."""
    return [seen_by_callee(dialog) for dialog in dialogs(log) if is_request(dialog[0], "INVITE", sent=False)]


def seen_by_callee(dialog: list[Logged]) -> Incoming:
    """One received call, from its own messages; the first is the INVITE."""
    invite = dialog[0].message
    said = [entry.message.status for entry in responses(dialog, "INVITE", {invite.cseq[0]}, sent=True)]
    cancel = next((entry.message for entry in dialog if is_request(entry, "CANCEL", sent=False)), None)
    caller = address(invite.header("From") or "")
    over = any(is_request(entry, "BYE") for entry in dialog) or any(status >= 300 for status in said)
    return Incoming(
        number=caller.user,
        display_name=caller.name,
        to_user=address(invite.uri).user,
        diversion=user_of(invite, "Diversion"),
        privacy=invite.header("Privacy"),
        pai=user_of(invite, "P-Asserted-Identity"),
        rang=any(status in RINGING for status in said),
        answered=200 in said,
        cancelled=cancel is not None and 200 not in said,
        cancel_reason=cancel.header("Reason") if cancel else None,
        ended=over,
        headers=invite.headers,
    )


def result(log: Iterable[Logged]) -> CallResult:
    """The one call that was placed, as its caller saw it. A challenge is not a final response unless it is the last."""
    entries = list(log)
    invites = [entry for entry in entries if is_request(entry, "INVITE", sent=True)]
    if not invites:
        return CallResult(0, "no INVITE was sent")
    started = invites[0].at
    heard = responses(entries, "INVITE", {entry.message.cseq[0] for entry in invites}, sent=False)
    final = next((entry for entry in heard if entry.message.status == 200), None) or next(
        (entry for entry in reversed(heard) if entry.message.status >= 200), None
    )
    answered_at = final.at if final and final.message.status == 200 else None
    ring_at = next((entry.at for entry in heard if entry.message.status in RINGING), None)
    bye = next((entry for entry in entries if is_request(entry, "BYE")), None)
    ending = bye if bye and not bye.sent else final
    return CallResult(
        code=final.message.status if final else 0,
        reason=final.message.phrase if final else "",
        provisional=tuple(entry.message.status for entry in heard if entry.message.status < 200),
        time_to_ring=ring_at - started if ring_at else None,
        time_to_answer=answered_at - started if answered_at else None,
        duration=bye.at - answered_at if bye and answered_at else 0.0,
        ended_by=(EndedBy.CALLER if bye.sent else EndedBy.CALLEE) if bye and answered_at else EndedBy.NOBODY,
        cause=ending.message.header("Reason") if ending else None,
    )


def registration(log: Iterable[Logged]) -> Registration | None:
    """How a REGISTER ended; None while it is under way. One challenge is part of the way, a second is a refusal."""
    challenges = 0
    for entry in log:
        message = entry.message
        if entry.sent or message.cseq[1] != "REGISTER" or message.status < 200:
            continue
        challenges += message.status in (401, 407)
        if message.status not in (401, 407) or challenges > 1:
            return Registration(message.status, message.phrase)
    return None


def is_request(entry: Logged, method: str, sent: bool | None = None) -> bool:
    """Whether this is a request with that method (and, if given, in that direction)."""
    return entry.message.method == method and (sent is None or entry.sent is sent)


def responses(entries: Iterable[Logged], method: str, numbers: set[int], sent: bool) -> list[Logged]:
    """Responses to the requests with this method and these CSeq numbers."""
    return [
        entry
        for entry in entries
        if entry.sent is sent
        and entry.message.status
        and entry.message.cseq[1] == method
        and entry.message.cseq[0] in numbers
    ]


def user_of(message: SipMessage, name: str) -> str | None:
    """User of the address in this header; None without the header."""
    value = message.header(name)
    return address(value).user if value is not None else None
