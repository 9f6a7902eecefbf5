"""Resources of custom models that bear a customer's label, and their removal."""

from __future__ import annotations

from datetime import datetime

from chalicelib.customization import acoustic_models, audio_resources, language_models, language_resources
from chalicelib.customization.errors import Busy, UnknownModel, UnknownResource
from chalicelib.storage.rows import UploadedResource


def erase_audio(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled audio that was added before a moment; False while a model is too busy for that."""
    done = True
    for model in acoustic_models.models(owner):
        for audio in audio_resources.of_model(model):
            if _meant(audio, customer_id, until):
                try:
                    audio_resources.remove(model, audio.audio_name)
                except Busy:
                    done = False
                except (UnknownModel, UnknownResource):
                    continue  # gone meanwhile
    return done


def erase_language_resources(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled corpora and grammars as `erase_audio` does audio."""
    done = True
    for model in language_models.models(owner):
        for resource in language_resources.of_model(model):
            if _meant(resource, customer_id, until):
                try:
                    language_resources.remove(model, resource.kind, resource.name)
                except Busy:
                    done = False
                except (UnknownModel, UnknownResource):
                    continue  # gone meanwhile
    return done


def _meant(resource: UploadedResource, customer_id: str, until: datetime) -> bool:
    return resource.customer_id == customer_id and resource.created <= until
