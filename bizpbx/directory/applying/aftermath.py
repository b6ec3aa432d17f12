"""What must hold once everything is written: no reference to what goes, no caller ID of somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from bizpbx.directory.applying.work import Work
from bizpbx.directory.caller_id import AssignedCallerId, CallerIdRequest, RequestState
from bizpbx.directory.extension import Extension, ForwardTarget, VipEntry
from bizpbx.directory.gateway import Gateway, GatewayCalls
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.outbound_rule import CallerIdPlanEntry, FallbackGateway, OutboundRule
from bizpbx.directory.virtual_line import LineStep, LineTarget, VirtualLine
from bizpbx.policy.settings import CallerIdMode

if TYPE_CHECKING:
    from bizpbx.directory.base import AnySelect


def check_removals(work: Work) -> None:
    """Whatever still refers to a thing that is to be removed becomes a problem of that thing."""
    target, other_line = aliased(Extension), aliased(VirtualLine)
    ours = Extension.organisation_id == work.organisation_id
    users = {
        "members": [
            select(Extension.key, Member.email).join(Member, Member.id == Extension.assignee_id).where(ours),
        ],
        "gateways": [
            select(Extension.key, Gateway.name).join(Gateway, Gateway.id == Extension.gateway_id).where(ours),
            select(OutboundRule.name, Gateway.name)
            .join(Gateway, Gateway.id == OutboundRule.gateway_id)
            .where(OutboundRule.organisation_id == work.organisation_id),
            select(OutboundRule.name, Gateway.name)
            .join(FallbackGateway, FallbackGateway.rule_id == OutboundRule.id)
            .join(Gateway, Gateway.id == FallbackGateway.gateway_id)
            .where(OutboundRule.organisation_id == work.organisation_id),
        ],
        "outbound_rules": [
            select(Extension.key, OutboundRule.name)
            .join(OutboundRule, OutboundRule.id == Extension.rule_id)
            .where(ours),
            select(Gateway.name, OutboundRule.name)
            .join(GatewayCalls, GatewayCalls.gateway_id == Gateway.id)
            .join(OutboundRule, OutboundRule.id == GatewayCalls.rule_id)
            .where(Gateway.organisation_id == work.organisation_id),
        ],
        "extensions": [
            select(Extension.key, target.key)
            .join(table, table.extension_id == Extension.id)
            .join(target, target.id == other)
            .where(ours)
            for table, other in ((ForwardTarget, ForwardTarget.target_id), (VipEntry, VipEntry.vip_id))
        ]
        + [
            select(Number.e164, Extension.key).join(Extension, Extension.id == Number.extension_id).where(ours),
            select(VirtualLine.key, Extension.key)
            .join(LineTarget, LineTarget.line_id == VirtualLine.id)
            .join(Extension, Extension.id == LineTarget.extension_id)
            .where(ours)
            .distinct(),
            select(VirtualLine.key, Extension.key)
            .join(LineStep, LineStep.line_id == VirtualLine.id)
            .join(Extension, Extension.id == LineStep.extension_id)
            .where(ours)
            .distinct(),
            select(Gateway.name, Extension.key)
            .join(GatewayCalls, GatewayCalls.gateway_id == Gateway.id)
            .join(Extension, Extension.id == GatewayCalls.payer_id)
            .where(ours),
        ],
        "virtual_lines": [
            select(Number.e164, VirtualLine.key)
            .join(VirtualLine, VirtualLine.id == Number.line_id)
            .where(VirtualLine.organisation_id == work.organisation_id),
            select(VirtualLine.key, other_line.key)
            .join(LineStep, LineStep.line_id == VirtualLine.id)
            .join(other_line, other_line.id == LineStep.to_line_id)
            .where(VirtualLine.organisation_id == work.organisation_id)
            .distinct(),
        ],
    }
    words = {
        ("members", 0): ("extensions", "is the assignee of extension {}; assign that to somebody else first."),
        ("gateways", 0): ("extensions", "takes the calls of extension {}; change its incoming.gateway first."),
        ("gateways", 1): ("outbound_rules", "is used by rule {}; give that another gateway first."),
        ("gateways", 2): ("outbound_rules", "is a fallback of rule {}; take it out of its fallback_gateways first."),
        ("outbound_rules", 0): ("extensions", "is the rule of extension {}; give that another one first."),
        ("outbound_rules", 1): ("gateways", "is the rule of gateway {}; give that another one first."),
        ("extensions", 0): ("extensions", "is a forward target of extension {}; change that first."),
        ("extensions", 1): ("extensions", "is on the VIP list of extension {}; change that first."),
        ("extensions", 2): ("numbers", "takes the calls to {}; send that number elsewhere first."),
        ("extensions", 3): ("virtual_lines", "rings in virtual line {}; take it out of that first."),
        ("extensions", 4): (
            "virtual_lines",
            "pays for calls of virtual line {}, or is told of its missed calls; change that first.",
        ),
        ("extensions", 5): ("gateways", "pays for calls of gateway {}; give that another payer first."),
        ("virtual_lines", 0): ("numbers", "takes the calls to {}; send that number elsewhere first."),
        ("virtual_lines", 1): ("virtual_lines", "is where virtual line {} goes on; change that first."),
    }
    for section, queries in users.items():
        going = frozenset(work.sections[section].removed)
        if not going:
            continue
        for position, query in enumerate(queries):
            user_section, sentence = words[section, position]
            gone_too = frozenset(work.sections[user_section].removed)
            for user, used in work.session.execute(query):
                if used in going and user not in gone_too:
                    work.problem(f"{section}.{used}", "in-use", f"{used} {sentence.format(user)}")


def check_caller_ids(work: Work) -> None:
    """A caller ID is one of the organisation's DIDs, the mobile number of the extension's assignee, or with the mode
    `request` one that was approved; what is on a list is one of the first two."""
    chosen = (
        foreign(work, Extension.caller_id_number)
        .outerjoin(
            CallerIdRequest,
            (CallerIdRequest.organisation_id == Extension.organisation_id)
            & (CallerIdRequest.extension_id == Extension.id)
            & (CallerIdRequest.number == Extension.caller_id_number)
            & (CallerIdRequest.state == RequestState.APPROVED)
            & (Extension.caller_id_mode == CallerIdMode.REQUEST),
        )
        .where(CallerIdRequest.id.is_(None))
    )
    listed = foreign(
        work,
        AssignedCallerId.number,
        (AssignedCallerId.organisation_id == Extension.organisation_id)
        & (AssignedCallerId.extension_id == Extension.id),
    )
    gone = frozenset(work.sections["numbers"].removed)
    leaving = frozenset(work.sections["extensions"].removed)
    for field, query in (("caller_id.number", chosen), ("caller_id.assigned", listed)):
        for key, number, owned in work.session.execute(query):
            if key not in leaving and (owned is None or number in gone):
                work.problem(
                    work.path("extensions", key, field),
                    "not-owned",
                    f"{number} is neither one of the organisation's numbers nor the mobile number of the assignee; "
                    f"another one is asked for with `bizpbx caller-id request {key} {number}`.",
                )


def foreign(work: Work, number: InstrumentedAttribute[Any], join: ColumnElement[bool] | None = None) -> AnySelect:
    """(key, number, id of the DID) of each caller ID of an extension that is not its assignee's mobile number."""
    table = number.class_
    query = select(Extension.key, number, Number.id)
    if join is not None:
        query = query.join_from(Extension, table, join)
    return (
        query.outerjoin(Number, (Number.organisation_id == Extension.organisation_id) & (Number.e164 == number))
        .outerjoin(Member, (Member.organisation_id == Extension.organisation_id) & (Member.id == Extension.assignee_id))
        .where(
            Extension.organisation_id == work.organisation_id,
            number.is_not(None),
            Member.mobile.is_distinct_from(number),
        )
        .order_by(Extension.key, number)
    )


