"""What mod_xml_cdr does: a file for each leg, written when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import structlog

from bizpbx.simulator.channel import Channel
from bizpbx.simulator.events import EventBus
from bizpbx.simulator.text import is_false
from bizpbx.simulator.wire import array, to_bytes, url_encode

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RecordSettings:
    """The module's configuration. Without a folder it writes nothing."""

    folder: Path | None = None
    called_legs: bool = True


class LegRecords:
    """Writes one file a leg. A disk that takes none costs the switch no call."""

    def __init__(self, bus: EventBus, settings: RecordSettings) -> None:
        self._bus = bus
        self._settings = settings

    def write(self, channel: Channel) -> None:
        """Write the record of a leg that is over."""
        folder = self._settings.folder
        called = channel.direction == "outbound"
        if folder is None or (called and not self._settings.called_legs) or is_false(channel.get("process_cdr")):
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{channel.uuid}.cdr.xml").write_bytes(to_bytes(self._text(channel)))
        except OSError as error:
            log.error("simulator.record_not_written", leg=channel.uuid, reason=str(error))

    def _text(self, channel: Channel) -> str:
        bus, profile = self._bus, channel.profile
        variables = "".join(
            f"    <{name}>{url_encode(part)}</{name}>\n"
            for name, value in channel.variables.items()
            for part in array(value) or [value]
        )
        return (
            '<?xml version="1.0"?>\n'
            f'<cdr core-uuid="{bus.core_uuid}" switchname="{escape(bus.switch_name)}">\n'
            "  <channel_data>\n"
            "    <state>CS_REPORTING</state>\n"
            f"    <direction>{channel.direction}</direction>\n"
            "  </channel_data>\n"
            f"  <variables>\n{variables}  </variables>\n"
            f'  <callflow dialplan="{escape(profile.dialplan)}" unique-id="{channel.uuid}" profile_index="1">\n'
            "    <caller_profile>\n"
            f"      <caller_id_name>{escape(profile.caller_id_name, quote=False)}</caller_id_name>\n"
            f"      <caller_id_number>{escape(profile.caller_id_number, quote=False)}</caller_id_number>\n"
            f"      <destination_number>{escape(profile.destination_number, quote=False)}</destination_number>\n"
            "    </caller_profile>\n"
            "  </callflow>\n"
            "</cdr>\n"
        )
