"""Recognition: synchronous, as jobs, in OpenAI's shape; and the base models."""

from __future__ import annotations

from chalicelib.api.descriptions.acoustic import LABEL, UPLOAD, UPLOADS
from chalicelib.api.descriptions.operation import (
    ANYTHING,
    BINARY,
    BOOLEAN,
    GUID,
    JSON,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Answered,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)
from chalicelib.jobs.statuses import JobEvent, JobStatus
from chalicelib.recognition.request import parameters

_GROUP, _JOBS_GROUP, _OPENAI, _MODELS_GROUP = "Recognition", "Recognition jobs", "OpenAI's API", "Base models"
_JOB_ID = "/recognitions/{job_id}"
_VTT, _SRT = "text/vtt", "application/x-subrip"
_WARNING = {"Warning": "What has no effect, or loses something, where the body has no place to tell it."}


def _tuple(*of: Schema) -> Schema:
    return {"type": "array", "prefixItems": list(of), "minItems": len(of), "maxItems": len(of)}


def _parameters(interface: parameters.Interface) -> dict[str, Schema]:
    """Return the query parameters of recognition; the words say what is expected."""
    return {
        name: {**parameters.KINDS[name].schema, "description": parameters.KINDS[name].expected}
        for name in sorted(parameters.QUERY[interface])
    }


