"""Resources of custom models with a customer's label, and their removal."""

from __future__ import annotations

from datetime import datetime

from chalicelib.customization import acoustic_models, custom_models, language_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.errors import ModelBusy, UnknownCustomModel, UnknownResource
from chalicelib.customization.language import custom_words, language_resources, language_words
from chalicelib.storage.conditional import ConditionFailed
from chalicelib.storage.rows import UploadedResource
from chalicelib.storage.tables import UserWord

_WORDS_AT_ONCE = 10_000
"""Words of a model in one call: a hundred transactions, some ten seconds."""


def erase_audio(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled audio that was added before a moment; False while a model is too busy for that."""
    done = True
    for model in acoustic_models.models(owner):
        custom_models.clear_former(model)
        for audio in audio_resources.of_model(model):
            if _meant(audio, customer_id, until):
                try:
                    audio_resources.remove(model, audio.audio_name)
                except ModelBusy:
                    done = False
                except (UnknownCustomModel, UnknownResource):
                    continue  # gone meanwhile
    return done


def erase_language_resources(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled corpora and grammars as `erase_audio` does audio."""
    done = True
    for model in language_models.models(owner):
        custom_models.clear_former(model)
        for resource in language_resources.of_model(model):
            if not _meant(resource, customer_id, until):
                continue
            if resource.kind == language_resources.WORDS:
                done = False  # on its way in: soon it is words, or nothing
            else:
                try:
                    language_resources.remove(model, resource.kind, resource.name)
                except ModelBusy:
                    done = False
                except (UnknownCustomModel, UnknownResource):
                    continue  # gone meanwhile
    return done


def erase_words(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled words as `erase_audio` does audio; False also while one call does not take them all."""
    done = True
    for model in language_models.models(owner):
        rows = [row for row in language_words.of_user(model).values() if _meant(row, customer_id, until)]
        if not rows:
            continue
        try:
            custom_words.remove_labelled(model, rows[:_WORDS_AT_ONCE])
        except (ModelBusy, ConditionFailed):
            done = False
        except UnknownCustomModel:
            continue  # gone meanwhile
        done &= len(rows) <= _WORDS_AT_ONCE
    return done


def _meant(resource: UploadedResource | UserWord, customer_id: str, until: datetime) -> bool:
    return resource.customer_id == customer_id and resource.created <= until
