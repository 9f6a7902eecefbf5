"""Resources of custom models that bear a customer's label, and their removal."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from chalicelib.customization import (
    acoustic_models,
    audio_resources,
    custom_words,
    language_models,
    language_resources,
    language_words,
)
from chalicelib.customization.errors import Busy, UnknownModel, UnknownResource, UnknownWord
from chalicelib.storage.conditional import ConditionFailed, Update, write
from chalicelib.storage.rows import UploadedResource
from chalicelib.storage.tables import Word


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
            if not _meant(resource, customer_id, until):
                continue
            if resource.kind == language_resources.WORDS:
                done = False  # on its way in: soon it is words, or nothing
            else:
                try:
                    language_resources.remove(model, resource.kind, resource.name)
                except Busy:
                    done = False
                except (UnknownModel, UnknownResource):
                    continue  # gone meanwhile
    return done


def erase_words(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove labelled words as `erase_audio` does audio."""
    done = True
    for model in language_models.models(owner):
        for row in language_words.of_user(model).values():
            if _meant(row, customer_id, until):
                try:
                    custom_words.remove(model, row.word)
                except Busy:
                    done = False
                    continue
                except (UnknownModel, UnknownWord):
                    pass  # removed before, or gone meanwhile
                _unlabel(row)
    return done


def _unlabel(row: Word) -> None:
    """Take the label off what is still noted: that a corpus's word is not wanted."""
    with suppress(ConditionFailed):  # nothing is noted any more, or a new label
        write(Update(row, Word.customer_id == row.customer_id, [Word.customer_id.remove()]))


def _meant(resource: UploadedResource | Word, customer_id: str, until: datetime) -> bool:
    return resource.customer_id == customer_id and resource.created <= until
