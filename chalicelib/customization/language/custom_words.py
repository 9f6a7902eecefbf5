"""The words of a custom language model, from all sources: listed, added, changed, deleted."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.customization import custom_models, language_models, limits, statuses
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import BadWord, ModelBusy, TooManyWords, UnknownWord
from chalicelib.customization.language import language_resources, language_words
from chalicelib.customization.language.language_resources import ANALYZED, CORPUS, GRAMMAR, FoundWord
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_END, SENTENCE_START
from chalicelib.storage.conditional import (
    MOST_TOGETHER,
    Change,
    Condition,
    ConditionFailed,
    Contended,
    Delete,
    Put,
    write,
)
from chalicelib.storage.tables import LanguageModel, LanguageResource, UserWord

USER = "user"
ALL = "all"
_SOURCES = {"corpora": CORPUS, "grammars": GRAMMAR}
TYPES = (ALL, USER, *_SOURCES)
_ATTEMPTS = 50


@dataclass(frozen=True)
class NewWord:
    """A word as its user gives it."""

    word: str
    sounds_like: tuple[str, ...] = ()
    display_as: str | None = None


@dataclass
class CustomWord:
    """A word of a custom model, as it is shown and trained on."""

    word: str
    sounds_like: list[str]
    display_as: str
    pronunciations: list[str]
    """Phones separated by spaces, likeliest first."""
    count: int = 0
    source: list[str] = field(default_factory=list)
    """Names of corpora and grammars, and `user`."""
    error: list[dict[str, str]] = field(default_factory=list)
    given: UserWord | None = None
    """The row of what its user has said about it."""


def read(fields: object, word: str | None = None) -> NewWord:
    """Return the word that a JSON value describes; `word` is the one that the path names.

    Raises:
        BadWord: it is none.
    """
    if not isinstance(fields, dict):
        raise BadWord("Each word must be a JSON object.")
    text = fields.get("word", word) if word is None else word
    if text is None:
        raise BadWord("Required parameter 'word' is missing")
    if not isinstance(text, str) or not text:
        raise BadWord("Invalid value for parameter 'word': it must be a string that is not empty.")
    shown = text[:200]
    if len(text) > limits.NAME_CHARACTERS:
        raise BadWord(
            f"Invalid value for word '{shown}': it has more than {limits.NAME_CHARACTERS} characters."
        )
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise BadWord(
            f"Invalid value for word '{shown}': it must not contain spaces. Use '-' or '_' instead."
        )
    if text in (SENTENCE_START, SENTENCE_END):
        raise BadWord(f"Invalid value for word '{shown}': it is reserved.")
    sounds_like, display_as = fields.get("sounds_like"), fields.get("display_as")
    if sounds_like is not None and not (
        isinstance(sounds_like, list) and all(isinstance(one, str) and one.strip() for one in sounds_like)
    ):
        raise BadWord(f"Invalid value for 'sounds_like' of word '{shown}': it must be an array of strings.")
    if any(len(phrase) > limits.SOUNDS_LIKE_CHARACTERS for phrase in sounds_like or ()) or (
        len(sounds_like or ()) > limits.SOUNDS_LIKES
    ):
        raise BadWord(
            f"Invalid value for 'sounds_like' of word '{shown}': a word can have at most 5 of 40 characters."
        )
    if display_as is not None and not (isinstance(display_as, str) and _is_one_line(display_as)):
        raise BadWord(
            f"Invalid value for 'display_as' of word '{shown}': it must be a string without control "
            f"characters, of at most {limits.DISPLAY_CHARACTERS} characters."
        )
    try:
        json.dumps([text, sounds_like, display_as], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadWord(f"Invalid value for word {shown!a}: it is not valid Unicode.") from None
    return NewWord(text, tuple(sounds_like or ()), display_as or None)


def _is_one_line(display_as: str) -> bool:
    """Tell whether results can show it."""
    controls = ("Cc", "Zl", "Zp")
    return len(display_as) <= limits.DISPLAY_CHARACTERS and not any(
        unicodedata.category(sign) in controls for sign in display_as
    )


def read_batch(document: Mapping[str, Any]) -> list[NewWord]:
    """Return the words that the JSON of a batch describes; of two of the same spelling, the later.

    Raises:
        BadWord: one of them is none, or there are none.
        TooManyWords: there are more than a model may have.
    """
    if "words" not in document:
        raise BadWord("Required parameter 'words' is missing")
    listed = document["words"]
    if not isinstance(listed, list) or not listed:
        raise BadWord("Invalid value for parameter 'words': it must be an array that is not empty.")
    words = {word.word: word for word in map(read, listed)}
    if len(words) > limits.CUSTOM_WORDS:
        raise TooManyWords(limits.CUSTOM_WORDS)
    return list(words.values())


def batch_of(words: Iterable[NewWord]) -> bytes:
    """Return the JSON of a batch that `read_batch` reads."""
    listed = [
        {"word": word.word, "sounds_like": word.sounds_like, "display_as": word.display_as} for word in words
    ]
    return json.dumps({"words": listed}, ensure_ascii=False).encode()


def problems(word: NewWord) -> list[dict[str, str]]:
    """Return what is wrong with a word's `sounds_like`, each by the element that is meant."""
    from chalicelib.language.pronunciation import pronunciations

    found = [
        {phrase: problem} for phrase in word.sounds_like for problem in pronunciations.problems([phrase])
    ]
    return found or [{"sounds_like": problem} for problem in pronunciations.problems(word.sounds_like)]