def check_caller_id_plans(work: Work) -> None:
    """What a rule's caller-ID plan presents is one of the organisation's DIDs; a mobile number is one person's."""
    query = (
        select(OutboundRule.name, CallerIdPlanEntry.caller_id, Number.id)
        .join(
            CallerIdPlanEntry,
            (CallerIdPlanEntry.organisation_id == OutboundRule.organisation_id)
            & (CallerIdPlanEntry.rule_id == OutboundRule.id),
        )
        .outerjoin(
            Number,
            (Number.organisation_id == OutboundRule.organisation_id) & (Number.e164 == CallerIdPlanEntry.caller_id),
        )
        .where(OutboundRule.organisation_id == work.organisation_id)
        .distinct()
    )
    gone = frozenset(work.sections["numbers"].removed)
    leaving = frozenset(work.sections["outbound_rules"].removed)
    for name, number, owned in work.session.execute(query.order_by(OutboundRule.name, CallerIdPlanEntry.caller_id)):
        if name not in leaving and (owned is None or number in gone):
            work.problem(
                work.path("outbound_rules", name, "caller_id_plan"),
                "not-owned",
                f"{number} is none of the organisation's numbers.",
            )


def check_gateway_calls(work: Work) -> None:
    """A gateway's rule does not lead back to the gateway: it would be given its own calls."""
    query = (
        select(Gateway.name, OutboundRule.name)
        .join(GatewayCalls, GatewayCalls.gateway_id == Gateway.id)
        .join(OutboundRule, OutboundRule.id == GatewayCalls.rule_id)
        .outerjoin(
            FallbackGateway,
            (FallbackGateway.organisation_id == Gateway.organisation_id)
            & (FallbackGateway.rule_id == OutboundRule.id)
            & (FallbackGateway.gateway_id == Gateway.id),
        )
        .where(
            Gateway.organisation_id == work.organisation_id,
            (OutboundRule.gateway_id == Gateway.id) | FallbackGateway.gateway_id.is_not(None),
        )
        .distinct()
    )
    for gateway, rule in work.session.execute(query.order_by(Gateway.name)):
        path = work.path("gateways", gateway, "outbound_rule")
        work.problem(path, "loop", f"calls under {rule} leave through {gateway} itself; give one of them another.")
