"""The models of an evaluation: what was asked for, and which files serve it from then on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.engines import catalogue
from chalicelib.engines.catalogue import BaseModel
from chalicelib.evaluation.errors import EvaluationRefused
from chalicelib.recognition.request import backend, models, options
from chalicelib.recognition.request.models import ServingModel, UnknownCustomization
from chalicelib.recognition.request.options import Options
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AcousticModel, LanguageModel

FIELDS = (
    "model",
    "base_model_version",
    "acoustic_customization_id",
    "acoustic_customization_version",
    "language_customization_id",
    "customization_weight",
)
"""What names a model; values as in the query of `/v1/recognize`."""
_PLAIN = {"profanity_filter": "false", "smart_formatting": "false"}
"""Nothing is to hide or to rewrite a word."""


@dataclass(frozen=True)
class Contender:
    """A model that is measured or compared."""

    asked: Mapping[str, str]
    """What names it."""
    label: str
    """For people."""
    language: str
    least_rate_hz: int
    """Of recordings."""
    serving: ServingModel
    """As it was when the evaluation was made; what is trained later changes nothing."""
    options: Options

    def event(self, key: str, content_type: str | None, owner: str) -> dict[str, Any]:
        """Return what the recognition function is asked about audio in the bucket."""
        event = backend.event_for(key, content_type, self.serving, self.options, owner=owner)
        return {**event, "background": True}

    @property
    def identity(self) -> str:
        """Equal of models that recognise alike."""
        return json.dumps([self.serving.to_json(), self.options.customization_weight], sort_keys=True)

    @property
    def shown(self) -> dict[str, Any]:
        """Return what a client sees."""
        return {**self.asked, "base_model_version": self.serving.base_version, "label": self.label}


def chosen(owner: str, asked: Mapping[str, object]) -> Contender:
    """Return the model that a request names.

    Raises:
        EvaluationRefused: a field is not known, or not supported here.
        options.InvalidOption, options.MalformedGuid, options.OptionsConflict: a field makes no sense.
        models.UnknownModel, models.UnknownCustomization, models.NotAvailable, models.WrongBase: see there.
    """
    unknown = sorted(set(asked) - set(FIELDS))
    if unknown:
        raise EvaluationRefused(
            f"Unknown field '{unknown[0][:60]}' of a model: there are {', '.join(FIELDS)}."
        )
    given = {name: _text(name, value) for name, value in asked.items() if value is not None}
    custom = [row for row in (_row(owner, kind, name, given) for name, kind in _CUSTOM.items()) if row]
    if custom:
        given.setdefault("model", custom[0].base_model_name)
    elif "base_model_version" in given:
        with contextlib.suppress(KeyError):  # then it is refused below
            given.setdefault("model", catalogue.base_model_of_version(given["base_model_version"]).name)
    parsed = options.parse({name: (value,) for name, value in {**given, **_PLAIN}.items()})
    if parsed.warnings:  # a field that recognition does not know (yet)
        raise EvaluationRefused(f"{parsed.warnings[0]} This service does not support it.")
    serving = models.choose(owner, parsed.options)
    base = catalogue.find(parsed.options.model)
    assert base is not None, "an unknown one was refused"
    return Contender(
        given | {"model": base.name},
        _label(base, serving, custom, given),
        base.language,
        base.least_rate_hz,
        serving,
        parsed.options,
    )


_CUSTOM: dict[str, type[AcousticModel] | type[LanguageModel]] = {
    "acoustic_customization_id": AcousticModel,
    "language_customization_id": LanguageModel,
}


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EvaluationRefused(f"Invalid value for '{name}' of a model: it must be a string.")
    return str(value)


def _row(
    owner: str, kind: type[AcousticModel] | type[LanguageModel], name: str, given: Mapping[str, str]
) -> CustomModel | None:
    customization_id = given.get(name)
    if customization_id is None:
        return None
    if not options.is_guid(customization_id):
        raise options.MalformedGuid(customization_id)
    try:
        return kind.get(owner, customization_id, consistent_read=True)
    except kind.DoesNotExist:
        raise UnknownCustomization(customization_id) from None


def _label(
    base: BaseModel, serving: ServingModel, custom: Sequence[CustomModel], given: Mapping[str, str]
) -> str:
    """Return how a model is called in answers, e.g. `kitchen (version 3) on en-US_…`."""
    version = given.get("acoustic_customization_version")
    names = [
        f"{row.name}{f' (version {version})' if version and isinstance(row, AcousticModel) else ''}"
        for row in custom
    ]
    named = " with ".join(names)
    return f"{named} on {serving.base_version}" if named else f"base {serving.base_version}"


def check_comparable(contenders: Sequence[Contender]) -> None:
    """Refuse models that cannot be measured side by side.

    Raises:
        EvaluationRefused: two are the same, or they hear different languages.
    """
    identities = [one.identity for one in contenders]
    for place, identity in enumerate(identities):
        if identity in identities[:place]:
            first = identities.index(identity) + 1
            raise EvaluationRefused(
                f"Models {first} and {place + 1} are the same one. Leave one of them out."
            )
    languages = sorted({one.language for one in contenders})
    if len({language.partition("-")[0] for language in languages}) > 1:
        raise EvaluationRefused(
            f"The models hear different languages ({', '.join(languages)}). Evaluate each language by itself."
        )


def to_json(contenders: Sequence[Contender]) -> str:
    """Return what `from_json` reads."""
    return json.dumps(
        [
            {
                **dataclasses.asdict(one),
                "serving": one.serving.to_json(),
                "options": one.options.to_json(),
            }
            for one in contenders
        ]
    )


def from_json(text: str) -> list[Contender]:
    """Read what `to_json` returned."""
    return [
        Contender(
            **{
                **one,
                "serving": ServingModel.from_json(one["serving"]),
                "options": Options.from_json(one["options"]),
            }
        )
        for one in json.loads(text)
    ]
