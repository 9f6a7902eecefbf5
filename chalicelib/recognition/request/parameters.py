"""Every recognition parameter: how it is written, and where it may be given."""

from __future__ import annotations

from typing import Literal

from chalicelib.recognition.request.parameter_kinds import (
    BOOLEAN,
    FRACTION,
    KEYWORDS,
    TEXT,
    ParameterKind,
    number,
    one_of,
    whole,
)

Interface = Literal["sync", "multipart", "async", "websocket"]
"""How recognition was asked for: HTTP with the audio as its body, HTTP with a form, a job, or a WebSocket."""

AVERAGED, SEPARATE = "averaged", "separate"
"""What becomes of the channels of a recording."""

MODEL_KINDS: dict[str, ParameterKind] = {
    "model": TEXT,
    "base_model_version": TEXT,
    "acoustic_customization_id": TEXT,
    "acoustic_customization_version": whole("a whole number of at least 1", lambda number: number >= 1, 1),
    "language_customization_id": TEXT,
    "customization_id": TEXT,
}
"""What chooses the model: always in the query."""

REQUEST_KINDS: dict[str, ParameterKind] = {
    "customization_weight": FRACTION,
    "grammar_name": TEXT,
    "timestamps": BOOLEAN,
    "word_confidence": BOOLEAN,
    "max_alternatives": whole("a whole number of at least 0", lambda count: count >= 0, 0),
    "end_of_phrase_silence_time": number(0.0, 120.0),
    "split_transcript_at_phrase_end": BOOLEAN,
    "keywords": KEYWORDS,
    "keywords_threshold": FRACTION,
    "word_alternatives_threshold": FRACTION,
    "profanity_filter": BOOLEAN,
    "smart_formatting": BOOLEAN,
    "written": BOOLEAN,
    "redaction": BOOLEAN,
    "speaker_labels": BOOLEAN,
    "audio_metrics": BOOLEAN,
    "speech_detector_sensitivity": FRACTION,
    "background_audio_suppression": FRACTION,
    "channels": one_of(AVERAGED, SEPARATE),
    "inactivity_timeout": whole(
        "a whole number of seconds, greater than 0, or -1 for no timeout",
        lambda seconds: seconds == -1 or seconds > 0,
        -1,
    ),
    "interim_results": BOOLEAN,
    "processing_metrics": BOOLEAN,
    "processing_metrics_interval": number(0.1),
    "low_latency": BOOLEAN,
    "character_insertion_bias": number(-1.0, 1.0),
}
"""What a request asks for: in the query, in a `start` message, or in the `metadata` of a form."""

KINDS = MODEL_KINDS | REQUEST_KINDS

NEXT_GENERATION_ONLY = frozenset({"low_latency", "character_insertion_bias"})
"""Known only beside the names of next-generation models."""

NOT_SUPPORTED: dict[Interface, tuple[str, ...]] = {
    "sync": ("interim_results", "processing_metrics"),
    "multipart": (),
    "async": ("interim_results",),
    "websocket": (),
}
"""Switches that an interface cannot follow."""

QUERY: dict[Interface, frozenset[str]] = {
    "sync": frozenset(KINDS),
    "multipart": frozenset(MODEL_KINDS),
    "async": frozenset(KINDS),
    "websocket": frozenset(KINDS),
}
"""What is read from the query. A WebSocket's gives defaults for all the requests of the connection."""

READ_ELSEWHERE: dict[Interface, frozenset[str]] = {
    "sync": frozenset({"upload"}),
    "multipart": frozenset(),
    "async": frozenset({"callback_url", "events", "user_token", "results_ttl", "upload"}),
    "websocket": frozenset(
        {"access_token", "watson-token", "x-watson-learning-opt-out", "x-watson-metadata"}
    ),
}
"""Of the query; they concern the body, the job or the connection and not recognition."""

_LIVE = frozenset({"interim_results", "processing_metrics", "processing_metrics_interval", "audio_metrics"})
MESSAGE: dict[Interface, frozenset[str]] = {
    "sync": frozenset(),
    "multipart": frozenset(REQUEST_KINDS) - _LIVE,
    "async": frozenset(),
    "websocket": frozenset(REQUEST_KINDS),
}
"""What is read from a `start` message or the `metadata` of a form."""

MESSAGE_READ_ELSEWHERE: dict[Interface, frozenset[str]] = {
    "sync": frozenset(),
    "multipart": frozenset({"part_content_type", "data_parts_count"}),
    "async": frozenset(),
    "websocket": frozenset({"action", "content-type", "content_type"}),
}
"""Of a `start` message or the `metadata` of a form."""
