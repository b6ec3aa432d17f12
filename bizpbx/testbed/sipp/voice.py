"""What the caller of a SIPp hears, what it says after the beep of a voicemail, and the keys that it presses meanwhile:
RTP with G.711 u-law and telephone events (RFC 4733).

SIPp sends and takes no sound of its own here: its SDP names this socket.
"""

from __future__ import annotations

import math
import select
import socket
import struct
import threading
import time
from array import array
from collections import deque
from typing import Final

from bizpbx.testbed.world import SAMPLE_RATE, Speech

PACKET: Final = 160
"""Samples: 20 ms."""
BEEP: Final = 1000
"""Hz."""
BEEP_PACKETS: Final = 10
"""So many in a row are a beep, and no word that happens to hold the tone."""
LOUD: Final = 8000
REACTION: Final = 12
"""Packets from the end of the beep to the first word: a quarter of a second, which is quick for people."""
EVENTS: Final = 101
"""Payload type, as our SDP has it."""
PRESSED: Final = 3
"""Packets that a key is held down, 80 ms; the last one is sent three times."""
RELEASED: Final = 3
"""Packets until the next one."""
_KEYS: Final = "0123456789*#"
_EVENT: Final = struct.Struct("!BBH")
_HEADER: Final = struct.Struct("!BBHII")
_BIAS: Final = 0x84


class Voice:
    """A thread with one socket. It speaks to where it is spoken to from: first silence, then what is to be said."""

    def __init__(self, host: str, port: int, speech: Speech | None) -> None:
        self._words = spoken(speech) if speech is not None else b""
        self._heard: array[int] = array("h")
        self._peer: tuple[str, int] | None = None
        self._beeping = 0
        self._sent = 0
        self._speaks_from: int | None = None
        self._pressed: deque[str] = deque()
        self._holding = 0
        """Packets since the first one of the key that is pressed."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"voice {port}", daemon=True)
        self._thread.start()

    def heard(self) -> array[int]:
        """Samples, in the order in which they came."""
        return self._heard[:]

    @property
    def has_spoken(self) -> bool:
        """Whether all of its words are on their way."""
        return self._speaks_from is not None and (self._sent - self._speaks_from) * PACKET >= len(self._words)

    def press(self, keys: str) -> None:
        """One after the other."""
        self._pressed.extend(keys)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        due = 0.0
        while not self._stopped.is_set():
            wait = 0.02 if self._peer is None else max(0.0, due - time.monotonic())
            ready, _, _ = select.select([self._socket], [], [], wait)
            if ready:
                self._receive()
            if self._peer is not None and time.monotonic() >= due:
                due = max(due + 0.02, time.monotonic() - 0.1)
                self._send(self._peer)

    def _receive(self) -> None:
        try:
            packet, sender = self._socket.recvfrom(2048)
        except OSError:
            return
        if len(packet) <= 12 or packet[0] >> 6 != 2 or packet[1] & 0x7F != 0:
            return
        samples = decoded(packet[12 + 4 * (packet[0] & 15) :])
        self._heard.extend(samples)
        self._peer = sender
        if is_tone(samples, BEEP):
            self._beeping += 1
        else:
            if self._beeping >= BEEP_PACKETS and self._speaks_from is None:
                self._speaks_from = self._sent + REACTION
            self._beeping = 0

    def _send(self, peer: tuple[str, int]) -> None:
        payload = SILENCE
        if self._speaks_from is not None:
            first = (self._sent - self._speaks_from) * PACKET
            if 0 <= first < len(self._words):
                payload = self._words[first : first + PACKET]
        kind, moment = 0, self._sent
        if self._pressed:
            kind, moment, payload = self._key(payload)
        header = _HEADER.pack(0x80, kind, self._sent & 0xFFFF, moment * PACKET & 0xFFFFFFFF, 1)
        self._sent += 1
        try:
            self._socket.sendto(header + payload, peer)
        except OSError:
            return

    def _key(self, otherwise: bytes) -> tuple[int, int, bytes]:
        """Payload type, the packet whose moment it has, and payload of the next packet of a key; after it a pause."""
        held = self._holding
        self._holding += 1
        last = PRESSED + 2
        if held > last:
            if held == last + RELEASED:
                self._pressed.popleft()
                self._holding = 0
            return 0, self._sent, otherwise
        first = self._sent - held
        end = 0x80 if held >= PRESSED else 0
        duration = (min(held, PRESSED) + 1) * PACKET
        # The first one has the mark that a key begins.
        kind = EVENTS | (0x80 if held == 0 else 0)
        return kind, first, _EVENT.pack(_KEYS.index(self._pressed[0]), end | 10, duration)


def is_tone(samples: array[int], frequency: int) -> bool:
    """Whether nearly all of the energy is at this frequency (Goertzel)."""
    total = sum(sample * sample for sample in samples)
    if not samples or total < 1e6 * len(samples) / 100:
        return False
    weight = 2 * math.cos(2 * math.pi * frequency / SAMPLE_RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + weight * last - before
    power = last * last + before * before - weight * last * before
    return power / (total * len(samples) / 2) > 0.8


def spoken(speech: Speech) -> bytes:
    """All of it, in whole packets."""
    step = 2 * math.pi * speech.frequency / SAMPLE_RATE
    packets = math.ceil(speech.seconds * SAMPLE_RATE / PACKET)
    return bytes(encoded(round(LOUD * math.sin(step * n))) for n in range(packets * PACKET))


def decoded(payload: bytes) -> array[int]:
    """Samples of G.711 u-law."""
    return array("h", (_DECODED[byte] for byte in payload))


def encoded(sample: int) -> int:
    """One sample as G.711 u-law."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + _BIAS
    exponent = value.bit_length() - 8
    return ~(sign | exponent << 4 | value >> exponent + 3 & 15) & 0xFF


def _decode(byte: int) -> int:
    byte = ~byte & 0xFF
    value = ((byte & 15) << 3) + _BIAS << (byte >> 4 & 7)
    return _BIAS - value if byte & 0x80 else value - _BIAS


_DECODED: Final = tuple(map(_decode, range(256)))
SILENCE: Final = bytes([encoded(0)]) * PACKET
