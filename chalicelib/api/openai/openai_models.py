"""Models as OpenAI's clients name them: base models, trained custom models, and the names of OpenAI's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from chalicelib.customization import acoustic_models, language_models
from chalicelib.customization import errors as customization
from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BASE_MODELS, DEFAULT_BASE_MODEL, BaseModel
from chalicelib.storage.rows import CustomModel

ALIASES = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
"""Names that clients have built in: each means the broadband model of the language that is asked for."""

Kind = Literal["acoustic", "language"]

_DEFAULT_LANGUAGE = "en-US"
_OWNER = "attune"
_DATE = re.compile(r"\.v(\d{4}-\d{2}-\d{2})$")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LONGEST_SHOWN = 100
_NAMES = {
    **{"ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian"},
    **{"ja": "japanese", "ko": "korean", "nl": "dutch", "pt": "portuguese", "zh": "chinese"},
}
"""What OpenAI's answers call languages."""


class NoSuchModel(LookupError):
    """Nothing that this owner may use has that name."""

    parameter = "model"
    openai_code = "model_not_found"

    def __init__(self, name: str) -> None:
        about = availability.unlisted(name)
        served = ", ".join([*ALIASES, *BASE_MODELS])
        super().__init__(
            f"The model '{name[:_LONGEST_SHOWN]}' does not exist{f': {about}' if about else ''}. "
            f"There are {served}, and the ids of your trained custom models."
        )


class WrongLanguage(ValueError):
    """The model does not hear the language that the recording is said to have."""

    parameter = "language"


@dataclass(frozen=True)
class ChosenModel:
    """What a name means."""

    model: str
    """Name of a base model."""
    customizations: tuple[tuple[Kind, str], ...] = ()
    """Custom models on top of it, with their ids."""
    narrowband: str | None = None
    """The base model for recordings of telephones, where no model in particular was asked for."""


def chosen(owner: str, name: str, language: str | None) -> ChosenModel:
    """Return what the name of a model means.

    Args:
        owner: whose custom models may be meant.
        name: of a base model, one of `ALIASES`, or the id of a custom model.
        language: of the recording, as a tag; None: not said.

    Raises:
        NoSuchModel: nothing is served by that name, or it is somebody else's.
        WrongLanguage: the model hears another language.
    """
    if name in ALIASES:
        return _of_language(language or _DEFAULT_LANGUAGE)
    if _GUID.fullmatch(name):
        kind, row = _custom(owner, name)
        meant = ChosenModel(row.base_model_name, ((kind, name),))
    else:
        meant = ChosenModel(name)
    base = catalogue.find(meant.model)
    if base is None:
        raise NoSuchModel(name)
    if language is not None and not _same_language(language, base.language):
        raise WrongLanguage(f"The model '{name}' hears {base.language}, not '{language[:_LONGEST_SHOWN]}'.")
    return meant


def _of_language(language: str) -> ChosenModel:
    hearing = [model for model in BASE_MODELS.values() if _same_language(language, model.language)]
    exact = [model for model in hearing if model.language.lower() == language.lower()]
    by_default = [model for model in hearing if model.language == _DEFAULT_LANGUAGE]
    first = [*exact, *by_default, *hearing]
    if not first:
        heard = ", ".join(sorted({model.language for model in BASE_MODELS.values()}))
        raise WrongLanguage(f"No model hears '{language[:_LONGEST_SHOWN]}'. Languages served here: {heard}.")
    country = [model for model in hearing if model.language == first[0].language]
    broad = max(country, key=lambda model: model.least_rate_hz)
    narrow = min(country, key=lambda model: model.least_rate_hz)
    return ChosenModel(broad.name, narrowband=None if narrow is broad else narrow.name)


def _same_language(one: str, other: str) -> bool:
    """Compare tags as far as both go: `en` is `en-US`, but `en-GB` is not."""
    tags = one.lower().replace("_", "-").split("-"), other.lower().split("-")
    return all(left == right for left, right in zip(*tags, strict=False))


def _custom(owner: str, customization_id: str) -> tuple[Kind, CustomModel]:
    try:
        return "acoustic", acoustic_models.get(owner, customization_id)
    except customization.UnknownCustomModel:
        pass
    try:
        return "language", language_models.get(owner, customization_id)
    except customization.UnknownCustomModel:
        raise NoSuchModel(customization_id) from None


def language_of(model: str) -> str:
    """Return what OpenAI's answers call the language of a base model, named as in a request."""
    base = catalogue.find(model)
    code = "en" if base is None else base.language.partition("-")[0]
    return _NAMES.get(code, code)


def listed(owner: str) -> dict[str, Any]:
    """Return OpenAI's list of all that may be named."""
    return {"object": "list", "data": list(_every(owner))}


def shown(owner: str, name: str) -> dict[str, Any]:
    """Return OpenAI's object of one model.

    Raises:
        NoSuchModel: nothing has that name.
    """
    meant = chosen(owner, name, None)
    base = catalogue.find(meant.model)
    if meant.customizations:
        return _shown_custom(_custom(owner, name)[1])
    if base is None:
        raise NoSuchModel(name)
    return _shown(name, base)


def _every(owner: str) -> Iterator[dict[str, Any]]:
    for model in BASE_MODELS.values():
        yield _shown(model.name, model)
    default = catalogue.find(DEFAULT_BASE_MODEL)
    if default is not None:
        yield _shown(ALIASES[0], default)
    for row in [*acoustic_models.models(owner, None), *language_models.models(owner, None)]:
        if row.artefacts:
            yield _shown_custom(row)


def _shown(name: str, base: BaseModel) -> dict[str, Any]:
    dated = _DATE.search(base.newest_version)
    created = (
        datetime.fromisoformat(dated[1]).replace(tzinfo=UTC) if dated else datetime.fromtimestamp(0, UTC)
    )
    return {"id": name, "object": "model", "created": int(created.timestamp()), "owned_by": _OWNER}


def _shown_custom(row: CustomModel) -> dict[str, Any]:
    """Return a custom model, with the name that people gave it beside its id."""
    return {
        "id": row.customization_id,
        "object": "model",
        "created": int(row.created.timestamp()),
        "owned_by": row.owner,
        "name": row.name,
    }
