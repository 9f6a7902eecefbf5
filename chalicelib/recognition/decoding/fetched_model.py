"""The model of a request or a live connection, with its files on this machine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from chalicelib.engines import model_cache
from chalicelib.engines.model_cache import HeldFile
from chalicelib.engines.protocol import CustomModels
from chalicelib.recognition.decoding import model_artefacts
from chalicelib.recognition.request.models import ModelArtefact, ServingModel
from chalicelib.recognition.request.options import Options


@dataclass(frozen=True)
class FetchedModel:
    """What recognises, with its files on this machine."""

    base_version: str
    custom: CustomModels
    warnings: tuple[str, ...] = ()
    grammars: tuple[str, ...] = ()
    large_grammars: tuple[str, ...] = ()
    large_grammars_version: str | None = None
    """As those of `ServingModel`."""
    held: tuple[HeldFile, ...] = ()
    """The files, which stay for as long as this object lives."""

    def asked(self, options: Options) -> FetchedModel:
        """Return the model as a request wants its custom language model used."""
        if self.custom.language_model is None:
            return self
        custom = dataclasses.replace(
            self.custom, customization_weight=options.customization_weight, grammar_name=options.grammar_name
        )
        is_large = self.large_grammars_version is not None and options.grammar_name in self.large_grammars
        version = self.large_grammars_version if is_large else self.base_version
        return dataclasses.replace(self, base_version=version or self.base_version, custom=custom)


def fetched(model: ServingModel) -> FetchedModel:
    """Return a model with its files, which are fetched if they are not here yet.

    Raises:
        engines.errors.ModelUnreadable: a custom model is gone, or damaged.
    """
    adapted, language = _held(model.adapted_model), _held(model.language_model)
    custom = CustomModels(
        None if adapted is None else adapted.path, None if language is None else language.path
    )
    held = tuple(one for one in (adapted, language) if one is not None)
    return FetchedModel(
        model.base_version,
        custom,
        model.warnings,
        model.grammars,
        model.large_grammars,
        model.large_grammars_version,
        held,
    )


def _held(artefact: ModelArtefact | None) -> HeldFile | None:
    return None if artefact is None else model_artefacts.local_file(artefact, model_cache.folder())
