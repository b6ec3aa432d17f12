"""The thread of an incoming call: hunts in the dialplan and executes the actions one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from gevent.event import Event as Flag

from bizpbx.simulator.applications import APPLICATIONS
from bizpbx.simulator.channel import Channel
from bizpbx.simulator.dialplan import Action

if TYPE_CHECKING:
    from bizpbx.simulator.core import Core

MOST_NESTED = 50
"""Depth of `execute_extension` at which a call is given up."""

log = structlog.get_logger(__name__)


class Session:
    """Runs one channel from its first hunt to its end."""

    def __init__(self, switch: Core, channel: Channel) -> None:
        self.switch = switch
        self.channel = channel
        self._depth = 0

    def run(self) -> None:
        """Route, execute, hang up. What a transfer changed is routed anew."""
        channel = self.channel
        try:
            while channel.up:
                channel.sent_on.clear()
                actions = self._hunt(channel.profile.destination_number, channel.profile.context)
                if actions is None:
                    channel.hang_up("NO_ROUTE_DESTINATION")
                    break
                self._perform(actions)
                if channel.up and channel.fetched.is_set() and not channel.moved:
                    self._leave()
                    return
                if not channel.moved:
                    channel.hang_up("NORMAL_CLEARING")
        except Exception:
            log.exception("simulator.session_failed", call=channel.uuid)
            channel.hang_up("CRASH")
        finally:
            if not channel.loose.is_set():
                channel.hang_up("SYSTEM_SHUTDOWN")
                channel.complete()
                self.switch.remove(channel)

    def _leave(self) -> None:
        """Another leg has fetched this one, whose end is then the end of all."""
        channel = self.channel
        channel.on_hangup.append(self.switch.remove)
        channel.ended.rawlink(lambda _: channel.complete())
        channel.loose.set()

    def execute(self, application: str, data: str, application_uuid: str = "") -> None:
        """Run an application to its end."""
        channel = self.channel
        function = APPLICATIONS.get(application)
        if function is None:
            log.warning("simulator.unknown_application", application=application)
            channel.hang_up("DESTINATION_OUT_OF_ORDER")
            return
        expanded = channel.expand(data)
        channel.set("current_application_data", expanded)
        channel.set("current_application", application)
        about = [("Application", application), ("Application-Data", expanded)]
        about += [("Application-UUID", application_uuid)] if application_uuid else []
        channel.fire("CHANNEL_EXECUTE", *about)
        function(self, expanded)
        channel.fire("CHANNEL_EXECUTE_COMPLETE", *about, ("Application-Response", "_none_"))

    def execute_extension(self, destination: str, context: str) -> None:
        """Execute another extension in place; the channel's own destination stays."""
        if self._depth >= MOST_NESTED:
            self.channel.hang_up("EXCHANGE_ROUTING_ERROR")
            return
        self._depth += 1
        self._perform(self._hunt(destination, context) or [])
        self._depth -= 1

    def beside(self, channel: Channel) -> Session:
        """For another leg of the call, which has no thread of its own until it is transferred."""
        return Session(self.switch, channel)

    def pause(self, seconds: float | None) -> bool:
        """Wait; whether it was cut short by the hang-up, a transfer or `uuid_break`."""
        channel = self.channel
        channel.broken.clear()
        over = Flag()
        for flag in (channel.broken, channel.ended):
            flag.rawlink(lambda _: over.set())
        return self.switch.clock.wait(over, seconds)

    def _hunt(self, destination: str, context: str) -> list[Action] | None:
        return self.switch.dialplan.hunt(self.channel, destination, context, self._inline)

    def _inline(self, action: Action) -> None:
        self.execute(action.application, action.data)

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            if not self.channel.up or self.channel.taken:
                return
            self.execute(action.application, action.data)
