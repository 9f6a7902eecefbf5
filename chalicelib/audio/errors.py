"""What can be wrong with audio; each text is for the user and names the way out."""

from __future__ import annotations

NARROWBAND_HZ = 8_000
"""No base model takes less."""


class AudioError(Exception):
    """Audio that cannot be used."""


class Undecodable(AudioError):
    """The bytes are not audio of the format they are said to be."""

    def __init__(self, essence: str, reason: str) -> None:
        self.essence = essence
        """The format tried, as Watson names it: `audio/mpeg`, never `audio/mp3`."""
        self.reason = reason
        super().__init__(reason)


def undecodable(essence: str) -> Undecodable:
    """Say that the bytes are not what they are said to be."""
    return Undecodable(
        essence,
        f"The bytes cannot be read as {essence}. Check that they are whole and of that type.",
    )


class Mixed(Undecodable):
    """The recording changes midway how it is coded or sampled."""


class EndiannessUnclear(Undecodable):
    """Raw samples make as much (or as little) sense in either byte order."""

    def __init__(self, examined_bytes: int, total_bytes: int) -> None:
        super().__init__(
            "audio/l16",
            f"could not detect endianness after looking at the tail {examined_bytes} non-zero byte string "
            f"in a data stream of {total_bytes} bytes. Is the bytestream really PCM data?",
        )


class RateTooLow(AudioError):
    """The audio was sampled more slowly than the base model needs."""

    def __init__(self, rate_hz: int, needed_hz: int) -> None:
        self.rate_hz = rate_hz
        self.needed_hz = needed_hz
        narrow = rate_hz >= NARROWBAND_HZ
        super().__init__(
            f"The audio is sampled at {rate_hz} Hz, but the base model needs at least {needed_hz} Hz. "
            + ("Use a narrowband model, or audio" if narrow else "Use audio")
            + " recorded at a higher rate."
        )


class TooManyChannels(AudioError):
    """More channels than the format may have."""

    def __init__(self, channels: int, maximum: int) -> None:
        self.channels = channels
        self.maximum = maximum
        super().__init__(
            f"The audio has {channels} channels, but at most {maximum} are supported. Mix it down first."
        )


class TooLong(AudioError):
    """The audio goes on for longer than is allowed: a decompression bomb, or a job for several requests."""

    def __init__(self, maximum_s: float) -> None:
        self.maximum_s = maximum_s
        hours = maximum_s / 3600
        length = f"{hours:g} hours" if hours >= 1 else f"{maximum_s:g} seconds"
        super().__init__(f"The audio is longer than {length}. Split it into several parts.")


class TooSlow(AudioError):
    """Decoding has taken longer than it may."""

    def __init__(self, maximum_s: float) -> None:
        self.maximum_s = maximum_s
        super().__init__(
            f"The audio could not be read within {maximum_s:.0f} seconds. Split it into several parts."
        )
