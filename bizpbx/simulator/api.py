"""API commands (`api`, `bgapi`, `sched_api`): those that a controller, a monitor or an engineer asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bizpbx.simulator import causes, show
from bizpbx.simulator.channel import Channel
from bizpbx.simulator.wire import Event, to_text

if TYPE_CHECKING:
    from bizpbx.simulator.core import Core

NO_CHANNEL: Final = "-ERR No such channel!\n"

VERSION: Final = "FreeSWITCH Version 1.11.1-simulator (bizpbx 64bit)\n"

Api = Callable[["Core", list[str], str], str]


def execute_api(switch: Core, name: str, argument: str) -> str:
    """What the command prints."""
    command = COMMANDS.get(name.lower())
    if command is None:
        return f"-ERR {name} Command not found!\n"
    return command(switch, argument.split(), argument)


def _of_channel(command: Callable[[Core, Channel, list[str]], str], usage: str, least: int = 1) -> Api:
    def run(switch: Core, words: list[str], argument: str) -> str:
        if len(words) < least:
            return f"-USAGE: {usage}\n"
        channel = switch.channel(words[0])
        return NO_CHANNEL if channel is None else command(switch, channel, words[1:])

    return run


def _kill(switch: Core, channel: Channel, words: list[str]) -> str:
    channel.hang_up(causes.cause(words[0]) if words else "NORMAL_CLEARING")
    return "+OK\n"


def _dump(switch: Core, channel: Channel, words: list[str]) -> str:
    event = Event("CHANNEL_DATA", [*switch.bus.common("CHANNEL_DATA"), *channel.data()])
    if words and words[0].lower() == "json":
        return to_text(event.json())
    return to_text(event.plain())


def _get_variable(switch: Core, channel: Channel, words: list[str]) -> str:
    return channel.get(words[0]) or "_undef_"


def _set_variable(switch: Core, channel: Channel, words: list[str]) -> str:
    channel.set(words[0], " ".join(words[1:]))
    return "+OK\n"


def _set_variables(switch: Core, channel: Channel, words: list[str]) -> str:
    for pair in " ".join(words).split(";"):
        name, _, value = pair.partition("=")
        channel.set(name, value)
    return "+OK\n"


def _break(switch: Core, channel: Channel, words: list[str]) -> str:
    channel.broken.set()
    return "+OK\n"


def _transfer(switch: Core, channel: Channel, words: list[str]) -> str:
    context = words[2] if len(words) > 2 else channel.profile.context
    channel.send_to(words[0], context)
    channel.broken.set()
    return "+OK\n"


def _dual_transfer(switch: Core, channel: Channel, words: list[str]) -> str:
    """`<dest>[/<dialplan>[/<context>]]` for the leg and for the one it talks with."""
    legs = [(channel, words[0]), *([(channel.partner, words[1])] if channel.partner is not None else [])]
    for leg, where in reversed(legs):
        destination, _, rest = where.partition("/")
        leg.send_to(destination, rest.partition("/")[2] or leg.profile.context)
        leg.broken.set()
    return "+OK\n"


def _displace(switch: Core, channel: Channel, words: list[str]) -> str:
    """What is played into a conversation; no sound is made here, but an engineer sees the media bug."""
    verb, path = words[0].lower(), words[1]
    if verb == "start":
        channel.push("displaced", path)
    elif verb != "stop":
        return "-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n"
    return "+OK Success\n"


def _exists(switch: Core, words: list[str], argument: str) -> str:
    return "true" if words and switch.channel(words[0]) else "false"


def _hupall(switch: Core, words: list[str], argument: str) -> str:
    cause = causes.cause(words[0]) if words else "MANAGER_REQUEST"
    for channel in switch.channels:
        channel.hang_up(cause)
    return f"+OK hangup all channels with cause {cause}\n"


def _sched_api(switch: Core, words: list[str], argument: str) -> str:
    if len(words) < 3:
        return "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n"
    command, rest = words[2], " ".join(words[3:])
    number = switch.scheduler.add(
        switch.scheduler.seconds_until(words[0]), words[1], lambda: _discard(execute_api(switch, command, rest))
    )
    return f"+OK Added: {number}\n"


def _discard(text: str) -> None:
    """What a scheduled command prints goes to the log only."""


def _sched_del(switch: Core, words: list[str], argument: str) -> str:
    return f"+OK Deleted: {switch.scheduler.delete(argument)}\n"


def _status(switch: Core, words: list[str], argument: str) -> str:
    seconds = int(switch.clock.now() - switch.started)
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    return (
        f"UP 0 years, {days} days, {hours} hours, {minutes} minutes, {seconds % 60} seconds, 0 milliseconds,"
        " 0 microseconds\n"
        "FreeSWITCH (Version 1.11.1-simulator 64bit) is ready\n"
        f"{switch.sessions_since_start} session(s) since startup\n"
        f"{len(switch.channels)} session(s) - peak {switch.peak}, last 5min {switch.peak} \n"
        "0 session(s) per Sec out of max 1000, peak 0, last 5min 0 \n"
        "1000 session(s) max\n"
        "min idle cpu 0.00/100.00\n"
    )


def _version(switch: Core, words: list[str], argument: str) -> str:
    return VERSION


def _reload(switch: Core, words: list[str], argument: str) -> str:
    switch.reload()
    return "+OK [Success]\n"


def _global(switch: Core, words: list[str], argument: str) -> str:
    return switch.configuration.globals.get(argument, "")


def _text(text: str) -> Api:
    return lambda switch, words, argument: text


COMMANDS: Final[dict[str, Api]] = {
    "create_uuid": lambda switch, words, argument: switch.new_uuid(),
    "echo": lambda switch, words, argument: argument,
    "global_getvar": _global,
    "hostname": lambda switch, words, argument: switch.bus.switch_name,
    "hupall": _hupall,
    "module_exists": _text("true"),
    "reloadacl": _text("+OK acl reloaded\n"),
    "reloadxml": _reload,
    "sched_api": _sched_api,
    "sched_del": _sched_del,
    "show": show.show,
    "sofia": show.sofia,
    "sofia_contact": show.sofia_contact,
    "status": _status,
    "strftime": lambda switch, words, argument: time.strftime(
        argument or "%Y-%m-%d %H:%M:%S", time.localtime(switch.clock.now())
    ),
    "switchname": lambda switch, words, argument: switch.bus.switch_name,
    "uptime": lambda switch, words, argument: f"{int(switch.clock.now() - switch.started)}\n",
    "uuid_break": _of_channel(_break, "<uuid> [all]"),
    "uuid_displace": _of_channel(_displace, "<uuid> [start|stop] <path> [<limit>] [mux]", 3),
    "uuid_dump": _of_channel(_dump, "<uuid> [format]"),
    "uuid_dual_transfer": _of_channel(_dual_transfer, "<uuid> <A-dest-exten>[/<A-dialplan>][/<A-context>] <B-…>", 3),
    "uuid_exists": _exists,
    "uuid_getvar": _of_channel(_get_variable, "<uuid> <var>", 2),
    "uuid_kill": _of_channel(_kill, "<uuid> [cause]"),
    "uuid_setvar": _of_channel(_set_variable, "<uuid> <var> [value]", 2),
    "uuid_setvar_multi": _of_channel(_set_variables, "<uuid> <var>=<value>;<var>=<value>...", 2),
    "uuid_transfer": _of_channel(_transfer, "<uuid> <dest-exten> [<dialplan>] [<context>]", 2),
    "version": _version,
}