def row_of(model: LanguageModel, word: NewWord, customer_id: str | None = None) -> UserWord:
    """Return the row of a word that is added or changed; what is wrong with it stands in it.

    Raises:
        NotServed: this installation does without the engine that knows the words of the base version.
    """
    custom_models.check_loadable(model)
    # Here, because they take memory and time that few calls of the API need; so elsewhere.
    from chalicelib.engines import vocabulary
    from chalicelib.language.pronunciation import pronunciations

    spoken = vocabulary.vocabulary(model.versions[-1])
    errors = problems(word)
    said: tuple[str, ...] = ()
    if not errors:
        try:
            said = pronunciations.guess(word.word, word.sounds_like, listed=spoken.pronunciations)
            said = tuple(dict.fromkeys((*said, *spoken.pronunciations(word.word))))
        except pronunciations.Unpronounceable as error:
            errors = [{word.word: str(error)}]
    moment = now()
    return UserWord(
        model.customization_id,
        word.word,
        owner=model.owner,
        generation=int(model.generation),
        sounds_like=list(word.sounds_like),
        display_as=word.display_as,
        known=spoken.known(word.word.lower()),
        pronunciations=list(said),
        error=json.dumps(errors, ensure_ascii=False) if errors else None,
        created=moment,
        updated=moment,
        customer_id=customer_id,
    )


def of_model(
    model: LanguageModel, word_type: str = ALL, given: Mapping[str, UserWord] | None = None
) -> dict[str, CustomWord]:
    """Return the words of a model by their spelling, of all sources or of one kind.

    Args:
        model: as it was read.
        word_type: one of `TYPES`.
        given: what `language_words.of_user` returned, if that was asked for already.
    """
    if given is None:
        given = language_words.of_user(model)
    found: dict[str, CustomWord] = {}
    resources = language_resources.of_model(model)
    for resource in resources:
        _gather(found, resource, language_resources.words_of(resource), given)
    for word, row in given.items():
        if not row.deleted:
            found[word] = _given(row, found.get(word))
    if word_type == ALL:
        return found
    sources = {one.name for one in resources if one.kind == _SOURCES.get(word_type)} or {USER}
    if word_type != USER:
        sources.discard(USER)
    return {word: one for word, one in found.items() if not sources.isdisjoint(one.source)}


def _default_sounds_like(word: str) -> list[str]:
    from chalicelib.language.pronunciation import pronunciations

    return [pronunciations.default_sounds_like(word)]


def _gather(
    found: dict[str, CustomWord],
    resource: LanguageResource,
    held: Mapping[str, FoundWord],
    given: Mapping[str, UserWord],
) -> None:
    for text, words in held.items():
        row = given.get(text)
        if row is not None and row.deleted and row.updated >= resource.updated:
            continue
        word = found.get(text)
        if word is None:
            said = list(words.pronunciations)
            word = found[text] = CustomWord(text, _default_sounds_like(text), text, said)
        word.count += words.count
        word.source.append(resource.name)


def _given(row: UserWord, found: CustomWord | None) -> CustomWord:
    """Return a word as its user wants it, wherever else it is found."""
    silent = row.known and not row.sounds_like
    return CustomWord(
        row.word,
        list(row.sounds_like) or ([] if silent else _default_sounds_like(row.word)),
        row.display_as or ("" if silent else row.word),
        list(row.pronunciations),
        count=max(1, found.count if found else 0),
        source=[*(found.source if found else ()), USER],
        error=json.loads(row.error) if row.error else [],
        given=row,
    )


def get(model: LanguageModel, word: str) -> CustomWord:
    """Return one word.

    Raises:
        UnknownWord: the model has none of that spelling.
    """
    row = language_words.find(model, word)
    given = {} if row is None else {word: row}
    found: dict[str, CustomWord] = {}
    for resource in language_resources.of_model(model):
        held = language_resources.words_of(resource)
        if word in held:
            _gather(found, resource, {word: held[word]}, given)
    if row is not None and not row.deleted:
        return _given(row, found.get(word))
    if word not in found:
        raise UnknownWord(word)
    return found[word]


