"""Events of the switch, and who listens to them."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable

from bizpbx.simulator.clock import Clock
from bizpbx.simulator.wire import Event

Listener = Callable[[Event], None]

_WORDS = """
CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP
CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE
CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK
CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH
UNPUBLISH TALK NOTALK SESSION_CRASH MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN NOTIFY_IN PRESENCE_OUT
PRESENCE_PROBE MESSAGE_WAITING MESSAGE_QUERY ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH DETECTED_TONE
PRIVATE_COMMAND HEARTBEAT TRAP ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE
PHONE_FEATURE_SUBSCRIBE SEND_MESSAGE RECV_MESSAGE REQUEST_PARAMS CHANNEL_DATA GENERAL COMMAND SESSION_HEARTBEAT
CLIENT_DISCONNECTED SERVER_DISCONNECTED SEND_INFO RECV_INFO RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE CALL_SECURE NAT
RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE SOCKET_DATA MEDIA_BUG_START
MEDIA_BUG_STOP CONFERENCE_DATA_QUERY CONFERENCE_DATA CALL_SETUP_REQ CALL_SETUP_RESULT CALL_DETAIL DEVICE_STATE
TEXT SHUTDOWN_REQUESTED ALL
"""

NAMES = frozenset(_WORDS.split())


class EventBus:
    """Gives each event its common headers and hands it to every listener, in order."""

    def __init__(self, clock: Clock, switch_name: str) -> None:
        self.core_uuid = str(uuid.uuid4())
        self.switch_name = switch_name
        self._clock = clock
        self._sequence = itertools.count(1)
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def common(self, name: str, subclass: str = "") -> list[tuple[str, str]]:
        """Headers that every event starts with."""
        now = self._clock.now()
        return [
            ("Event-Subclass", subclass) if subclass else ("Event-Name", name),
            *([("Event-Name", name)] if subclass else []),
            ("Core-UUID", self.core_uuid),
            ("FreeSWITCH-Hostname", self.switch_name),
            ("FreeSWITCH-Switchname", self.switch_name),
            ("FreeSWITCH-IPv4", "127.0.0.1"),
            ("FreeSWITCH-IPv6", "::1"),
            ("Event-Date-Local", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))),
            ("Event-Date-GMT", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))),
            ("Event-Date-Timestamp", str(int(now * 1_000_000))),
            ("Event-Sequence", str(next(self._sequence))),
        ]

    def fire(self, name: str, headers: list[tuple[str, str]], body: str = "", subclass: str = "") -> None:
        """Send an event to all listeners."""
        event = Event(name, self.common(name, subclass) + headers, body, subclass)
        for listener in list(self._listeners):
            listener(event)
