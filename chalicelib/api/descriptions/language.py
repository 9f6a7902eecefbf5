"""Custom language models with their corpora, words and grammars."""

from __future__ import annotations

from chalicelib.api.descriptions.acoustic import LABEL, MODEL_MEMBERS, MODEL_OPTIONAL, UPLOAD
from chalicelib.api.descriptions.operation import (
    BINARY,
    BOOLEAN,
    JSON,
    NOTHING,
    TEXT,
    WHOLE,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)

_GROUP = "Custom language models"
_CORPORA_GROUP, _WORDS_GROUP, _GRAMMARS_GROUP = "Corpora", "Custom words", "Grammars"
_MODELS = "/customizations"
_MODEL = "/customizations/{customization_id}"
_CORPORA, _CORPUS = f"{_MODEL}/corpora", f"{_MODEL}/corpora/{{corpus_name}}"
_WORDS, _WORD = f"{_MODEL}/words", f"{_MODEL}/words/{{word_name}}"
_GRAMMARS, _GRAMMAR = f"{_MODEL}/grammars", f"{_MODEL}/grammars/{{grammar_name}}"
_STATUS = one_of("analyzed", "being_processed", "undetermined")
_WORD_FIELDS: dict[str, Schema] = {"sounds_like": many(TEXT), "display_as": TEXT, "mapping_only": many(TEXT)}
_TAKEN_IN = record({}, {"warnings": TEXT})

SCHEMAS: dict[str, Schema] = {
    "LanguageModel": record({**MODEL_MEMBERS, "dialect": TEXT}, MODEL_OPTIONAL),
    "LanguageModels": record({"customizations": many(the("LanguageModel"))}),
    "Corpus": record(
        {"out_of_vocabulary_words": WHOLE, "total_words": WHOLE, "name": TEXT, "status": _STATUS},
        {"error": TEXT, "warnings": TEXT},
    ),
    "Corpora": record({"corpora": many(the("Corpus"))}, {"warnings": TEXT}),
    "Grammar": record(
        {"out_of_vocabulary_words": WHOLE, "name": TEXT, "status": _STATUS},
        {"error": TEXT, "warnings": TEXT},
    ),
    "Grammars": record({"grammars": many(the("Grammar"))}, {"warnings": TEXT}),
    "Word": record(
        {
            "display_as": TEXT,
            "sounds_like": many(TEXT),
            "count": WHOLE,
            "source": many(TEXT),
            "word": TEXT,
            "pronunciation": many(TEXT),
        },
        {"error": many({"type": "object", "additionalProperties": TEXT}), "warnings": TEXT},
    ),
    "Words": record({"words": many(the("Word"))}, {"warnings": TEXT}),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", _MODELS): Operation(
        _GROUP,
        {201: answered("The id of the new model.", the("MadeModel"))},
        body={
            JSON: fields(
                {"name": TEXT, "base_model_name": TEXT},
                {"dialect": TEXT, "description": TEXT, "base_model_version": TEXT},
            )
        },
    ),
    ("GET", _MODELS): Operation(
        _GROUP, {200: answered("The models.", the("LanguageModels"))}, query={"language": TEXT}
    ),
    ("GET", _MODEL): Operation(_GROUP, {200: answered("The model.", the("LanguageModel"))}),
    ("DELETE", _MODEL): Operation(_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)),
    ("POST", f"{_MODEL}/reset"): Operation(
        _GROUP, {200: answered("It is as when it was made.", NOTHING)}, refusals=(409,)
    ),
    ("POST", f"{_MODEL}/train"): Operation(
        _GROUP,
        {200: answered("The training has begun.", the("TrainingResponse"))},
        query={
            "strict": BOOLEAN,
            "customization_weight": {"type": "number", "minimum": 0, "maximum": 1},
            "word_type_to_add": one_of("all", "user"),
        },
        refusals=(409,),
    ),
    ("DELETE", f"{_MODEL}/train"): Operation(
        _GROUP, {200: answered("The training is being stopped.", NOTHING)}, refusals=(409,)
    ),
    ("POST", f"{_MODEL}/upgrade_model"): Operation(
        _GROUP, {200: answered("The upgrade has begun.", NOTHING)}, refusals=(409,)
    ),
    ("POST", _CORPUS): Operation(
        _CORPORA_GROUP,
        {201: answered("It was taken in, and is analysed now.", NOTHING)},
        query={"allow_overwrite": BOOLEAN, **UPLOAD},
        headers=LABEL,
        body={
            "text/plain": TEXT,
            "multipart/form-data": fields({"corpus_file": BINARY}, {}),
        },
        body_required=False,
        refusals=(409,),
    ),
    ("GET", _CORPORA): Operation(_CORPORA_GROUP, {200: answered("The corpora.", the("Corpora"))}),
    ("GET", _CORPUS): Operation(_CORPORA_GROUP, {200: answered("The corpus.", the("Corpus"))}),
    ("DELETE", _CORPUS): Operation(_CORPORA_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)),
    ("POST", _WORDS): Operation(
        _WORDS_GROUP,
        {201: answered("They were taken in, and are put in now.", _TAKEN_IN)},
        query=UPLOAD,
        headers=LABEL,
        body={JSON: fields({"words": many(fields({"word": TEXT}, _WORD_FIELDS))}, {})},
        body_required=False,
        refusals=(409,),
    ),
    ("GET", _WORDS): Operation(
        _WORDS_GROUP,
        {200: answered("The words.", the("Words"))},
        query={
            "word_type": one_of("all", "user", "corpora", "grammars"),
            "sort": one_of("alphabetical", "+alphabetical", "-alphabetical", "count", "+count", "-count"),
        },
    ),
    ("PUT", _WORD): Operation(
        _WORDS_GROUP,
        {201: answered("The word is there.", _TAKEN_IN)},
        headers=LABEL,
        body={JSON: fields({}, {"word": TEXT, **_WORD_FIELDS})},
        refusals=(409,),
    ),
    ("GET", _WORD): Operation(_WORDS_GROUP, {200: answered("The word.", the("Word"))}),
    ("DELETE", _WORD): Operation(_WORDS_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)),
    ("POST", _GRAMMAR): Operation(
        _GRAMMARS_GROUP,
        {201: answered("It was taken in, and is compiled now.", NOTHING)},
        query={"allow_overwrite": BOOLEAN, **UPLOAD},
        headers=LABEL,
        body={"application/srgs": TEXT, "application/srgs+xml": TEXT},
        body_required=False,
        refusals=(409,),
    ),
    ("GET", _GRAMMARS): Operation(_GRAMMARS_GROUP, {200: answered("The grammars.", the("Grammars"))}),
    ("GET", _GRAMMAR): Operation(_GRAMMARS_GROUP, {200: answered("The grammar.", the("Grammar"))}),
    ("DELETE", _GRAMMAR): Operation(
        _GRAMMARS_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)
    ),
}
