"""Trains a custom language model: corpora, words and grammars in, one artefact out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from chalicelib.language.artefact import Artefact, ArtefactWord, GrammarText, members_of, write_artefact
from chalicelib.language.corpus import sentences
from chalicelib.language.grammars.srgs import parse
from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.ngrams import Chances, NGrams
from chalicelib.language.pronunciation.pronunciations import Unpronounceable, guess

DEFAULT_WEIGHT = 0.3
"""Watson's default share of the custom model."""

KEPT_WORDS = 2_000_000
"""Sentences are kept up to so many words: acoustic training looks for transcripts of its audio in them."""

Progress = Callable[[float], None]
"""Told how far training is, 0…1."""


class BaseLanguage(Protocol):
    """What an engine tells of a base version's language."""

    @property
    def versions(self) -> tuple[str, ...]:
        """Full strings of the base versions that share it: first the one to be trained on."""
        ...

    def known(self, word: str) -> bool:
        """Return whether the base vocabulary has a word, given in lower case."""
        ...

    def pronunciations(self, word: str) -> Sequence[str]:
        """Return the phones of a word of the base vocabulary, nothing for another word."""
        ...

    def chances(self, words: Sequence[str]) -> Chances:
        """Return how likely each word is in ordinary text; 0 for one that has no place there."""
        ...

    def rendered(self, custom: NGrams | None, weight: float, extra: Sequence[str]) -> Mapping[str, bytes]:
        """Return the mixture of the base model with a custom one, by the engines that want it ready-made.

        Args:
            custom: the model of the corpora; None when there were none.
            weight: share of the custom model, 0…1.
            extra: custom words that are to have a probability even where no corpus holds them.
        """
        ...


@dataclass(frozen=True)
class TrainingWord:
    """A word of the model's words resource."""

    word: str
    sounds_like: tuple[str, ...] = ()
    display_as: str | None = None
    pronunciations: tuple[str, ...] = ()
    """What was found when the word was added, and shown to its user; empty: to be found."""


@dataclass(frozen=True)
class Trained:
    """What training made of its input."""

    total_words: int
    words: int
    """Custom words that the model can recognise."""
    left_out: tuple[str, ...]
    """Words that cannot be said."""
    trigrams: int


def train(
    corpora: Iterable[Path | BinaryIO],
    words: Sequence[TrainingWord],
    grammars: Mapping[str, GrammarText],
    *,
    base: BaseLanguage,
    target: Path,
    weight: float = DEFAULT_WEIGHT,
    progress: Progress = lambda _: None,
) -> Trained:
    """Write a custom language model to `target`.

    Args:
        corpora: texts as their user gave them, one sentence a line.
        words: every custom word that is to be recognised; other words that the base lacks are left out.
        grammars: by name; their words are recognised by them alone unless `words` has them too.
        base: the base version's language.
        target: the artefact's path.
        weight: share of the corpora's model in the mixture, 0…1.
        progress: told how far it is.

    Raises:
        corpus.CorpusUnreadable, grammars.GrammarError: something does not stand what its analysis said.
    """
    corpora = list(corpora)
    steps = _Steps(progress, sum(not word.pronunciations for word in words), corpora)
    entries, left_out = _entries(words, base, steps.words)
    vocabulary = _Vocabulary(frozenset(entry.word for entry in entries), base)
    further = {
        word
        for text in grammars.values()
        for word in parse(text.text, text.kind, vocabulary.custom).oov(base.known)
    }
    grammars_words = [TrainingWord(word) for word in sorted(further) if word not in vocabulary.custom]
    more, unsaid = _entries(grammars_words, base, steps.words, in_model=False)
    entries, left_out = [*entries, *more], [*left_out, *unsaid]
    steps.rest(0.0)
    kept = _Kept()
    text = numbered(kept.passed(_sentences(corpora, vocabulary)), vocabulary)
    steps.rest(0.5)
    total_words = int((text.numbers > 1).sum() + (text.numbers < 0).sum())
    custom = estimate(text) if total_words else None
    steps.rest(0.7)
    extra = [entry.word for entry in entries if entry.in_model and not base.known(entry.word)]
    rendered = base.rendered(custom, weight, extra)
    background = None if custom is None else base.chances(custom.words)
    steps.rest(0.9)
    members = members_of(custom, background, kept.sentences, rendered)
    write_artefact(target, Artefact(base.versions, weight, tuple(entries), dict(grammars), members))
    steps.rest(1.0)
    return Trained(
        total_words,
        len(entries),
        tuple(left_out),
        0 if custom is None else len(custom.triples),
    )


class _Steps:
    """Tells how far a training is, by what its steps take: a guess a millisecond, a text its bytes."""

    _WORD_S = 0.001
    _BYTE_S = 6e-7
    _MIXING_S = 8.0

    def __init__(self, progress: Progress, words: int, corpora: Iterable[Path | BinaryIO]) -> None:
        self._progress = progress
        self._words = words
        size_bytes = sum(corpus.stat().st_size for corpus in corpora if isinstance(corpus, Path))
        words_s, rest_s = words * self._WORD_S, self._MIXING_S + size_bytes * self._BYTE_S
        self._share = words_s / (words_s + rest_s)
        self._said = 0

    def words(self) -> None:
        """One more word has been guessed; those of grammars, which come on top, do not count."""
        self._said += 1
        if self._said <= self._words and self._said % 1000 == 0:
            self._progress(self._share * self._said / self._words)

    def rest(self, done: float) -> None:
        """So much is done, 0…1, of what comes behind the words."""
        self._progress(self._share + (1 - self._share) * done)


class _Vocabulary(Collection[str]):
    """What a corpus' words may be: those of the base and the custom ones."""

    def __init__(self, custom: frozenset[str], base: BaseLanguage) -> None:
        self.custom = custom
        self.base = base

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and (word in self.custom or self.base.known(word))

    def __iter__(self) -> Iterator[str]:
        return iter(self.custom)

    def __len__(self) -> int:
        return len(self.custom)


class _Kept:
    """The first sentences of a stream, kept while they pass."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._words = 0

    def passed(self, sentences: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
        for sentence in sentences:
            self._words += len(sentence)
            if self._words <= KEPT_WORDS:
                self.sentences.append(" ".join(sentence))
            yield sentence


def _sentences(corpora: Iterable[Path | BinaryIO], vocabulary: _Vocabulary) -> Iterator[Sequence[str]]:
    for corpus in corpora:
        yield from sentences(corpus, vocabulary.base.known, vocabulary.custom)


def _entries(
    words: Iterable[TrainingWord], base: BaseLanguage, told: Callable[[], None], in_model: bool = True
) -> tuple[list[ArtefactWord], list[str]]:
    """Return the words with their pronunciations, and those that have none."""
    entries, left_out = [], []
    for word in words:
        if not word.pronunciations:
            told()
        listed = base.pronunciations(word.word)
        try:
            said = word.pronunciations or _found(word, base)
        except Unpronounceable:
            left_out.append(word.word)
            continue
        further = tuple(one for one in said if one not in listed)
        entries.append(ArtefactWord(word.word, further, word.display_as, in_model))
    return entries, left_out


def _found(word: TrainingWord, base: BaseLanguage) -> Sequence[str]:
    if not word.sounds_like and (listed := base.pronunciations(word.word)):
        return listed
    return guess(word.word, word.sounds_like, listed=base.pronunciations)
