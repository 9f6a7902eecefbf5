"""Custom words in what a network writes: found as they are, or put where an ordinary text sounds like one.

A network has never seen a made-up name and writes what sounds like it. Whether the name was said instead is
for the network to judge: it scores a text with the name in it as well as any other.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.engines.whisper.text.wording import spoken
from chalicelib.language.artefact import ArtefactWord
from chalicelib.language.pronunciation.near_sounding import SoundIndex
from chalicelib.language.pronunciation.pronunciations import Unpronounceable, guess

FARTHEST = 0.45
"""How different, per phone, a text may sound that is tried as a custom word."""
MOST_VARIANTS = 6
"""Of one text."""

Listed = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Variant:
    """A text with a custom word in the place of what sounds like it."""

    text: str
    word: str
    distance: float
    """Mean cost per phone, see `language.pronunciation.near_sounding`."""


class CustomWords:
    """The custom words of a language model, as a network writes them and as results show them."""

    def __init__(
        self, entries: Iterable[ArtefactWord], listed: Listed, displayed: Iterable[ArtefactWord] | None = None
    ) -> None:
        """Take the words to look for, and the dictionary of ordinary ones.

        `displayed` are those with forms of their own, if they are more: grammars may bring further ones.
        """
        self._entries = tuple(entries)
        self._displayed = self._entries if displayed is None else tuple(displayed)
        self._listed = listed
        self._phones = functools.lru_cache(maxsize=4096)(self._uncached_phones)
        self.forms: Mapping[tuple[str, ...], str] = {
            said: entry.display_as or entry.word for entry in self._displayed if (said := said_as(entry.word))
        }
        """What is shown, by the words that the network's text is read as."""
        self._longest = max(map(len, self.forms), default=0)

    @functools.cached_property
    def _index(self) -> SoundIndex:
        return SoundIndex(
            [
                (entry.word, [*entry.pronunciations, *self._listed(entry.word.lower())])
                for entry in self._entries
            ]
        )

    def variants(self, text: str) -> list[Variant]:
        """Return texts with a custom word where this one sounds like it, nearest first."""
        tokens = text.split()
        found: list[Variant] = []
        for place in self._index.places([self._phones(token) for token in tokens], FARTHEST):
            heard = " ".join(tokens[place.first : place.last + 1]).strip(string.punctuation)
            if heard.lower() == place.word.lower():
                continue
            last = tokens[place.last]
            tail = last[len(last.rstrip(string.punctuation)) :]
            begun, rest = tokens[: place.first], tokens[place.last + 1 :]
            forms = [place.word]
            if tokens[place.first][:1].isupper():
                forms.append(place.word[:1].upper() + place.word[1:])
            found += [
                Variant(" ".join([*begun, form + tail, *rest]), place.word, place.distance)
                for form in dict.fromkeys(forms)
            ]
        return found[:MOST_VARIANTS]

    def asked(self, keywords: Sequence[str]) -> tuple[str, ...]:
        """Return the phrases that keywords may be heard as, themselves among them.

        A custom word may be named by its spelling or by its display form, which is all that a result shows.
        """
        return tuple(dict.fromkeys(way for keyword in keywords for way in self._ways(keyword)))

    def shown(self, utterance: DecodedUtterance, keywords: Sequence[str] = ()) -> DecodedUtterance:
        """Return what was heard with custom words as their user wants to see them.

        `keywords` are those of the user; the utterance has hits of what `asked` made of them.
        """
        if not self.forms:
            return utterance
        hits = [
            replace(hit, keyword=keyword)
            for keyword in keywords
            for hit in _apart([hit for hit in utterance.keywords if hit.keyword in self._ways(keyword)])
        ]
        single = {said[0]: form for said, form in self.forms.items() if len(said) == 1}
        slots = tuple(
            WordSlot(
                slot.start_s,
                slot.end_s,
                tuple((single.get(word, word), posterior) for word, posterior in slot.alternatives),
            )
            for slot in utterance.slots
        )
        return DecodedUtterance(
            tuple(map(self._shown, utterance.hypotheses)),
            slots,
            tuple(sorted(hits, key=lambda hit: (hit.start_s, hit.end_s))),
        )

    @functools.cached_property
    def _names(self) -> Mapping[str, str]:
        """The phrase that each custom word is heard as, by its names in lower case."""
        named: dict[str, str] = {}
        for entry in self._displayed:
            if said := " ".join(said_as(entry.word)):
                for name in (entry.word, entry.display_as or entry.word):
                    named.setdefault(" ".join(name.lower().split()), said)
        return named

    def _ways(self, keyword: str) -> list[str]:
        tokens = keyword.split()
        longest = max((name.count(" ") + 1 for name in self._names), default=0)
        found = [keyword]
        for first in range(len(tokens)):
            for last in range(first + 1, min(first + longest, len(tokens)) + 1):
                said = self._names.get(" ".join(tokens[first:last]))
                if said is not None:
                    found.append(" ".join([*tokens[:first], said, *tokens[last:]]))
        return found

    def _shown(self, reading: Hypothesis) -> Hypothesis:
        words: list[Word] = []
        place = 0
        while place < len(reading.words):
            for length in range(self._longest, 0, -1):
                part = reading.words[place : place + length]
                form = self.forms.get(tuple(word.text for word in part))
                if form is not None and len(part) == length:
                    words.append(_joined(part, form))
                    place += length
                    break
            else:
                words.append(reading.words[place])
                place += 1
        return Hypothesis(tuple(words), reading.posterior)

    def _uncached_phones(self, token: str) -> tuple[str, ...]:
        bare = token.strip(string.punctuation)
        try:
            return tuple(guess(bare, listed=self._listed)[0].split()) if bare else ()
        except Unpronounceable:
            return ()


def said_as(word: str) -> tuple[str, ...]:
    """Return the words that a network's text is read as where it writes this word."""
    return tuple(part for token in spoken(word) for part in token.words)


def _apart(hits: Sequence[KeywordHit]) -> list[KeywordHit]:
    """Return the likeliest of hits that overlap."""
    found: list[KeywordHit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.posterior, hit.start_s)):
        if all(hit.end_s <= other.start_s or other.end_s <= hit.start_s for other in found):
            found.append(hit)
    return found


def _joined(words: Sequence[Word], form: str) -> Word:
    """Return one word for several, which is as sure as the least sure of them."""
    written = " ".join(word.written for word in words if word.written)
    first = words[0]
    return replace(
        first,
        text=form,
        end_s=words[-1].end_s,
        posterior=min(word.posterior for word in words),
        written=written,
    )
