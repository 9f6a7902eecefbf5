"""What is made of a recording's channels: their average, which may lose speech, or each by itself."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.errors import AudioError
from chalicelib.audio.stream import Samples

MOST_SEPARATE = 8
"""Each channel costs as much as a recording of its own: surround sound of 7.1 is the most."""

_FRAME_S = 0.1
_LOOKED_AT_HZ = 8000
"""So many samples a second tell enough: what aliases keeps its power, and stays as alike as it was."""
_BIN_DB = 3.0
_SOUND_DB = 24.0
"""What lies so far below the loudest frames is no sound but the line's noise."""
_LEAST_DB = -75.0
"""Of full scale: below this is nothing but rounding."""
_LEAST_LOST_S = 0.5
_LEAST_LOST_SHARE = 0.02
"""Of the sound. What codecs change about one and the same channel stays far below."""


class TooManySeparateChannels(AudioError):
    """More channels than are recognised by themselves."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        super().__init__(
            f"The audio has {channels} channels, but channels=separate takes at most {MOST_SEPARATE}. "
            "Send those that hold speech, or leave channels=separate out to have all of them averaged."
        )


def mono(samples: Samples) -> Samples:
    """Average the channels of samples of shape (n, channels)."""
    if samples.shape[1] == 1 or not any(samples.strides):  # one, or one sample that stands for all
        return samples[:, 0]
    return np.asarray(samples.mean(axis=1, dtype=np.float32), np.float32)


class Mixer:
    """Makes of a recording's channels what is recognised, block by block."""

    def __init__(self, *, separate: bool = False) -> None:
        """Take whether each channel is wanted by itself."""
        self._separate = separate
        self._difference: ChannelDifference | None = None
        self.channels = 0
        """How many come out; known once `begin` was called."""

    def begin(self, rate_hz: int, channels: int) -> None:
        """Take how the recording was sampled.

        Raises:
            TooManySeparateChannels: each is wanted by itself, and there are more than `MOST_SEPARATE`.
        """
        if self._separate and channels > MOST_SEPARATE:
            raise TooManySeparateChannels(channels)
        self.channels = channels if self._separate else 1
        if not self._separate and channels > 1:
            self._difference = ChannelDifference(rate_hz, channels)

    def mix(self, samples: Samples) -> Samples:
        """Return samples of shape (n, channels) as they are wanted: averaged, or as they came.

        If one channel comes out, the shape is (n,).
        """
        if self.channels > 1:
            return samples
        if self._difference is not None:
            self._difference.feed(samples)
        return mono(samples)

    @property
    def loses_speech(self) -> bool:
        """Channels were averaged that differ, by what was mixed so far."""
        return self._difference is not None and self._difference.loses_speech


class ChannelDifference:
    """Measures what the average of channels does not hold of each of them, as they come.

    What a channel has in common with the average is not lost, however loud it is there: one voice in two
    channels, a silent channel or one that is softer loses nothing. Voices that are alone in their channels
    do, and so do channels of opposite sign, which cancel each other out.

    Every tenth of a second that holds sound counts the same: somebody who speaks softly counts as much as
    somebody loud. What is sound depends on the loudest moments, so frames are summed by their level.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        """Take how the recording is sampled, at `rate_hz` with so many channels."""
        self._frame = max(1, round(_FRAME_S * rate_hz))
        self._step = max(1, rate_hz // _LOOKED_AT_HZ)
        self._channels = channels
        self._rest: Samples = np.empty((0, channels), np.float32)
        self._by_level: dict[int, NDArray[np.float64]] = {}
        """Sums of the frames' covariances, shape (channels, channels), each frame of trace 1."""

    def feed(self, samples: Samples) -> None:
        """Take the next samples, shape (n, channels)."""
        together = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(together) // self._frame * self._frame
        self._rest = together[whole:].copy()
        if not whole:
            return
        frames = together[:whole].reshape(-1, self._frame, self._channels)[:, :: self._step]
        frames = frames - frames.mean(axis=1, keepdims=True)
        covariances = np.matmul(frames.transpose(0, 2, 1), frames).astype(np.float64) / frames.shape[1]
        powers = np.trace(covariances, axis1=1, axis2=2)
        audible = powers > 10 ** (_LEAST_DB / 10)
        levels = np.floor(10 * np.log10(powers[audible]) / _BIN_DB).astype(int)
        alike = covariances[audible] / powers[audible][:, None, None]
        for level in np.unique(levels).tolist():
            found = alike[levels == level].sum(axis=0)
            self._by_level[level] = self._by_level.get(level, np.zeros_like(found)) + found

    @property
    def loses_speech(self) -> bool:
        """The average loses at least half a second of the sound, and a fiftieth of it."""
        if not self._by_level:
            return False
        loudest = max(self._by_level)
        heard = [
            covariance
            for level, covariance in self._by_level.items()
            if level > loudest - math.ceil(_SOUND_DB / _BIN_DB)
        ]
        covariance = np.sum(heard, axis=0)
        lost_s, sound_s = _lost(covariance) * _FRAME_S, float(np.trace(covariance)) * _FRAME_S
        return lost_s >= max(_LEAST_LOST_S, _LEAST_LOST_SHARE * sound_s)


def _lost(covariance: NDArray[np.float64]) -> float:
    """Return how much of the channels' power the best multiples of their average leave over."""
    with_average = covariance.mean(axis=1)
    average = float(with_average.mean())
    power = float(np.trace(covariance))
    if average <= 1e-9 * power:
        return power
    return power - float(with_average @ with_average) / average
