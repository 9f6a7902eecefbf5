"""`/v1/audio/transcriptions`: speech to text in the shape of OpenAI's audio API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.api import subtitled
from chalicelib.api.http import bodies, errors
from chalicelib.api.http.bodies import UploadBody
from chalicelib.api.http.calls import Answer, Call, Early
from chalicelib.api.http.errors import ApiError
from chalicelib.api.http.routing import Routes
from chalicelib.api.openai import openai_answers, openai_models, openai_request
from chalicelib.api.openai.openai_request import TranscriptionRequest
from chalicelib.api.recognition import in_bucket
from chalicelib.recognition.request import backend, forms, languages, models, options, unheeded
from chalicelib.recognition.request.models import ServingModel
from chalicelib.sharing import usage

routes = Routes()

errors.register(openai_request.BadField, 400)
errors.register(openai_models.NoSuchModel, 404)
errors.register(openai_models.WrongLanguage, 400)


@routes.route("POST", "/audio/transcriptions")
def create_transcription(call: Call) -> Answer:
    """Recognise a file: multipart form in, text, JSON, subtitles or server-sent events out."""
    boundary = forms.boundary_of(call.content_type)
    if boundary is None:
        raise openai_request.BadField(
            "file", "The body must be a form: send the file and the fields as multipart/form-data."
        )
    usage.check(call.owner)
    body = bodies.read(call, backend.MAX_AUDIO_BYTES)
    if body.pending:
        return Answer(204)
    request = openai_request.read(forms.fields(body.open(), boundary, openai_request.FILE))
    chosen = openai_models.chosen(call.owner, request.model, request.language)
    return _recognized(call, body, boundary, request, chosen)


@dataclass(frozen=True)
class _Heard:
    """What a recording was recognised with, and as what."""

    parsed: options.Parsed
    model: ServingModel
    results: dict[str, Any]
    audio_s: float


def _recognized(
    call: Call,
    body: UploadBody,
    boundary: str,
    request: TranscriptionRequest,
    chosen: openai_models.ChosenModel,
) -> Answer:
    form = backend.Form(boundary, 1, name=openai_request.FILE, by_content=True)
    told = _Told(call.early) if request.stream and call.early is not None else None

    def hear(key: str, name: str) -> _Heard:
        parsed = _asked(chosen, name)
        model = models.choose(call.owner, parsed.options)
        event = backend.event_for(key, None, model, parsed.options, owner=call.owner, form=form)
        return _Heard(parsed, model, *backend.measured(event, told))

    with in_bucket(body) as key:
        try:
            try:
                heard = hear(key, chosen.model)
            except backend.RecognitionFailed as error:
                if not error.rate_too_low or chosen.narrowband is None:
                    raise
                # Who asked for no base model in particular means whichever hears this recording.
                heard = hear(key, chosen.narrowband)
        except backend.RecognitionFailed as error:
            raise ApiError(error.code, str(error).replace(backend.ENDPOINT, call.base_url)) from error
    warnings = [
        *request.warnings,
        *heard.parsed.warnings,
        *unheeded.warnings(heard.parsed.options, heard.model.base_version),
        *heard.model.warnings,
        *heard.results.get("warnings", ()),
    ]
    language = openai_models.language_of(heard.parsed.options.model)
    transcription = openai_answers.Transcription(
        heard.results, heard.audio_s, language, tuple(warnings), told.texts if told is not None else 0
    )
    return Answer(200, transcription.body(request), subtitled.warning_header(warnings))


class _Told:
    """Sends the text of each result as soon as it is known."""

    def __init__(self, early: Early) -> None:
        self._early = early
        self.texts = 0
        """So many were sent."""

    def __call__(self, result: dict[str, Any]) -> None:
        if text := openai_answers.text_of(result):
            self._early(openai_answers.EVENTS, openai_answers.delta(text, self.texts))
            self.texts += 1


def _asked(chosen: openai_models.ChosenModel, model: str) -> options.Parsed:
    """Return what recognition is asked for: the text as it is written, with times, and nothing masked."""
    asked = {"model": model, "written": "true", "timestamps": "true", "profanity_filter": "false"}
    if languages.is_english(model):
        asked["smart_formatting"] = "true"  # of versions that do not write
    asked |= {f"{kind}_customization_id": name for kind, name in chosen.customizations}
    return options.parse({name: [value] for name, value in asked.items()})
