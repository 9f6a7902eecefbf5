"""The decoding processes of this process: for who waits, and for what nobody waits for."""

from __future__ import annotations

import functools
import os
import threading

from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.decoding.decoding_processes import BACKGROUND_COMMAND

_BACKGROUND_LIMIT_S = 3600.0
"""For one utterance, which may have to wait for the cores for long."""
_making_pool = threading.Lock()


def decoder_pool() -> DecoderPool:
    """Return this process's decoding processes: one for each core that it may use."""
    with _making_pool:
        return _decoder_pool()


def background_pool() -> DecoderPool:
    """Return processes for work that nobody sits and waits for: they take what others leave of the cores."""
    with _making_pool:
        return _background_pool()


@functools.cache
def _background_pool() -> DecoderPool:
    return DecoderPool(len(os.sched_getaffinity(0)), command=BACKGROUND_COMMAND, limit_s=_BACKGROUND_LIMIT_S)


@functools.cache
def _decoder_pool() -> DecoderPool:
    return DecoderPool(len(os.sched_getaffinity(0)))
