"""`/v1/evaluations`: models measured on test sets, or compared without transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib import settings
from chalicelib.api.http import errors, parameters
from chalicelib.api.http.calls import Answer, Call, Content
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.api.test_sets import name_of
from chalicelib.evaluation import contenders, evaluations, limits, test_sets
from chalicelib.evaluation import errors as evaluation
from chalicelib.evaluation.contenders import Contender
from chalicelib.evaluation.evaluations import COMPARISON, TEST_SET, Material
from chalicelib.evaluation.recordings import chosen_audio
from chalicelib.evaluation.recordings.chosen_audio import ChosenAudio
from chalicelib.evaluation.statuses import EvaluationStatus, SetStatus
from chalicelib.evaluation.wording import Wording
from chalicelib.sharing import usage
from chalicelib.storage.tables import Evaluation, TestSet, watson_time

routes = Routes()

_EVALUATIONS = "/evaluations"
_EVALUATION = "/evaluations/{evaluation_id}"
_FIELDS = ("name", "test_set_id", "models", "acoustic_customization_id", "held_out", "audio")
_AUDIO_FIELDS = ("acoustic_customization_id", "audio_names")
_LONGEST_ID = 100
_WHAT = (
    'Say what to evaluate on: "test_set_id", or without transcripts "acoustic_customization_id" with '
    '"held_out": true, or "audio": {"acoustic_customization_id": …, "audio_names": […]}.'
)
_SECONDS_AN_HOUR = 3600

errors.register(evaluation.UnknownEvaluation, 404)
errors.register(evaluation.NothingThere, 404)
errors.register(evaluation.StillProcessing, 409)
errors.register(evaluation.EvaluationRefused, 400)


@routes.route("POST", _EVALUATIONS)
def create_evaluation(call: Call) -> Answer:
    """Measure models on a test set, or compare them on recordings of a custom model."""
    fields = parameters.json_object(call.body)
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise BadRequest(f"Unknown field '{unknown[0][:60]}': there are {', '.join(_FIELDS)}.")
    name = name_of(parameters.optional_text(fields, "name", 10 * limits.NAME_CHARACTERS))
    customer_id = parameters.customer_id(call)
    usage.check(call.owner)
    if fields.get("test_set_id") is not None:
        material, chosen, audio_s = _on_test_set(call.owner, fields)
    else:
        material, chosen, audio_s = _on_recordings(call.owner, fields)
    contenders.check_comparable(chosen)
    _check_budget(audio_s, len(chosen))
    row = evaluations.create(call.owner, name, material, chosen, customer_id)
    return Answer(202, {"evaluation_id": row.evaluation_id, "status": row.status})


@routes.route("GET", _EVALUATIONS)
def list_evaluations(call: Call) -> dict[str, Any]:
    """List the owner's evaluations, newest first, without their results."""
    return {"evaluations": [_shown(row) for row in evaluations.of_owner(call.owner)]}


@routes.route("GET", _EVALUATION)
def get_evaluation(call: Call, evaluation_id: str) -> dict[str, Any]:
    """Show an evaluation, with its results or with the reason why there are none."""
    row = evaluations.get(call.owner, evaluation_id)
    if row.status != EvaluationStatus.COMPLETED:
        return _shown(row)
    return {**_shown(row), "results": evaluations.results(row)}


@routes.route("GET", f"{_EVALUATION}/picture")
def get_evaluation_picture(call: Call, evaluation_id: str) -> Answer:
    """Show the results as a picture."""
    picture = evaluations.picture(evaluations.get(call.owner, evaluation_id))
    # Opened by itself, it is a document: it may bring its own style along, and do nothing else.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return Answer(200, Content(picture, "image/svg+xml"), {"Content-Security-Policy": policy})


@routes.route("GET", f"{_EVALUATION}/audio/{{number}}")
def get_evaluation_audio(call: Call, evaluation_id: str, number: str) -> Answer:
    """Return the audio of an utterance that the results show."""
    row = evaluations.get(call.owner, evaluation_id)
    if not number.isascii() or not number.isdigit() or len(number) > len(str(limits.UTTERANCES)):
        raise evaluation.NothingThere(f"'{number[:60]}' is not the number of an utterance.")
    audio, content_type = evaluations.audio(row, int(number))
    return Answer(200, Content(audio, content_type), {"X-Content-Type-Options": "nosniff"})


@routes.route("DELETE", _EVALUATION)
def delete_evaluation(call: Call, evaluation_id: str) -> dict[str, Any]:
    """Remove an evaluation, whatever it is doing."""
    evaluations.delete(call.owner, evaluation_id)
    return {}


