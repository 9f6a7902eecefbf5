"""Reads a corpus, a grammar or a batch of words that has arrived in the bucket, and updates its model."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.customization import limits
from chalicelib.customization.custom_models import now
from chalicelib.customization.language import custom_words, language_resources, language_words
from chalicelib.customization.language.language_resources import CORPUS, WORDS, FoundWord, TextAnalysis
from chalicelib.customization.uploads import BEING_PROCESSED
from chalicelib.engines import availability
from chalicelib.events.delivery import messages, telemetry
from chalicelib.events.delivery.arrivals import Arrivals
from chalicelib.storage import objects, scratch
from chalicelib.storage.conditional import MOST_TOGETHER, ConditionFailed, Put, Update, write
from chalicelib.storage.layout import UploadKey
from chalicelib.storage.rows import UploadedResource
from chalicelib.storage.tables import LanguageModel, LanguageResource

GIVEN_UP = "It could not be analysed because of an internal error; if it fails again, tell the operator."
WORDS_GIVEN_UP = (
    "The words that were added last could not be put in because of an internal error. Add them again; "
    "if that fails too, tell the operator of this service."
)
NO_WORDS = "It holds no words; what stands in brackets is left out."
TOO_MANY_WORDS = f"The custom model would have more than {limits.WORDS:,} words; use less text."
TOO_MANY_CUSTOM_WORDS = (
    f"The custom model would have more than {limits.CUSTOM_WORDS:,} out-of-vocabulary words; "
    "use fewer texts, or texts with fewer names and misspellings."
)

_processor = messages.new_processor()


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Analyse what a batch of S3 announcements names."""
    return messages.handle(event, context, _processor, _arrivals.announced)


def _analyse(key: UploadKey, model: LanguageModel, row: LanguageResource, last_attempt: bool) -> None:
    began_s = time.monotonic()
    if row.kind == WORDS:
        error = WORDS_GIVEN_UP if last_attempt else _put_in(key, model, row)
        language_resources.words_finished(key, error)
        objects.delete(key.key)
        telemetry.count("WordsRefused" if error else "WordsAdded")
    else:
        analysis = TextAnalysis(error=GIVEN_UP) if last_attempt else _looked_into(key, model, row)
        if analysis.oov is not None:
            language_resources.store_words(key, analysis.oov)
        if not language_resources.analysis_finished(key, analysis):
            _arrivals.in_vain(key)
        telemetry.count("TextInvalid" if analysis.oov is None else "TextValid")
    telemetry.measure_s("TextAnalysisTime", time.monotonic() - began_s)


_arrivals = Arrivals(language_resources.KIND, _analyse, lambda key: None)


def _put_in(key: UploadKey, model: LanguageModel, row: LanguageResource) -> str | None:
    """Write the rows of a batch; returns what is to be said about it when it is not put in."""
    if (missing := availability.obstacle(model.versions[-1])) is not None:
        return missing
    words = custom_words.read_batch(json.loads(objects.get(key.key)))
    if len(custom_words.of_model(model).keys() | {word.word for word in words}) > limits.CUSTOM_WORDS:
        return TOO_MANY_CUSTOM_WORDS
    # A second attempt may be at it, too. Once one has ended the batch, its words are their user's to change.
    waits = (UploadedResource.upload_id == row.upload_id) & (UploadedResource.status == BEING_PROCESSED)
    free = custom_words.unclaimed(model)
    for start in range(0, len(words), MOST_TOGETHER - 1):
        rows = [
            custom_words.row_of(model, word, row.customer_id)
            for word in words[start : start + MOST_TOGETHER - 1]
        ]
        for added in rows:
            added.created = row.created  # when it was sent: what is removed by its label is told by that
        at_it = Update(row, waits, [UploadedResource.updated.set(now())])
        try:
            write(at_it, *(Put(added, free) for added in rows))
        except ConditionFailed:
            return None
    return None


def _looked_into(key: UploadKey, model: LanguageModel, row: LanguageResource) -> TextAnalysis:
    """Return what a corpus or a grammar holds."""
    if (missing := availability.obstacle(model.versions[-1])) is not None:
        return TextAnalysis(error=missing)
    total, counts, error = _read(key, model, row)
    others = [other for other in language_resources.of_model(model) if other.name_id != row.name_id]
    if error is None and total + sum(int(other.total_words) for other in others) > limits.WORDS:
        error = TOO_MANY_WORDS
    if error is None and len(_words_beside(model, others) | counts.keys()) > limits.CUSTOM_WORDS:
        error = TOO_MANY_CUSTOM_WORDS
    if error is not None:
        return TextAnalysis(error=error)
    found = {word: FoundWord(count, _said(model, word)) for word, count in counts.items()}
    return TextAnalysis(total_words=total, oov=found)


def _words_beside(model: LanguageModel, others: list[LanguageResource]) -> set[str]:
    words = {word for word, row in language_words.of_user(model).items() if not row.deleted}
    for other in others:
        words |= language_resources.words_of(other).keys()
    return words


def _read(
    key: UploadKey, model: LanguageModel, row: LanguageResource
) -> tuple[int, Mapping[str, int], str | None]:
    """Return the number of words, those that the base vocabulary lacks, and why it cannot be read."""
    from chalicelib.engines import vocabulary
    from chalicelib.language import corpus
    from chalicelib.language.grammars import srgs

    known = vocabulary.known(model.versions[-1])
    with scratch.folder() as folder:
        path = Path(folder, "upload")
        objects.download(key.key, path)
        try:
            custom = [word for word, one in language_words.of_user(model).items() if not one.deleted]
            if row.kind == CORPUS:
                read = corpus.analyse(path, known, custom)
                return read.total_words, read.oov, None if read.total_words else NO_WORDS
            kind = language_resources.grammar_kind(row)
            grammar = srgs.parse(path.read_bytes(), kind, custom)
            return len(grammar.words), dict.fromkeys(grammar.oov(known), 1), None
        except corpus.CorpusUnreadable as error:
            return 0, {}, f"Line {error.line}: {error.reason}."
        except srgs.GrammarError as error:
            return 0, {}, f"Line {error.line}: {error.message}."


def _said(model: LanguageModel, word: str) -> tuple[str, ...]:
    from chalicelib.engines import vocabulary
    from chalicelib.language.pronunciation import pronunciations

    try:
        return pronunciations.guess(word, listed=vocabulary.vocabulary(model.versions[-1]).pronunciations)
    except pronunciations.Unpronounceable:
        return ()
