"""Results answered as subtitles, for requests whose `Accept` names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.api.http.calls import Answer, Call, Content
from chalicelib.recognition.results import cues, subtitles


def format_of(call: Call) -> subtitles.Format | None:
    """Return the format of subtitles that a request wants; None: it wants JSON."""
    return subtitles.accepted(call.headers.get("accept"))


def answer(results: Mapping[str, Any], wanted: subtitles.Format) -> Answer:
    """Return `SpeechRecognitionResults` as subtitles; their warnings stand in a header.

    Raises:
        cues.NoTimes: they have no `timestamps`.
    """
    text = subtitles.written(cues.cues(results), wanted)
    return Answer(
        200,
        Content(text.encode(), subtitles.MEDIA_TYPES[wanted]),
        warning_header(results.get("warnings") or ()),
    )


def warning_header(warnings: Sequence[str]) -> dict[str, str]:
    """Return the header `Warning` (RFC 7234) of an answer whose body has no place for warnings."""
    texts = ["".join(" " if c in '"\\' or not c.isprintable() else c for c in text) for text in warnings]
    quoted = [f'199 attune "{text.encode("ascii", "replace").decode()}"' for text in texts]
    return {"Warning": ", ".join(quoted)} if quoted else {}