_ALTERNATIVE_TIMES = many(_tuple(TEXT, NUMBER, NUMBER))
SCHEMAS: dict[str, Schema] = {
    "SpeechRecognitionAlternative": record(
        {"transcript": TEXT},
        {
            "written": TEXT,
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "timestamps": _ALTERNATIVE_TIMES,
            "written_timestamps": _ALTERNATIVE_TIMES,
            "word_confidence": many(_tuple(TEXT, NUMBER)),
        },
    ),
    "SpeechRecognitionResult": record(
        {"final": BOOLEAN, "alternatives": many(the("SpeechRecognitionAlternative"))},
        {
            "keywords_result": {
                "type": "object",
                "additionalProperties": many(
                    record(
                        {
                            "normalized_text": TEXT,
                            "start_time": NUMBER,
                            "end_time": NUMBER,
                            "confidence": NUMBER,
                        }
                    )
                ),
            },
            "word_alternatives": many(
                record(
                    {
                        "start_time": NUMBER,
                        "end_time": NUMBER,
                        "alternatives": many(record({"confidence": NUMBER, "word": TEXT})),
                    }
                )
            ),
            "end_of_utterance": one_of("full_stop", "silence", "reset", "end_of_data"),
            "channel": WHOLE,
        },
    ),
    "SpeechRecognitionResults": record(
        {"result_index": WHOLE, "results": many(the("SpeechRecognitionResult"))},
        {
            "warnings": many(TEXT),
            "speaker_labels": many(
                record(
                    {
                        "from": NUMBER,
                        "to": NUMBER,
                        "speaker": WHOLE,
                        "confidence": NUMBER,
                        "final": BOOLEAN,
                    }
                )
            ),
            "audio_metrics": ANYTHING,
        },
    ),
    "RecognitionJob": record(
        {"id": GUID, "status": one_of(*JobStatus), "created": TIME},
        {
            "updated": TIME,
            "url": TEXT,
            "user_token": TEXT,
            "warnings": many(TEXT),
            "details": many(record({"error": TEXT})),
            "results": many(
                {"anyOf": [the("SpeechRecognitionResults"), record({"processing_metrics": ANYTHING})]}
            ),
        },
    ),
    "RecognitionJobs": record({"recognitions": many(the("RecognitionJob"))}),
    "BaseModel": record(
        {
            "name": TEXT,
            "language": TEXT,
            "rate": WHOLE,
            "url": TEXT,
            "supported_features": record(
                {
                    "custom_language_model": BOOLEAN,
                    "custom_acoustic_model": BOOLEAN,
                    "speaker_labels": BOOLEAN,
                },
                {"low_latency": BOOLEAN},
            ),
            "description": TEXT,
        }
    ),
    "BaseModels": record({"models": many(the("BaseModel"))}),
    "OpenAIModel": record(
        {"id": TEXT, "object": one_of("model"), "created": WHOLE, "owned_by": TEXT}, {"name": TEXT}
    ),
    "OpenAIModels": record({"object": one_of("list"), "data": many(the("OpenAIModel"))}),
    "OpenAIUsage": record({"type": one_of("duration"), "seconds": WHOLE}),
    "Transcription": record({"text": TEXT, "usage": the("OpenAIUsage")}, {"warnings": many(TEXT)}),
    "TranscriptionVerbose": record(
        {
            "task": one_of("transcribe"),
            "language": TEXT,
            "duration": NUMBER,
            "text": TEXT,
            "usage": the("OpenAIUsage"),
        },
        {
            "segments": many(
                record(
                    {
                        "id": WHOLE,
                        "seek": WHOLE,
                        "start": NUMBER,
                        "end": NUMBER,
                        "text": TEXT,
                        "tokens": many(WHOLE),
                        "temperature": NUMBER,
                        "avg_logprob": NUMBER,
                        "compression_ratio": NUMBER,
                        "no_speech_prob": NUMBER,
                    }
                )
            ),
            "words": many(record({"word": TEXT, "start": NUMBER, "end": NUMBER})),
            "warnings": many(TEXT),
        },
    ),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/recognize"): Operation(
        _GROUP,
        {
            200: Answered(
                "What was said; an error that comes after 20 seconds stands in this body, too.",
                {JSON: the("SpeechRecognitionResults"), _VTT: TEXT, _SRT: TEXT},
                _WARNING,
            )
        },
        query={**_parameters("sync"), **UPLOAD},
        headers={"Accept": one_of(JSON, _VTT, _SRT)},
        body={
            **dict.fromkeys((*UPLOADS, "application/octet-stream"), BINARY),
            "multipart/form-data": fields({"metadata": TEXT, "upload": BINARY}, {}),
        },
        body_required=False,
        refusals=(303, 404, 406, 409),
        description="With `Accept: text/vtt` or `application/x-subrip` the answer is subtitles.",
    ),
    ("GET", "/recognize"): Operation(
        _GROUP,
        {101: Answered("A WebSocket, which is described in `docs/websocket.md`.")},
        query=_parameters("websocket"),
        refusals=(404, 406, 426),
    ),
    ("POST", "/recognitions"): Operation(
        _JOBS_GROUP,
        {201: answered("The job, which waits.", the("RecognitionJob"))},
        query={
            **_parameters("async"),
            "callback_url": TEXT,
            "events": {"type": "string", "examples": [",".join([JobEvent.STARTED, JobEvent.COMPLETED])]},
            "user_token": TEXT,
            "results_ttl": {"type": "integer", "minimum": 1, "maximum": 527040},
            **UPLOAD,
        },
        headers=LABEL,
        body=dict.fromkeys((*UPLOADS, "application/octet-stream"), BINARY),
        body_required=False,
        refusals=(404, 409),
    ),
    ("GET", "/recognitions"): Operation(_JOBS_GROUP, {200: answered("The jobs.", the("RecognitionJobs"))}),
    ("GET", _JOB_ID): Operation(
        _JOBS_GROUP,
        {
            200: Answered(
                "The job; of a completed one the results as subtitles, if they are accepted.",
                {JSON: the("RecognitionJob"), _VTT: TEXT, _SRT: TEXT},
                _WARNING,
            )
        },
        headers={"Accept": one_of(JSON, _VTT, _SRT)},
        refusals=(303, 406, 409),
    ),
    ("DELETE", _JOB_ID): Operation(_JOBS_GROUP, {204: Answered("It is gone.")}),
    ("GET", "/models"): Operation(
        _MODELS_GROUP,
        {
            200: answered(
                "The models; for OpenAI's clients in their shape, with trained custom models.",
                {"anyOf": [the("BaseModels"), the("OpenAIModels")]},
            )
        },
        refusals=(406,),
        errors="either",
    ),
    ("GET", "/models/{model_id}"): Operation(
        _MODELS_GROUP,
        {200: answered("The model.", {"anyOf": [the("BaseModel"), the("OpenAIModel")]})},
        refusals=(406,),
        errors="either",
    ),
    ("POST", "/audio/transcriptions"): Operation(
        _OPENAI,
        {
            200: Answered(
                "What was said, in the `response_format`.",
                {
                    JSON: {"anyOf": [the("Transcription"), the("TranscriptionVerbose")]},
                    "text/plain": TEXT,
                    _SRT: TEXT,
                    _VTT: TEXT,
                    "text/event-stream": TEXT,
                },
                _WARNING,
            )
        },
        body={
            "multipart/form-data": fields(
                {"file": BINARY, "model": TEXT},
                {
                    "language": TEXT,
                    "response_format": one_of("json", "text", "srt", "verbose_json", "vtt"),
                    "timestamp_granularities[]": many(one_of("word", "segment")),
                    "stream": BOOLEAN,
                    "temperature": {"type": "number", "minimum": 0, "maximum": 1},
                    "prompt": TEXT,
                },
            )
        },
        refusals=(404,),
        errors="openai",
    ),
}
