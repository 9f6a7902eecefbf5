"""Other languages than English: what is not done for them is said, and their words stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chalicelib.engines.protocol import Word
from chalicelib.recognition.request import options
from chalicelib.recognition.request.options import Options, Parsed
from chalicelib.recognition.request.parameters import Interface
from chalicelib.recognition.results import transcripts
from chalicelib.recognition.results.transcripts import FinalTranscript

FRENCH = "fr-FR_BroadbandModel"


def parsed(query: Mapping[str, str], interface: Interface = "sync") -> Parsed:
    return options.parse({name: [value] for name, value in query.items()}, interface)


def words(text: str) -> list[Word]:
    return [Word(word, number, number + 0.5, 1.0) for number, word in enumerate(text.split())]


def test_what_is_for_english_only_is_ignored_and_said() -> None:
    asked = parsed(
        {
            "model": FRENCH,
            "smart_formatting": "true",
            "profanity_filter": "true",
            "split_transcript_at_phrase_end": "true",
            "timestamps": "true",
        }
    )
    assert asked.warnings == (
        f"smart_formatting is only for English and was ignored for {FRENCH}.",
        f"profanity_filter is only for English and was ignored for {FRENCH}.",
        f"split_transcript_at_phrase_end is only for English and was ignored for {FRENCH}.",
    )
    assert asked.options == Options(model=FRENCH, profanity_filter=False, timestamps=True)


@pytest.mark.parametrize("model", ["en-US_BroadbandModel", "en-GB_NarrowbandModel", "en-US_Telephony", None])
def test_english_of_any_country_is_formatted(model: str | None) -> None:
    asked = parsed({"smart_formatting": "true", **({} if model is None else {"model": model})})
    assert asked.warnings == ()
    assert asked.options.smart_formatting


def test_what_was_not_asked_for_is_not_warned_of() -> None:
    assert parsed({"model": FRENCH}).warnings == ()
    assert parsed({"model": FRENCH, "smart_formatting": "false"}).warnings == ()


def test_each_message_of_a_connection_warns_of_what_it_asks_for() -> None:
    query = parsed({"model": FRENCH, "smart_formatting": "true"}, "websocket")
    assert len(query.warnings) == 1
    begun = options.from_message({"action": "start", "redaction": True}, query)
    assert begun.warnings == (f"redaction hides only numbers that are written in digits for {FRENCH}.",)
    assert begun.options.redaction
    assert not begun.options.smart_formatting


def test_words_of_other_languages_are_no_hesitations_and_no_profanities() -> None:
    german = Options(model="de-DE_BroadbandModel")
    assert transcripts.final(words("um acht uhr am damm"), german).text == "um acht uhr am damm "
    assert transcripts.interim(words("um acht"), german) == "um acht "
    assert transcripts.final(words("um acht"), Options()).text == "%HESITATION acht "


@pytest.mark.parametrize(
    ("said", "shown", "hidden"),
    [
        ("code 1234 merci", "code XXXX merci ", {1}),
        ("appelez le 01 23 45 merci", "appelez le XX XX XX merci ", {2, 3, 4}),
        ("le 12 mai", "le 12 mai ", set()),
        ("en 2,5 ou 12", "en 2,5 ou 12 ", set()),
        ("numéro 12-34", "numéro XX-XX ", {1}),
        ("1 2 ou 3", "1 2 ou 3 ", set()),
        ("", "", set()),
    ],
)
def test_redaction_hides_digits_as_they_are_written(said: str, shown: str, hidden: set[int]) -> None:
    asked = parsed({"model": FRENCH, "redaction": "true"}).options
    assert transcripts.final(words(said), asked) == FinalTranscript(shown, frozenset(hidden))
