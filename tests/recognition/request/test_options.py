"""Queries of recognition requests: what is read, refused, and warned about."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.request.options import (
    LOW_LATENCY_PAUSE_S,
    MAX_ALTERNATIVES,
    InvalidOption,
    MalformedGuid,
    Options,
    OptionsConflict,
    from_message,
    parse,
)
from chalicelib.recognition.request.parameters import Interface

GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
BOOLEANS = [field.name for field in fields(Options) if field.type == "bool"]
NUMBERS = {
    "customization_weight": (0.0, 1.0),
    "keywords_threshold": (0.0, 1.0),
    "word_alternatives_threshold": (0.0, 1.0),
    "speech_detector_sensitivity": (0.0, 1.0),
    "background_audio_suppression": (0.0, 1.0),
    "end_of_phrase_silence_time": (0.0, 120.0),
}


def query(**arguments: str) -> dict[str, list[str]]:
    return {name: [value] for name, value in arguments.items()}


def test_nothing_asked_gives_watsons_defaults() -> None:
    assert parse({}).options == Options()
    assert parse({}).warnings == ()


def test_what_takes_effect_is_read_without_warnings() -> None:
    parsed = parse(
        query(
            model="en-US_NarrowbandModel",
            acoustic_customization_id=GUID,
            acoustic_customization_version="3",
            base_model_version="en-US_NarrowbandModel.v2019-06-24",
            timestamps="true",
            word_confidence="TRUE",
            max_alternatives="3",
            end_of_phrase_silence_time="1.5",
        )
    )
    assert parsed.warnings == ()
    assert parsed.options == Options(
        model="en-US_NarrowbandModel",
        acoustic_customization_id=GUID,
        acoustic_customization_version=3,
        base_model_version="en-US_NarrowbandModel.v2019-06-24",
        timestamps=True,
        word_confidence=True,
        max_alternatives=3,
        end_of_phrase_silence_time=1.5,
    )


@pytest.mark.parametrize(("asked", "given_"), [("0", 1), ("1", 1), ("7", 7), ("1000000", MAX_ALTERNATIVES)])
def test_max_alternatives_is_bounded_without_complaint(asked: str, given_: int) -> None:
    assert parse(query(max_alternatives=asked)).options.max_alternatives == given_


def test_no_pause_length_means_the_default() -> None:
    assert parse(query(end_of_phrase_silence_time="0.0")).options.end_of_phrase_silence_time == 0.8


@pytest.mark.parametrize("name", BOOLEANS)
@given(text=st.text().filter(lambda text: text.lower() not in ("true", "false")))
def test_a_boolean_is_true_or_false(name: str, text: str) -> None:
    with pytest.raises(InvalidOption, match=f"parameter '{name}': it must be true or false"):
        parse(query(**{name: text, "model": "en-US_Telephony"}))


@pytest.mark.parametrize(("name", "bounds"), NUMBERS.items())
@given(number=st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_accepted_within_its_range_only(
    name: str, bounds: tuple[float, float], number: float
) -> None:
    low, high = bounds
    arguments = query(**{name: repr(number), "language_customization_id": GUID})
    if not math.isnan(number) and low <= number <= high:
        read = getattr(parse(arguments).options, name)
        assert read == number or (name == "end_of_phrase_silence_time" and number == 0 and read == 0.8)
    else:
        with pytest.raises(InvalidOption, match=rf"parameter '{name}'.* from {low} to {high}$"):
            parse(arguments)


@given(
    text=st.text().filter(
        lambda text: not text.isascii() or not text.lstrip("+-").isdigit() or text.startswith("-")
    )
)
def test_max_alternatives_is_a_whole_number(text: str) -> None:
    if text.startswith("-") and text[1:].strip("0") == "" and len(text) > 1:
        return  # minus zero is zero
    with pytest.raises(InvalidOption, match="'max_alternatives': it must be a whole number of at least 0"):
        parse(query(max_alternatives=text))


@pytest.mark.parametrize("text", ["0", "-2", "1.5", "", "forever"])
def test_inactivity_timeout_outside_its_range(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"'inactivity_timeout'.*-1 for no timeout"):
        parse(query(inactivity_timeout=text))


@pytest.mark.parametrize("name", ["model", "base_model_version", "grammar_name"])
def test_a_name_is_not_empty(name: str) -> None:
    with pytest.raises(InvalidOption, match=f"parameter '{name}': it must be a text that is not empty"):
        parse(query(**{name: " "}))


@given(text=st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_a_customization_id_is_a_guid(text: str) -> None:
    for name in ("acoustic_customization_id", "language_customization_id", "customization_id"):
        with pytest.raises(MalformedGuid) as raised:
            parse(query(**{name: text}))
        assert str(raised.value) == f"Malformed GUID: '{text}'"


def test_the_old_name_of_the_language_model() -> None:
    assert parse(query(customization_id=GUID)).options.language_customization_id == GUID
    both = query(customization_id=GUID, language_customization_id=GUID.replace("0", "1"))
    with pytest.raises(OptionsConflict, match="give only language_customization_id"):
        parse(both)


def test_keywords_are_split_at_commas() -> None:
    parsed = parse(query(keywords="colorado, tornado warning,,storm ", keywords_threshold="0"))
    assert parsed.options.keywords == ("colorado", "tornado warning", "storm")


@pytest.mark.parametrize(
    "keywords", ['"message","pound key"', '["message", "pound key"]', "“message”, pound key"]
)
def test_keywords_as_they_are_documented(keywords: str) -> None:
    parsed = parse(query(keywords=keywords, keywords_threshold="0.3"))
    assert (parsed.options.keywords, parsed.warnings) == (("message", "pound key"), ())
    message = from_message({"keywords": ['"message"', "pound key"], "keywords_threshold": 0.3})
    assert message.options.keywords == parsed.options.keywords


def test_keywords_that_no_words_can_match_are_named() -> None:
    parsed = parse(query(keywords='message,"!!!",通話', keywords_threshold="0.3"))
    assert parsed.warnings == ("Keywords that no words can match: !!!, 通話.",)
    french = parse(query(model="fr-FR_BroadbandModel", keywords="été,!!!", keywords_threshold="0.3"))
    assert french.warnings == ("Keywords that no words can match: !!!.",)


@pytest.mark.parametrize("keywords", [",".join(["word"] * 1001), "a" * 1025])
def test_too_many_or_too_long_keywords(keywords: str) -> None:
    with pytest.raises(
        InvalidOption, match="at most 1000 keywords, each of at most 1024 characters"
    ) as raised:
        parse(query(keywords=keywords, keywords_threshold="0.5"))
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (query(keywords="storm"), "keywords_threshold must be set if keywords list is not empty"),
        (
            query(customization_weight="0.5"),
            "Cannot specify customization weight when not using customization.",
        ),
        (
            query(acoustic_customization_version="2"),
            "acoustic_customization_version needs acoustic_customization_id, the model that has the version",
        ),
        (
            query(grammar_name="digits"),
            "grammar_name needs language_customization_id, the model that has the grammar",
        ),
    ],
)
def test_a_parameter_without_the_one_it_needs(arguments: dict[str, list[str]], message: str) -> None:
    with pytest.raises(OptionsConflict) as raised:
        parse(arguments)
    assert str(raised.value) == message


def test_a_threshold_without_keywords_asks_for_nothing() -> None:
    assert parse(query(keywords_threshold="0.5")).warnings == ()


def test_unknown_arguments_are_named_in_a_warning() -> None:
    parsed = parse(query(version="1", continuous="true", timestamps="true"))
    assert parsed.warnings == ("Unknown url query arguments: continuous, version.",)


def test_what_only_newer_models_know_is_unknown_to_the_others() -> None:
    asked = query(low_latency="true", character_insertion_bias="much", timestamps="true")
    parsed = parse(asked | query(model="en-US_NarrowbandModel"))
    assert parsed.warnings == ("Unknown arguments: character_insertion_bias, low_latency.",)
    assert parsed.options == Options(model="en-US_NarrowbandModel", timestamps=True)
    with pytest.raises(InvalidOption, match="'character_insertion_bias': it must be a number from -1"):
        parse(asked | query(model="en-US_Telephony"))


def test_an_alias_brings_its_parameters() -> None:
    parsed = parse(query(model="en-US_Telephony", low_latency="true", character_insertion_bias="-0.1"))
    assert parsed.warnings == ()
    assert parsed.options.model == "en-US_Telephony"
    assert parsed.options.character_insertion_bias == -0.1
    assert parsed.options.end_of_phrase_silence_time == LOW_LATENCY_PAUSE_S
    asked = query(model="en-US_Telephony", low_latency="true", end_of_phrase_silence_time="1")
    assert parse(asked).options.end_of_phrase_silence_time == 1.0


def test_what_http_cannot_do_is_named_in_a_warning() -> None:
    parsed = parse(
        query(interim_results="true", processing_metrics="true", processing_metrics_interval="0.5")
    )
    assert parsed.warnings == ("Not supported over HTTP and ignored: interim_results, processing_metrics.",)
    assert not parsed.options.interim_results
    assert not parsed.options.processing_metrics
    assert parse(query(interim_results="false")).warnings == ()


def test_a_job_has_metrics_and_arguments_of_its_own() -> None:
    asked = query(interim_results="true", processing_metrics="true", callback_url="https://a", events="b")
    parsed = parse(asked, interface="async")
    assert parsed.warnings == ("Not supported over HTTP and ignored: interim_results.",)
    assert parsed.options.processing_metrics


def test_asking_for_what_is_done_anyway_needs_no_warning() -> None:
    assert parse(query(profanity_filter="false", speech_detector_sensitivity="0.5")).warnings == ()


def test_speaker_labels_bring_timestamps() -> None:
    assert parse(query(speaker_labels="true")).options.timestamps


def test_of_a_repeated_argument_the_last_counts() -> None:
    assert parse({"max_alternatives": ["x", "2"]}).options.max_alternatives == 2


def test_options_need_neither_numpy_nor_an_engine() -> None:
    code = (
        "import sys, chalicelib.recognition.request.options, chalicelib.recognition.request.backend\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pocketsphinx', 'soundfile')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_redaction_hides_its_digits_everywhere() -> None:
    parsed = parse(
        query(
            redaction="true",
            smart_formatting="false",
            keywords="seven",
            keywords_threshold="0.1",
            max_alternatives="5",
            word_alternatives_threshold="0.1",
            interim_results="true",
        ),
        interface="websocket",
    )
    assert parsed.options == Options(redaction=True, smart_formatting=True)
    shown = from_message({"redaction": False}, parsed).options
    assert (shown.smart_formatting, shown.keywords, shown.max_alternatives) == (False, ("seven",), 5)
    assert shown.interim_results


NATIVE = {
    "keywords": ["tornado warning", "storm"],
    "keywords_threshold": 0.5,
    "max_alternatives": 3,
    "inactivity_timeout": -1,
    "timestamps": True,
    "interim_results": True,
    "end_of_phrase_silence_time": 2,
    "processing_metrics_interval": 0.25,
}


def test_a_message_has_json_types_and_texts_alike() -> None:
    native = from_message({"action": "start", "content-type": "audio/l16; rate=16000", **NATIVE})
    texts = {
        name: ",".join(value) if isinstance(value, list) else str(value) for name, value in NATIVE.items()
    }
    as_text = from_message({"action": "start", "content_type": "audio/wav", **texts})
    assert native.options == as_text.options
    assert native.warnings == as_text.warnings == ()
    assert native.options == Options(
        keywords=("tornado warning", "storm"),
        keywords_threshold=0.5,
        max_alternatives=3,
        inactivity_timeout=-1,
        timestamps=True,
        interim_results=True,
        end_of_phrase_silence_time=2.0,
        processing_metrics_interval=0.25,
    )


def test_a_message_keeps_what_it_does_not_name() -> None:
    handshake = parse(query(model="en-US_NarrowbandModel", timestamps="true"), interface="websocket")
    first = from_message({"keywords": ["storm"], "keywords_threshold": 0.5}, handshake)
    second = from_message({"timestamps": False, "max_alternatives": 2}, first)
    assert second.options == Options(
        model="en-US_NarrowbandModel", keywords=("storm",), keywords_threshold=0.5, max_alternatives=2
    )
    assert from_message({"keywords": None, "keywords_threshold": None}, second).options == Options(
        model="en-US_NarrowbandModel", max_alternatives=2
    )


def test_a_message_cannot_change_the_model() -> None:
    handshake = parse(query(model="en-US_NarrowbandModel"), interface="websocket")
    parsed = from_message({"model": "en-US_BroadbandModel", "continuous": True, "low_latency": 1}, handshake)
    assert parsed.options.model == "en-US_NarrowbandModel"
    assert parsed.warnings == ("Unknown arguments: continuous, low_latency, model.",)
    telephony = parse(query(model="en-US_Telephony"), interface="websocket")
    assert from_message({"low_latency": True}, telephony).options.low_latency


def test_the_metadata_of_a_form() -> None:
    asked = parse(query(model="en-US_NarrowbandModel", timestamps="true"), interface="multipart")
    assert asked.warnings == ("Unknown url query arguments: timestamps.",)
    metadata = {"part_content_type": "audio/flac", "data_parts_count": 2, "word_confidence": True}
    parsed = from_message({**metadata, "interim_results": True}, asked, interface="multipart")
    assert parsed.options == Options(model="en-US_NarrowbandModel", word_confidence=True)
    assert parsed.warnings == ("Unknown arguments: interim_results.",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamps", 1),
        ("timestamps", "yes"),
        ("max_alternatives", -1),
        ("max_alternatives", 1.5),
        ("max_alternatives", True),
        ("max_alternatives", 10**400),
        ("keywords_threshold", 1.01),
        ("keywords_threshold", math.nan),
        ("keywords_threshold", [0.5]),
        ("keywords_threshold", 10**400),
        ("processing_metrics_interval", math.inf),
        ("processing_metrics_interval", 0.05),
        ("keywords", ["storm", 3]),
        ("keywords", {"storm": 1}),
        ("grammar_name", 3),
        ("inactivity_timeout", 0),
    ],
)
def test_a_bad_value_in_a_message_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidOption, match=f"for parameter '{name}': it must be ") as raised:
        from_message({name: value})
    assert len(str(raised.value)) < 250


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(message=st.dictionaries(st.sampled_from([field.name for field in fields(Options)]), json_values))
def test_any_message_is_read_or_refused_by_name(message: dict[str, object]) -> None:
    try:
        options = from_message(message).options
    except (InvalidOption, OptionsConflict) as refusal:
        assert any(name in str(refusal) for name in [*message, "customization weight"])
        return
    carried = json.loads(json.dumps(options.to_json(), allow_nan=False))
    assert Options.from_json({**carried, "of_a_later_version": 1}) == options


def test_the_written_text_can_be_asked_for_on_every_interface() -> None:
    of_queries: tuple[Interface, ...] = ("sync", "async", "websocket")
    for interface in of_queries:
        parsed = parse({"written": ["true"]}, interface)
        assert (parsed.options.written, parsed.warnings) == (True, ())
    of_messages: tuple[Interface, ...] = ("multipart", "websocket")
    for interface in of_messages:
        parsed = from_message({"written": True}, interface=interface)
        assert (parsed.options.written, parsed.warnings) == (True, ())
        assert Options.from_json(parsed.options.to_json()).written
