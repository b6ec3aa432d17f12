"""All tables in one place, so that the metadata is complete for whoever needs the whole of it."""

from __future__ import annotations

from bizpbx.directory.audit import Audit
from bizpbx.directory.base import Base
from bizpbx.directory.caller_id import AssignedCallerId, CallerIdRequest
from bizpbx.directory.device import Device
from bizpbx.directory.extension import Extension, ForwardTarget, VipEntry
from bizpbx.directory.gateway import Gateway, GatewayCalls
from bizpbx.directory.licence import Licence
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.outbound_rule import CallerIdPlanEntry, DialPlanEntry, FallbackGateway, OutboundRule, RuleCountry
from bizpbx.directory.passcode_lockout import PasscodeLockout, PinLockout
from bizpbx.directory.rate import Rate
from bizpbx.directory.sound import Greeting, Sound
from bizpbx.directory.virtual_line import LineKey, LineStep, LineTarget, VirtualLine
from bizpbx.mail.outbox import Mail
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.guard_record import GuardCountry, GuardRefusal
from bizpbx.metering.lease import Charge, Lease, LeaseGrant
from bizpbx.metering.usage import UsageMonth
from bizpbx.voicemail.record import Voicemail

__all__ = [
    "AssignedCallerId",
    "Audit",
    "Base",
    "CallLeg",
    "CallRecord",
    "CallerIdPlanEntry",
    "CallerIdRequest",
    "Charge",
    "Device",
    "DialPlanEntry",
    "Extension",
    "FallbackGateway",
    "ForwardTarget",
    "Gateway",
    "GatewayCalls",
    "Greeting",
    "GuardCountry",
    "GuardRefusal",
    "Lease",
    "LeaseGrant",
    "Licence",
    "LineKey",
    "LineStep",
    "LineTarget",
    "Mail",
    "Member",
    "Number",
    "Organisation",
    "OutboundRule",
    "PasscodeLockout",
    "PinLockout",
    "Rate",
    "RuleCountry",
    "Sound",
    "UsageMonth",
    "VipEntry",
    "VirtualLine",
    "Voicemail",
]
