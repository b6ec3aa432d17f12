"""A plan for people and for programs: what `bizpbx explain call` prints. The fields are documented in docs/calls.md."""

from __future__ import annotations

from bizpbx.policy.plan import (
    Announce,
    AskPasscode,
    AskPin,
    GatewayTarget,
    Gather,
    GoOn,
    HangUp,
    Keep,
    Kept,
    Listen,
    Plan,
    Play,
    Reason,
    Record,
    Ring,
    Step,
    Target,
    kept_by,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import NoAnswerAction

Json = dict[str, object]

SHOWN = 12
"""Digits of a content id that people are shown."""


def to_json(plan: Plan) -> Json:
    """The plan as an object that JSON can hold. Its fields are stable: fields may be added, none is renamed."""
    return {
        "callee": plan.callee,
        "transfers": plan.transfers,
        "steps": [_step_json(step) for step in plan.steps],
        "kept": [{"action": str(kept.action), "mailbox": kept.mailbox} for kept in _kept(plan)],
        "reasons": [
            {"rule": str(reason.rule), "text": reason.text, "section": reason.section} for reason in plan.reasons
        ],
    }


def to_lines(plan: Plan) -> list[str]:
    """The plan as lines of text: numbered steps with their targets, then the rules that decided, in order. What is done
    for one step of a virtual line has its number."""
    lines = [f"call to {plan.callee}"] if plan.callee is not None else []
    for position, step in enumerate(plan.steps, start=1):
        lines += [f"{step.section or position}. {_title(step)}"]
        if isinstance(step, Ring):
            lines += [f"   - {_target(target)}" for target in step.targets]
    for kept in _kept(plan):
        lines.append(f"unless somebody takes it, the call is kept as {_kept_as(kept)}")
    if not plan.transfers:
        lines.append("no code of a transfer is heard")
    return [*lines, "because", *map(_because, plan.reasons)]


def _because(reason: Reason) -> str:
    return f"   {f'{reason.section}. ' if reason.section else ''}{reason.rule}: {reason.text}"


def _kept(plan: Plan) -> list[Kept]:
    """What the steps keep, each once, in their order."""
    return list(dict.fromkeys(kept for step in plan.steps if (kept := kept_by(step)) is not None))


def _kept_as(kept: Kept) -> str:
    return f"a {'voicemail' if kept.action is NoAnswerAction.VOICEMAIL else 'missed call'} of {kept.mailbox}"


def _step_json(step: Step) -> Json:
    return {"stage": str(step.stage), "section": step.section, **_action_json(step)}


def _action_json(step: Step) -> Json:
    match step:
        case HangUp():
            return {"action": "hang_up", "cause": str(step.cause) if step.cause else None}
        case AskPasscode():
            return {"action": "ask_passcode", "extension": step.extension, "tries": step.tries}
        case AskPin():
            return {"action": "ask_pin", "extension": step.extension, "tries": step.tries}
        case Listen():
            return {"action": "listen", "mailbox": step.mailbox}
        case Play():
            return {"action": "play", "sound": str(step.sound), "answer": step.answer}
        case Record():
            return {"action": "record", "longest": step.longest}
        case Announce():
            return {"action": "announce", "prompt": str(step.prompt) if step.prompt else None}
        case Keep():
            return {"action": "keep", "as": str(step.kept.action), "mailbox": step.kept.mailbox}
        case GoOn():
            return {"action": "go_on", "to": step.to}
        case Gather():
            return {
                "action": "gather",
                "keys": dict(step.sections),
                "none": step.otherwise,
                "seconds": step.seconds,
                "tries": step.tries,
                "sound": step.sound,
            }
        case Ring():
            return _ring_json(step)


def _ring_json(step: Ring) -> Json:
    return {
        "action": "ring",
        "timeout": step.timeout,
        "caller_name": step.caller_name,
        "withheld": step.withheld,
        "diverted_by": step.diverted_by,
        "attempt": step.attempt,
        "targets": [_target_json(target) for target in step.targets],
    }


def _target_json(target: Target) -> Json:
    if isinstance(target, GatewayTarget):
        return {
            "type": "gateway",
            "gateway": target.gateway,
            "dial": target.dial,
            "shows": target.number,
            "asserts": target.asserted,
            "charges": target.charge,
        }
    return {
        "type": "device",
        "extension": target.extension,
        "device": str(target.kind),
        "sip_user": target.sip_user,
        "domain": target.domain,
        "tls": target.tls,
        "shows": target.number,
    }


def _title(step: Step) -> str:
    if isinstance(step, HangUp):
        return f"hang up ({step.cause})" if step.cause is not None else "hang up (cause of the last ring)"
    if isinstance(step, AskPasscode):
        return f"ask for the passcode of {step.extension}, {step.tries} tries"
    if isinstance(step, AskPin):
        return f"answer and ask for the voicemail PIN of {step.extension}, {step.tries} tries"
    if isinstance(step, Listen):
        return f"answer and play the voicemail of {step.mailbox}"
    if isinstance(step, Play):
        return f"{'answer and ' if step.answer else ''}play {_sound(step.sound)}"
    if isinstance(step, Record):
        return f"beep and record for {step.longest} s at most"
    if isinstance(step, Announce):
        return f"announce {step.prompt}" if step.prompt is not None else "announce why the last ring failed"
    if isinstance(step, Keep):
        return f"keep the call as {_kept_as(step.kept)}"
    if isinstance(step, GoOn):
        return f"go on with step {step.to}"
    if isinstance(step, Gather):
        keys = ", ".join(f"{key} goes on with step {section}" for key, section in step.sections)
        tries = f"{step.tries} tries of " if step.tries > 1 else ""
        hears = f"answer, play {_sound(step.sound)}" if step.sound is not None else "answer"
        rest = f"anything else with step {step.otherwise}"
        return f"{hears} and wait for a key ({tries}{step.seconds} s): {keys}, {rest}"
    together = f"{len(step.targets)} together " if len(step.targets) > 1 else ""
    diverted = f", diverted by {step.diverted_by}" if step.diverted_by is not None else ""
    private = ", number withheld" if step.withheld else ""
    again = "if that gateway fails, " if step.attempt else ""
    return f"{again}ring {together}for {step.timeout} s as {step.caller_name!r}{private}{diverted}"


def _sound(sound: Prompt | str) -> str:
    return str(sound) if isinstance(sound, Prompt) else f"sound {sound[:SHOWN]}"


def _target(target: Target) -> str:
    if isinstance(target, GatewayTarget):
        asserting = f", asserting {target.asserted}" if target.asserted not in (None, target.number) else ""
        charged = f", charged to {target.charge}" if target.charge is not None else ""
        return f"{target.dial} through {target.gateway}, showing {target.number}{asserting}{charged}"
    return f"{target.extension} {target.kind} ({target.sip_user}@{target.domain}), showing {target.number}"
