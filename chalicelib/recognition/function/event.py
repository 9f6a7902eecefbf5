"""The event of the recognition function: the audio, the models, the options, and the step of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentType
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.recognition.request.backend import Form
from chalicelib.recognition.request.models import ServingModel
from chalicelib.recognition.request.options import Options


@dataclass(frozen=True)
class JobStep:
    """One step of a job, whose recording may be cut into pieces: the first, that of a piece, or the last."""

    prefix: str
    """Of the keys of the pieces."""
    piece: int | None = None
    """Decode this piece."""
    pieces: int | None = None
    """Put these pieces together."""
    keep: Keeping | None = None
    """What is to be done with the results."""

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> JobStep:
        """Read it from the event."""
        keep = fields.get("keep")
        return cls(
            fields["prefix"],
            fields.get("piece"),
            fields.get("pieces"),
            None if keep is None else Keeping.from_json(keep),
        )


@dataclass(frozen=True)
class RecognitionRequest:
    """The function's event."""

    audio_key: str
    content_type: ContentType | None
    """None: to be detected."""
    model: ServingModel
    """Its base version and artefacts."""
    options: Options
    form: Form | None = None
    step: JobStep | None = None
    """Of a job; None: everything is wanted at once."""
    owner: str = ""
    """Whose it is."""
    streamed_s: float | None = None
    """How long the audio was sent in chunks; None: it came at once."""
    background: bool = False
    """Nobody sits and waits for it; so it is with every job."""

    @classmethod
    def parse(cls, event: dict[str, Any]) -> RecognitionRequest:
        """Read the event.

        Raises:
            audio.content_types.ContentTypeError: the content type cannot be used.
        """
        content_type = event["audio"].get("content_type")
        form = event["audio"].get("form")
        return cls(
            audio_key=event["audio"]["key"],
            content_type=None if content_type is None else content_types.parse(content_type),
            model=ServingModel.from_json(event),
            options=Options.from_json(event["options"]),
            form=None if form is None else Form.from_json(form),
            step=JobStep.from_json(event["step"]) if "step" in event else None,
            owner=event.get("owner", ""),
            streamed_s=event["audio"].get("streamed_s"),
            background=event.get("background", False),
        )
