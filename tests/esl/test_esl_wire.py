"""The codec alone: bytes to frames to events, commands to bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizpbx.freeswitch.esl_errors import ProtocolError, UnsafeArgument
from bizpbx.freeswitch.esl_event import ESLEvent, HeaderBlock, Names, find
from bizpbx.freeswitch.esl_wire import Frame, Parser, encode_command

from .peer import plain_event

JSON = b'{"Event-Name":"CUSTOM","Event-Subclass":"a::b","Unique-ID":"1","x":["a","b"],"n":3,"_body":"hi\\n"}'
STREAM = b"".join(
    (
        b"Content-Type: auth/request\n\n",
        b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n",
        b"Content-Type: api/response\nContent-Length: 6\n\n+OK\n\n\n",
        plain_event({"Event-Name": "HEARTBEAT", "Up-Time": "0%20years"}),
        plain_event({"Event-Name": "BACKGROUND_JOB", "Job-UUID": "7"}, b"Event-Name: X\n\nbody"),
        b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(JSON) + JSON,
        b"Content-Type: log/data\nContent-Length: 4\nLog-Level: 7\nUser-Data: \n\nlog\n",
        b"Event-Name: CHANNEL_DATA\nvariable_x: a%0Ab\nContent-Type: command/reply\nReply-Text: %2BOK%0A\n\n",
        b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n",
        b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
        b"Content-Type: text/disconnect-notice\nContent-Length: 8\n\nGoodbye\n",
    )
)

# The same examples each time, and no deadline: the machine may be busy.
fixed = settings(derandomize=True, deadline=None)

Outcome = tuple[list[Frame], str]


def parse(*pieces: bytes, max_body: int = 4096, max_headers: int = 1024) -> Outcome:
    """All frames, and the error that ended it, if any."""
    parser, frames = Parser(max_body=max_body, max_headers=max_headers), []
    try:
        for piece in pieces:
            parser.feed(piece)
            frames.extend(parser)
        parser.feed_eof()
        frames.extend(parser)
    except ProtocolError as error:
        return frames, str(error)
    return frames, ""


def one(data: bytes) -> ESLEvent:
    (frame,), error = parse(data)
    assert not error
    return ESLEvent(frame)


def test_every_kind_of_frame() -> None:
    frames, error = parse(STREAM)
    events = [ESLEvent(frame) for frame in frames]

    assert error == ""
    assert [frame.content_type for frame in frames] == [
        "auth/request",
        "command/reply",
        "api/response",
        "text/event-plain",
        "text/event-plain",
        "text/event-json",
        "log/data",
        "command/reply",
        "text/disconnect-notice",
        "text/rude-rejection",
        "text/disconnect-notice",
    ]
    reply, api, beat, job, custom, log, data, linger = events[1:9]
    assert reply.data == reply.headers["Reply-Text"] == "+OK accepted"
    assert api.data == "+OK\n\n\n"
    assert beat.headers["Up-Time"] == "0 years"
    assert (job.name, job.data) == ("BACKGROUND_JOB", "Event-Name: X\n\nbody")
    assert (custom.handle, custom.data, custom.headers["x"], custom.headers["n"]) == (
        "a::b",
        "hi\n",
        "ARRAY::a|:b",
        "3",
    )
    assert (log.data, log.headers["User-Data"], log.headers["Log-Level"]) == ("log\n", "", "7")
    assert (data.data, data.headers["variable_x"]) == ("+OK", "a\nb")
    assert linger.headers["Content-Disposition"] == "linger"


def test_a_line_feed_in_a_caller_name_forges_no_header() -> None:
    # FreeSWITCH does not encode a "%" in front of two hex digits again, so this is what it sends for the text "%0A".
    event = one(
        plain_event({"Event-Name": "CHANNEL_CREATE", "Caller-Caller-ID-Name": "x%0AUnique-ID: 1%0AForged: yes"})
    )

    assert event.headers["Caller-Caller-ID-Name"] == "x\nUnique-ID: 1\nForged: yes"
    assert "Unique-ID" not in event.headers
    assert "Forged" not in event.headers
    assert set(event.own) == {"Event-Name", "Caller-Caller-ID-Name"}


def test_a_value_is_decoded_once() -> None:
    event = one(
        plain_event({"Event-Name": "X", "a": "100%25", "b": "%252B", "c": "_undef_", "d": "a+b", "e": "%C3%BC%FF"})
    )

    assert [event.headers[name] for name in "abcde"] == ["100%", "%2B", "", "a+b", "ü\ufffd"]


def test_a_plain_reply_is_not_decoded() -> None:
    assert one(b"Content-Type: command/reply\nReply-Text: 100%25\n\n").data == "100%25"


def test_a_body_never_overwrites_headers() -> None:
    # Given a job whose output looks like headers, and an event that claims to be a disconnect notice
    job = one(plain_event({"Event-Name": "BACKGROUND_JOB"}, b"Event-Name: CHANNEL_HANGUP\nContent-Type: x\n"))
    event = one(plain_event({"Event-Name": "MESSAGE", "Content-Type": "text/disconnect-notice"}))

    # Then both stay what they are, and nothing is lost
    assert (job.name, job.headers["Event-Name"]) == ("BACKGROUND_JOB", "BACKGROUND_JOB")
    assert job.data == "Event-Name: CHANNEL_HANGUP\nContent-Type: x\n"
    assert event.content_type == event.headers["Content-Type"] == "text/event-plain"
    assert event.own["Content-Type"] == "text/disconnect-notice"


def test_headers_found_one_by_one_stand_in_the_head_only() -> None:
    event = one(plain_event({"Event-Name": "BACKGROUND_JOB"}, b"\nForged: yes\n"))

    assert event.headers.get("Forged") is None
    assert "Forged" not in dict(event.headers)


def test_of_duplicated_headers_the_first_wins() -> None:
    inner = b"Event-Name: A\nEvent-Name: B\n\n"
    event = one(b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(inner) + inner)

    assert event.headers["Event-Name"] == dict(event.headers)["Event-Name"] == "A"


def test_a_reply_of_several_lines_is_kept_together() -> None:
    reply = one(b"Content-Type: command/reply\nReply-Text: one\ntwo\n\n")

    assert reply.headers["Reply-Text"] == "one\ntwo"


def test_bytes_that_are_not_utf8_do_no_harm() -> None:
    body = b'{"Event-Name":"X","Caller-Caller-ID-Name":"J\xf6rg"}'
    event = one(b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body) + body)

    assert event.headers["Caller-Caller-ID-Name"] == "J\ufffdrg"


@pytest.mark.parametrize("body", [b"[1]", b"{", b"", b"null"])
def test_json_that_is_no_object_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        _ = ESLEvent(Frame("text/event-json", b"Content-Type: text/event-json", body)).headers


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Content-Type: api/response\nContent-Length: 10\n\nshort", "middle of a frame"),
        (b"Content-Type: api/respon", "middle of a frame"),
        (b"Content-Type: api/response\nContent-Length: 5000\n\n", "longer than 4096"),
        (b"Content-Type: api/response\nContent-Length: 99999999999999999999999\n\n", "decimal"),
        (b"Content-Type: api/response\nContent-Length: -1\n\n", "decimal"),
        (b"Content-Type: api/response\nContent-Length: 1\nContent-Length: 2\n\n", "single"),
        (b"Content-Type: api/response\nContent-Length: \n\n", "decimal"),
        (b"Reply-Text: +OK\n\n", "no Content-Type"),
        (b"Content-Type: command/reply\nReply-Text: " + b"x" * 1100, "1024 bytes"),
        (b"Content-Type: command/reply\nReply-Text: " + b"x" * 1100 + b"\n\n", "1024 bytes"),
    ],
)
def test_what_breaks_the_protocol_is_an_error_however_it_is_split(data: bytes, words: str) -> None:
    whole = parse(data)
    byte_by_byte = parse(*(data[at : at + 1] for at in range(len(data))))

    assert words in whole[1]
    assert byte_by_byte == whole


def test_after_an_error_the_parser_stays_failed_and_holds_nothing() -> None:
    parser = Parser()
    parser.feed(b"nonsense\n\n")
    for _ in range(2):
        with pytest.raises(ProtocolError):
            parser.next_event()
    assert parser.buffered == 0


@fixed
@given(
    data=st.one_of(st.binary(max_size=400), st.just(STREAM)), cuts=st.lists(st.integers(0, len(STREAM)), max_size=20)
)
def test_any_split_of_any_bytes_gives_the_same(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    pieces = [data[start:end] for start, end in pairwise(places)]

    assert parse(*pieces) == parse(data)


mutations = st.lists(st.tuples(st.integers(0, len(STREAM) - 1), st.sampled_from(b"\n: 09%\0\xffC")), max_size=8)


@fixed
@given(mutations=mutations, size=st.integers(1, 50))
def test_damaged_streams_end_in_frames_or_the_protocol_error(mutations: list[tuple[int, int]], size: int) -> None:
    data = bytearray(STREAM)
    for at, byte in mutations:
        data[at] = byte
    whole = parse(bytes(data))

    assert parse(*(bytes(data[at : at + size]) for at in range(0, len(data), size))) == whole
    for frame in whole[0]:
        event = ESLEvent(frame)
        try:
            _ = event.handle, event.data, dict(event.headers)
        except ProtocolError:
            assert frame.content_type == "text/event-json"


@fixed
@given(body=st.binary(max_size=200), names=st.lists(st.sampled_from(["A", "Bc", "variable_d", "Content-Length"])))
def test_one_header_read_alone_is_the_same_as_among_all(body: bytes, names: list[str]) -> None:
    raw = b"".join(b"%s: %s\n" % (name.encode(), body.replace(b"\n", b"%0A")) for name in names) + b"\n" + body
    frame = Frame("text/event-plain", b"Content-Length: 1\nContent-Type: text/event-plain", raw)

    everything = dict(ESLEvent(frame).own)
    assert {name: ESLEvent(frame).own[name] for name in everything} == everything
    assert ESLEvent(frame).own.get("absent") is None


words = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)


@fixed
@given(
    lines=st.lists(st.sampled_from(["A: 1", "A: 2", "Bc: %41", "variable_d: _undef_", "variable_d2: x", "C", ""])),
    names=st.lists(st.sampled_from(["A", "Bc", "C", "variable_d", "variable_d2", "variable_", "D.*"])),
)
def test_headers_found_in_one_pass_are_the_same_as_those_found_one_by_one(lines: list[str], names: list[str]) -> None:
    raw = "\n".join(lines).encode()
    together = find(HeaderBlock(raw), Names(names))

    assert [together.get(name) for name in names] == [HeaderBlock(raw).get(name) for name in names]
    assert dict(together) == dict(HeaderBlock(raw))


@fixed
@given(arguments=words, body=st.none() | words)
def test_what_is_encoded_is_read_back_the_same(arguments: str, body: str | None) -> None:
    # Given a command that a peer reads the way FreeSWITCH does: block, empty line, Content-Length bytes
    data = encode_command("sendmsg", {"call-command": "execute", "execute-app-arg": arguments}, body)
    head, _, rest = data.partition(b"\n\n")
    lines = head.decode().split("\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])

    assert lines[0] == "sendmsg"
    assert headers["execute-app-arg"] == arguments
    assert rest.decode() == (body or "")
    assert int(headers.get("content-length", 0)) == len(rest)


@fixed
@given(text=st.text(max_size=10), bad=st.sampled_from("\r\n\0"), more=st.text(max_size=10))
def test_line_breaks_are_refused_everywhere(text: str, bad: str, more: str) -> None:
    for encode in (
        lambda value: encode_command(f"api {value}"),
        lambda value: encode_command("sendmsg", {"execute-app-arg": value}),
        lambda value: encode_command("sendmsg", {f"a{value}": "x"}),
    ):
        with pytest.raises(UnsafeArgument):
            encode(text + bad + more)


@pytest.mark.parametrize(
    ("line", "headers", "body"),
    [
        ("", {}, None),
        ("  ", {}, None),
        ("sendmsg", {"a b": "x"}, None),
        ("sendmsg", {"a:": "x"}, None),
        ("sendmsg", {"Content-Length": "3"}, None),
        ("sendmsg", {}, "a\0b"),
        ("api \ud800", {}, None),
    ],
)
def test_other_refusals(line: str, headers: dict[str, str], body: str | None) -> None:
    with pytest.raises(UnsafeArgument):
        encode_command(line, headers, body)


def test_a_body_may_hold_line_breaks_and_is_counted_in_bytes() -> None:
    data = encode_command("sendmsg", {"call-command": "execute"}, "é\nx")

    assert data == b"sendmsg\ncall-command: execute\ncontent-type: text/plain\ncontent-length: 4\n\n\xc3\xa9\nx"
