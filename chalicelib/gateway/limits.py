"""How much the gateway takes at once, and how long it waits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True)
class GatewayLimits:
    """The gateway's bounds; the defaults are those of the service."""

    inline_bytes: int = MIB
    """Longer bodies go to the bucket; routes that take no audio or corpus refuse them."""
    body_bytes: int = 100 * MIB
    """Longest body of a route that takes large ones, after decoding."""
    job_bytes: int = 1024 * MIB
    """Longest body of a recognition job, after decoding."""
    part_bytes: int = 8 * MIB
    """Size of the parts of a multipart upload; S3 wants at least 5 MiB."""
    write_bytes: int = MIB // 4
    """So much of a part is in memory; the rest of it waits in a file."""
    uploads: int = 128
    """Bodies being stored at the same time, however slowly they come; each has a file open."""
    uploads_waiting: int = 64
    """Clients whose large body may wait for its turn, unread."""
    upload_wait_s: float = 60.0
    take_back_s: float = 3.0
    """How long the end of the process waits for unfinished uploads to be aborted."""
    storage_threads: int = 8
    backend_threads: int = 16
    backend_waiting: int = 256
    recognition_threads: int = 64
    """Recognitions take long, so they have threads of their own and never hold up other calls."""
    recognition_waiting: int = 128
    body_idle_s: float = 30.0
    """A client that sends nothing of its body for this long gets 408."""
    stream_window_s: float = 30.0
    stream_audio_s: float = 15.0
    """Of audio in any such window, or a recognition that is sent in chunks gets 408."""
    keep_alive_s: float = 20.0
    """A space goes out this often while a recognition runs."""
    linger_s: float = 30.0
    """How long the rest of a refused body is read and thrown away, so that the client sees the answer."""
    linger_idle_s: float = 3.0
    sockets: int = 1000
    """WebSockets open at the same time."""
    decoders: int = field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    """Processes that decode WebSockets' utterances. One that is being spoken keeps its process half idle."""
    retry_after_s: int = 5
    owners_share: float = 0.5
    """Of threads, queues, uploads and sockets: one owner has no more, whoever else is there."""
