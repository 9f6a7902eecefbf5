"""`/v1/recognitions`: speech to text, asynchronously."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chalicelib.api import callbacks, subtitled
from chalicelib.api.http import bodies, errors, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import ApiError, BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.audio import content_types
from chalicelib.jobs import recognition_jobs
from chalicelib.jobs.recognition_jobs import JobCallback
from chalicelib.jobs.statuses import JobEvent, JobStatus
from chalicelib.recognition.request import backend, models, options, unheeded
from chalicelib.recognition.results import cues, subtitles
from chalicelib.sharing import usage
from chalicelib.storage import objects
from chalicelib.storage.layout import JobKey
from chalicelib.storage.tables import RecognitionJob, watson_time

routes = Routes()

errors.register(recognition_jobs.UnknownJob, 404)
errors.register(recognition_jobs.JobProcessing, 400)

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


@routes.route("POST", "/recognitions")
def create_job(call: Call) -> Answer:
    """Take in a job; its results can be fetched later."""
    query = options.parse(call.query, "async")
    results_ttl_minutes = _results_ttl(call)
    callback, unused = _callback(call)
    customer_id = parameters.customer_id(call)
    usage.check(call.owner)
    model = models.choose(call.owner, query.options)
    body = bodies.read(call, recognition_jobs.MAX_AUDIO_BYTES)
    content_types.of_recognition(body.content_type, None)
    if body.pending:
        return Answer(204)
    backend.check_size(body.size_bytes)
    content_type = content_types.of_recognition(body.content_type, body.head())
    job_id = recognition_jobs.new_id()
    key = JobKey(call.owner, job_id).audio_key
    body.store(key)
    about_results = (*query.warnings, *unheeded.warnings(query.options, model.base_version), *model.warnings)
    try:
        job = recognition_jobs.create(
            call.owner,
            job_id,
            backend.event_for(
                key,
                None if content_type is None else str(content_type),
                model,
                query.options,
                owner=call.owner,
            ),
            results_ttl_minutes=results_ttl_minutes,
            callback=callback,
            warnings=about_results,
            customer_id=customer_id or body.customer_id,
        )
    except BaseException:
        objects.delete(key)
        raise
    body.discard()
    answer: dict[str, Any] = {
        "created": watson_time(job.created),
        "id": job.job_id,
        "url": f"{call.base_url}/v1/recognitions/{job.job_id}",
        "status": job.status,
    }
    warnings = (*about_results, *unused)
    return Answer(201, answer | {"warnings": list(warnings)} if warnings else answer)


@routes.route("GET", "/recognitions")
def list_jobs(call: Call) -> dict[str, Any]:
    """List the latest jobs, newest first, without their results."""
    jobs = recognition_jobs.latest(call.owner)
    return {
        "recognitions": [
            _shown(job) | ({"user_token": job.user_token} if job.user_token else {}) for job in jobs
        ]
    }


@routes.route("GET", "/recognitions/{job_id}")
def get_job(call: Call, job_id: str) -> Answer | dict[str, Any]:
    """Show a job, with its results or with the reason why there are none; or its results as subtitles."""
    job = recognition_jobs.get(call.owner, job_id)
    wanted = subtitled.format_of(call)
    failure = (job.error or "").replace(backend.ENDPOINT, call.base_url)
    if wanted is not None:
        return _subtitles(job, wanted, failure)
    shown = _shown(job)
    if job.status == JobStatus.COMPLETED:
        shown["results"] = _results(job)
    if job.status == JobStatus.FAILED:
        shown["details"] = [{"error": failure}]
    return shown


def _results(job: RecognitionJob) -> list[dict[str, Any]]:
    try:
        return recognition_jobs.results(job)
    except objects.ObjectNotFound:  # it has expired, or was deleted, just now
        raise recognition_jobs.UnknownJob(job.job_id) from None


def _subtitles(job: RecognitionJob, wanted: subtitles.Format, failure: str) -> Answer:
    if job.status == JobStatus.FAILED:
        raise ApiError(409, f"The job has failed, so it has no subtitles: {failure}")
    if job.status != JobStatus.COMPLETED:
        raise ApiError(409, f"The job is '{job.status}': ask for its subtitles again when it is 'completed'.")
    try:
        return subtitled.answer(_results(job)[-1], wanted)
    except cues.NoTimes as error:
        raise ApiError(
            406, f"{error} Make the job with timestamps=true, and with written=true for punctuation."
        ) from None


@routes.route("DELETE", "/recognitions/{job_id}")
def delete_job(call: Call, job_id: str) -> Answer:
    """Remove a job and its results."""
    recognition_jobs.delete(call.owner, job_id)
    return Answer(204)


def _shown(job: RecognitionJob) -> dict[str, Any]:
    return {
        "id": job.job_id,
        "status": job.status,
        "created": watson_time(job.created),
        "updated": watson_time(job.updated),
    }


def _results_ttl(call: Call) -> int:
    text = parameters.text(call, "results_ttl")
    if text is None:
        return recognition_jobs.DEFAULT_TTL_MINUTES
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= recognition_jobs.LONGEST_TTL_MINUTES:
        raise BadRequest(
            f"Invalid value '{text[:60]}' for parameter 'results_ttl': it must be a whole number of minutes "
            f"from 1 to {recognition_jobs.LONGEST_TTL_MINUTES}"
        )
    return int(text)


def _callback(call: Call) -> tuple[JobCallback | None, Sequence[str]]:
    """Return whom to tell of the job, and warnings about parameters that need a callback."""
    url = parameters.text(call, "callback_url")
    if url is None:
        given = [name for name in ("events", "user_token") if parameters.text(call, name) is not None]
        return None, [
            f"unexpected query parameter '{name}', query parameter 'callback_url' was not specified"
            for name in given
        ]
    events = _events(call)
    callbacks.registered(call, url)
    return JobCallback(url, events, parameters.text(call, "user_token")), ()


def _events(call: Call) -> set[JobEvent]:
    text = parameters.text(call, "events")
    if text is None:
        return set(recognition_jobs.DEFAULT_EVENTS)
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names - set(JobEvent))
    if unknown or not names:
        raise BadRequest(
            f"Invalid value '{', '.join(unknown)[:200]}' for parameter 'events': "
            f"it must be a list of {', '.join(JobEvent)}"
        )
    events = {JobEvent(name) for name in names}
    if {JobEvent.COMPLETED, JobEvent.COMPLETED_WITH_RESULTS} <= events:
        raise BadRequest(
            f"Invalid value for parameter 'events': {JobEvent.COMPLETED} and "
            f"{JobEvent.COMPLETED_WITH_RESULTS} exclude each other: give only one of them"
        )
    return events