def _on_test_set(owner: str, fields: dict[str, Any]) -> tuple[Material, Sequence[Contender], float]:
    """Return the test set of a request, its models, and how many seconds each has to recognise."""
    test_set_id = parameters.required_text(fields, "test_set_id", _LONGEST_ID)
    row = test_sets.get(owner, test_set_id)
    others = [name for name in ("acoustic_customization_id", "held_out", "audio") if fields.get(name)]
    if others:
        raise BadRequest(f"'{others[0]}' cannot stand beside 'test_set_id': models are named in 'models'.")
    if row.status == SetStatus.PROCESSING:
        raise evaluation.StillProcessing(test_set_id)
    if row.status == SetStatus.INVALID:
        raise evaluation.EvaluationRefused(f"Test set '{test_set_id}' cannot be used: {row.error}")
    chosen = _models(owner, fields, 1, limits.MODELS)
    for one in chosen:
        _check_fit(row, one)
    labels = frozenset({row.customer_id} if row.customer_id else ())
    return Material(TEST_SET, test_set_id, customer_ids=labels), chosen, float(row.duration_s)


def _check_fit(row: TestSet, model: Contender) -> None:
    rate_hz = int(row.least_rate_hz or 0)
    if rate_hz < model.least_rate_hz:
        raise evaluation.EvaluationRefused(
            f"The test set has recordings of {rate_hz} Hz, but {model.label} needs at least "
            f"{model.least_rate_hz} Hz. Use a narrowband model."
        )
    script = Wording(model.language).script
    if row.script not in (None, script):
        raise evaluation.EvaluationRefused(
            f"The transcripts of the test set are in {row.script} letters, but {model.label} hears "
            f"{model.language}, which is written in {script} ones. Choose a model of their language."
        )


def _on_recordings(owner: str, fields: dict[str, Any]) -> tuple[Material, Sequence[Contender], float]:
    """Return the recordings of a request, both models, and how many seconds each has to recognise at most."""
    chosen = _chosen_audio(fields)
    resources = chosen_audio.resources(owner, chosen)
    if fields.get("models") is None:
        custom = contenders.chosen(owner, {"acoustic_customization_id": chosen.customization_id})
        base = {"model": custom.asked["model"], "base_model_version": custom.serving.base_version}
        models: Sequence[Contender] = [contenders.chosen(owner, base), custom]
    else:
        models = _models(owner, fields, 2, 2)
    labels = frozenset(row.customer_id for row in resources if row.customer_id)
    material = Material(COMPARISON, None, chosen.customization_id, chosen.to_json(), labels)
    audio_s = sum(float(row.duration_s) for row in resources)
    return material, models, min(audio_s, limits.COMPARED_S)


def _chosen_audio(fields: dict[str, Any]) -> ChosenAudio:
    audio = fields.get("audio")
    if audio is None:
        if fields.get("acoustic_customization_id") is None or fields.get("held_out") is not True:
            raise BadRequest(_WHAT)
        return ChosenAudio(
            parameters.required_text(fields, "acoustic_customization_id", _LONGEST_ID), held_out=True
        )
    if not isinstance(audio, dict) or set(audio) - set(_AUDIO_FIELDS) or fields.get("held_out"):
        raise BadRequest(_WHAT)
    names = audio.get("audio_names") or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadRequest("Invalid value for 'audio_names': it must be a list of names of audio.")
    return ChosenAudio(
        parameters.required_text(audio, "acoustic_customization_id", _LONGEST_ID),
        held_out=False,
        names=tuple(names),
    )


def _models(owner: str, fields: dict[str, Any], fewest: int, most: int) -> list[Contender]:
    asked = fields.get("models")
    number = f"{fewest} to {most}" if fewest < most else str(fewest)
    if (
        not isinstance(asked, list)
        or not fewest <= len(asked) <= most
        or not all(isinstance(one, dict) for one in asked)
    ):
        raise BadRequest(
            f"'models' must be a list of {number} objects with 'model', 'acoustic_customization_id' or the "
            "like."
        )
    return [contenders.chosen(owner, one) for one in asked]


def _check_budget(audio_s: float, models: int) -> None:
    """Refuse what would take more than an owner may have recognised within an hour."""
    limit_s = settings.owner_audio_s_per_hour()
    if limit_s and audio_s * models > limit_s:
        raise evaluation.EvaluationRefused(
            f"This would recognise {audio_s * models / _SECONDS_AN_HOUR:.1f} hours of audio, more than the "
            f"{limit_s / _SECONDS_AN_HOUR:.1f} hours that you may send within an hour. Use fewer models, or "
            "less audio."
        )


def _shown(row: Evaluation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "evaluation_id": row.evaluation_id,
        "name": row.name,
        "kind": row.kind,
        "status": row.status,
        "progress": evaluations.progress(row),
        "created": watson_time(row.created),
        "updated": watson_time(row.updated),
        "models": [one.shown for one in contenders.from_json(row.models)],
    }
    if row.test_set_id:
        shown["test_set_id"] = row.test_set_id
    if row.customization_id:
        audio = ChosenAudio.from_json(row.customization_id, row.audio or "")
        shown |= {"acoustic_customization_id": row.customization_id, "held_out": audio.held_out}
        if audio.names:
            shown["audio_names"] = list(audio.names)
    if row.error:
        shown["error"] = row.error
    return shown
