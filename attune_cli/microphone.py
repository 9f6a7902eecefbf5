"""Where `attune listen` takes sound from: a microphone, if sounddevice is installed, or standard input."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
from collections.abc import Iterator
from typing import Any

from attune_cli.errors import CommandError, WrongUsage

BLOCK_S = 0.1
_BYTES_A_SAMPLE = 2
_WAIT_S = 0.5
_OTHERWISE = "Or let another program record: arecord -f S16_LE -r 16000 -c 1 -t raw | attune listen --stdin"


def standard_input(rate_hz: int) -> Iterator[bytes]:
    """Yield blocks of samples from standard input, until it ends.

    Raises:
        WrongUsage: it is a terminal.
    """
    if sys.stdin.isatty():
        raise WrongUsage("Standard input is a terminal, and brings no sound.", _OTHERWISE)
    size = int(rate_hz * BLOCK_S) * _BYTES_A_SAMPLE
    stream = sys.stdin.buffer.fileno()
    while block := os.read(stream, size):
        yield block


@contextlib.contextmanager
def microphone(rate_hz: int, device: str | None) -> Iterator[Iterator[bytes]]:
    """Open a microphone, and give its blocks of 16-bit samples until the block is left.

    Raises:
        CommandError: sounddevice or PortAudio is missing, or the microphone cannot be had.
    """
    try:
        import sounddevice
    except ImportError:
        raise CommandError(
            "To hear a microphone, sounddevice is needed: pip install sounddevice", _OTHERWISE
        ) from None
    except OSError as error:
        raise CommandError(
            f"sounddevice does not find PortAudio ({error}).",
            f"On Debian: apt install libportaudio2. {_OTHERWISE}",
        ) from None
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def take(data: Any, frames: int, when: Any, status: Any) -> None:
        heard.put(bytes(data))

    try:
        stream = sounddevice.RawInputStream(
            samplerate=rate_hz,
            blocksize=int(rate_hz * BLOCK_S),
            channels=1,
            dtype="int16",
            device=int(device) if device is not None and device.isdigit() else device,
            callback=take,
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise CommandError(
            f"The microphone cannot be opened: {error}.",
            "Is one there, and may this program use it (the system's privacy settings)? "
            f"`python -m sounddevice` lists devices for --device. {_OTHERWISE}",
        ) from None
    try:
        yield _blocks(heard)
    finally:
        stream.stop()
        stream.close()


def _blocks(heard: queue.SimpleQueue[bytes]) -> Iterator[bytes]:
    while True:
        with contextlib.suppress(queue.Empty):
            yield heard.get(timeout=_WAIT_S)
