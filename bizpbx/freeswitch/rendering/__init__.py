"""Everything FreeSWITCH reads from files, written from the settings: docs/rendering.md. Prints nothing."""

from bizpbx.freeswitch.rendering.check import Problem, check
from bizpbx.freeswitch.rendering.directory import (
    device_document,
    directory_document,
    key_document,
    line_document,
    refused_document,
)
from bizpbx.freeswitch.rendering.gateways import resolved_before
from bizpbx.freeswitch.rendering.into import Manual, manual_steps, render_into
from bizpbx.freeswitch.rendering.parameters import SwitchParameters, new_password, start_command, stored_password
from bizpbx.freeswitch.rendering.reload import reload_commands
from bizpbx.freeswitch.rendering.tree import Tree, render_tree
from bizpbx.freeswitch.rendering.write import Change, diff, write

__all__ = [
    "Change",
    "Manual",
    "Problem",
    "SwitchParameters",
    "Tree",
    "check",
    "device_document",
    "diff",
    "directory_document",
    "key_document",
    "line_document",
    "manual_steps",
    "new_password",
    "refused_document",
    "reload_commands",
    "render_into",
    "render_tree",
    "resolved_before",
    "start_command",
    "stored_password",
    "write",
]
