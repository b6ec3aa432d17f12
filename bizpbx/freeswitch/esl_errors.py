"""What can go wrong on an event socket. An error that greenswitch has by the same name is one of its kind too."""

from __future__ import annotations

from greenswitch import esl as greenswitch_esl

from bizpbx.errors import BizpbxError


class EslError(BizpbxError):
    """Root of everything the event socket raises."""

    code = "esl"


class ProtocolError(EslError):
    """The peer sent bytes that are not the event-socket protocol, more than allowed, or ended inside a frame."""

    code = "esl-protocol"


class UnsafeArgument(EslError, ValueError):
    """A command, header or argument holds something that would become another command, header or variable."""

    code = "esl-unsafe-argument"


class ReplyTimeout(EslError, TimeoutError):
    """No reply came before the deadline. The connection stays in step: the late reply is thrown away when it comes."""

    code = "esl-reply-timeout"


class CommandRefused(EslError):
    """FreeSWITCH answered a command with `-ERR`. The sentence is its own."""

    code = "esl-command-refused"


class NotConnectedError(EslError, greenswitch_esl.NotConnectedError):  # type: ignore[misc] # greenswitch is untyped
    """There is no connection, or it ended while waiting."""

    code = "esl-not-connected"


class AuthenticationFailed(NotConnectedError, ValueError):
    """FreeSWITCH refused the event-socket password or user. A ValueError too, as in greenswitch."""

    code = "esl-authentication"


class OutboundSessionHasGoneAway(
    NotConnectedError,
    greenswitch_esl.OutboundSessionHasGoneAway,  # type: ignore[misc] # greenswitch is untyped
):
    """The caller hung up, or FreeSWITCH closed this call's socket."""

    code = "esl-session-gone"