def unclaimed(model: LanguageModel) -> Condition:
    """Return the condition that a word has no row, or one of this generation or an earlier one."""
    condition: Condition = UserWord.word.does_not_exist() | (UserWord.generation <= int(model.generation))
    return condition


def put(model: LanguageModel, word: NewWord, customer_id: str | None = None) -> None:
    """Add or change a word at once.

    Raises:
        ModelBusy: the model handles another request.
        BadWord: something is wrong with its `sounds_like`.
    """
    for _ in range(_ATTEMPTS):
        if not statuses.allowed(model, statuses.LANGUAGE_CHANGED):
            raise ModelBusy(model.customization_id)
        row = row_of(model, word, customer_id)
        if row.error:
            raise BadWord(" ".join(message for one in json.loads(row.error) for message in one.values()))
        change = Put(row, unclaimed(model))
        if _made(model, change, any_valid=True):
            return
        model = language_models.get(model.owner, model.customization_id)
    raise Contended


def remove(model: LanguageModel, word: str) -> None:
    """Delete a word; one that a corpus or grammar holds stays away until another one that holds it is added.

    Raises:
        ModelBusy: the model handles another request.
        UnknownWord: the model has none of that spelling.
        BadWord: a grammar holds it, and it is too long for a word of its own.
    """
    for _ in range(_ATTEMPTS):
        if not statuses.allowed(model, statuses.LANGUAGE_CHANGED):
            raise ModelBusy(model.customization_id)
        found = get(model, word)
        if len(word) > limits.NAME_CHARACTERS:
            raise BadWord(
                f"Invalid value for word '{word[:200]}': it has more than {limits.NAME_CHARACTERS} "
                f"characters. Remove or correct what holds it: {', '.join(found.source)}."
            )
        row = found.given or UserWord(
            model.customization_id,
            word,
            owner=model.owner,
            generation=int(model.generation),
            created=now(),
            updated=now(),
        )
        change: Change
        if set(found.source) == {USER}:
            change = Delete(row, UserWord.generation == int(model.generation))
        else:
            row.deleted, row.updated, row.error = True, now(), None
            change = Put(row, unclaimed(model))
        resources = language_resources.of_model(model)
        any_valid = any(resource.status == ANALYZED for resource in resources)
        any_valid = any_valid or language_words.any_valid(model, beside=word)
        if _made(model, change, any_valid=any_valid):
            return
        model = language_models.get(model.owner, model.customization_id)
    raise Contended


def remove_labelled(model: LanguageModel, rows: Sequence[UserWord]) -> None:
    """Remove many words as `remove` does one; of what has to stay noted the label goes.

    Raises:
        ModelBusy: the model handles another request.
        ConditionFailed: it, or one of the words, has been changed meanwhile; some may be gone already.
    """
    noted = [row for row in rows if row.deleted]
    for start in range(0, len(noted), MOST_TOGETHER):
        write(*(_unlabelled(row) for row in noted[start : start + MOST_TOGETHER]))
    there = [row for row in rows if not row.deleted]
    resources = language_resources.of_model(model)
    held = {word for resource in resources for word in language_resources.words_of(resource)}
    meant = {row.word for row in rows}
    others = (row for row in language_words.of_user(model).values() if row.word not in meant)
    any_other = any(resource.status == ANALYZED for resource in resources) or any(
        map(language_words.is_valid, others)
    )
    most = MOST_TOGETHER - 1
    for start in range(0, len(there), most):
        model = language_models.get(model.owner, model.customization_id)
        if not statuses.allowed(model, statuses.LANGUAGE_CHANGED):
            raise ModelBusy(model.customization_id)
        any_valid = any_other or any(map(language_words.is_valid, there[start + most :]))
        changes: list[Change] = []
        for row in there[start : start + most]:
            if row.word in held:
                row.deleted, row.error = True, None
                changes.append(_unlabelled(row))
            else:
                changes.append(Delete(row, UserWord.updated == row.updated))
        write(statuses.words_changed(model, any_valid, now()), *changes)


def _unlabelled(row: UserWord) -> Put:
    """Return the change that keeps noted, without a label, that a word is not wanted."""
    unchanged = UserWord.updated == row.updated
    row.customer_id, row.updated = None, now()
    return Put(row, unchanged)


def _made(model: LanguageModel, change: Change, *, any_valid: bool) -> bool:
    try:
        write(change, statuses.words_changed(model, any_valid, now()))
    except ConditionFailed:
        return False
    return True
