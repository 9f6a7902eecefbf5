"""E-mail and web addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.language.spoken.spoken_addresses import TOP_LEVEL
from chalicelib.recognition.results.smart_formatting.number_words import ZEROS, is_number_word
from chalicelib.recognition.results.smart_formatting.numbers import Number, groups
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, at
from chalicelib.recognition.results.word_sets import word_set

_SEPARATORS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}
_WORD = re.compile(r"[a-z]{2,}")
_LETTER = re.compile(r"[a-z]\.?")
_NOT_IN_ADDRESSES = word_set(
    "a an the and or is are was at to of on in for from my your his her our their this that it i me us "
    "as by comma period dot underscore dash hyphen slash address email mail e-mail write send visit see"
)
_HINTS = frozenset({"email", "e-mail", "mail"})
_HINTED_WORDS = 8
"""A hint so many words before an address is about it."""


def email(tokens: Sequence[Token], index: int) -> Match | None:
    """`j dot d o e at i b m dot com` is j.doe@ibm.com, where an e-mail address is spoken of."""
    local = _part(tokens, index, letters_alone=True, local=True)
    if local is None:
        return None
    separated = False
    while at(tokens, local.end) in _SEPARATORS:
        following = _part(tokens, local.end + 1, letters_alone=True, local=True)
        if following is None:
            return None
        local = Number(f"{local.digits}{_SEPARATORS[at(tokens, local.end)]}{following.digits}", following.end)
        separated = True
    hinted = any(at(tokens, before) in _HINTS for before in range(index - _HINTED_WORDS, index))
    if at(tokens, local.end) != "at" or not (separated or hinted):
        return None
    domain = _domain(tokens, local.end + 1)
    return None if domain is None else Match(f"{local.digits}@{domain.digits}", domain.end)


def web(tokens: Sequence[Token], index: int) -> Match | None:
    """`yahoo dot com` is yahoo.com, with `slash news` behind it yahoo.com/news."""
    address = _domain(tokens, index)
    if address is None:
        return None
    while at(tokens, address.end) == "slash":
        page = _part(tokens, address.end + 1, letters_alone=False)
        if page is None:
            break
        address = Number(f"{address.digits}/{page.digits}", page.end)
    return Match(address.digits, address.end)


def _domain(tokens: Sequence[Token], index: int) -> Number | None:
    part = _part(tokens, index, letters_alone=False)
    names = []
    while part is not None:
        names.append(part)
        if at(tokens, part.end) != "dot":
            break
        part = _part(tokens, part.end + 1, letters_alone=True)
    while names and names[-1].digits.lower() not in TOP_LEVEL:
        names.pop()
    if len(names) < 2:
        return None
    return Number(".".join(name.digits for name in names), names[-1].end)


def _part(tokens: Sequence[Token], index: int, *, letters_alone: bool, local: bool = False) -> Number | None:
    """Read a word or spelled letters; in the local part of an e-mail address digits may follow."""
    spelled, end = "", index
    while _LETTER.fullmatch(at(tokens, end)):
        spelled += tokens[end].text.replace(".", "")
        end += 1
    if not spelled:
        word = at(tokens, index)
        if not _WORD.fullmatch(word) or word in _NOT_IN_ADDRESSES or is_number_word(word) or word in ZEROS:
            return None
        spelled, end = tokens[index].text, index + 1
    elif len(spelled) == 1 and (not letters_alone or at(tokens, index) in _NOT_IN_ADDRESSES):
        return None
    series = groups(tokens, end) if local else []
    if series:
        spelled += "".join(group.digits for group in series)
        end = series[-1].end
    return Number(spelled, end)
