"""`/v1/recognitions`: jobs as a client sees them; the function that recognises is scripted."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.events import callback_due, recognition_queued
from chalicelib.jobs import recognition_jobs
from chalicelib.jobs.statuses import JobStatus
from chalicelib.storage import objects, queues, spool
from chalicelib.storage.layout import JobKey
from chalicelib.storage.tables import RecognitionJob
from tests.api.calling import Answer, Instance, assert_error
from tests.events import recorded
from tests.receiver import Receiver
from tests.recognition.results.test_cues import result
from tests.recognition_function import RESULTS, Function

WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Jobs:
    """The jobs of an instance."""

    instance: Instance

    def post(self, query: str = "", body: bytes = WAV, **headers: str) -> Answer:
        sent = {"Content-Type": "audio/wav"} | {key.replace("_", "-"): text for key, text in headers.items()}
        return self.instance("POST", f"/recognitions{query}", body=body, headers=sent)

    def new(self, query: str = "", **headers: Any) -> str:
        answer = self.post(query, **headers)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def get(self, job_id: str) -> Any:
        answer = self.instance("GET", f"/recognitions/{job_id}")
        assert answer.status == 200, answer.body
        return answer.json

    def listed(self) -> list[dict[str, Any]]:
        answer = self.instance("GET", "/recognitions")
        assert answer.status == 200
        jobs: list[dict[str, Any]] = answer.json["recognitions"]
        return jobs

    def row(self, job_id: str) -> RecognitionJob:
        return recognition_jobs.get(self.instance.owner, job_id)

    def work(self, job_id: str, receives: int = 1) -> list[str]:
        """Hand over the message that waits for a job; returns the messages that failed."""
        event = recorded.load(
            "recognition_queued", job=JobKey(self.instance.owner, job_id), receives=receives
        )
        return recorded.failed(recognition_queued.handle(event, None))

    def stored(self, job_id: str) -> list[str]:
        prefix = JobKey(self.instance.owner, job_id).prefix
        return [key.removeprefix(prefix) for key in objects.keys(prefix)]


@pytest.fixture(autouse=True)
def _queues(account: None) -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


@pytest.fixture
def jobs(instance: Instance) -> Jobs:
    return Jobs(instance)


def test_a_job_from_its_making_to_its_removal(jobs: Jobs, function: Function) -> None:
    answer = jobs.post("?model=en-US_NarrowbandModel&timestamps=true")
    assert answer.status == 201
    made = answer.json
    assert set(made) == {"created", "id", "url", "status"}
    assert made["status"] == "waiting"
    assert GUID.fullmatch(made["id"])
    assert TIME.fullmatch(made["created"])
    assert made["url"].endswith(f"/v1/recognitions/{made['id']}")
    waiting = jobs.get(made["id"])
    assert waiting == {
        "id": made["id"],
        "status": "waiting",
        "created": made["created"],
        "updated": made["created"],
    }
    assert jobs.listed() == [waiting]
    assert jobs.work(made["id"]) == []
    done = jobs.get(made["id"])
    assert (done["status"], done["results"]) == ("completed", [RESULTS])
    assert done["updated"] > done["created"]
    assert function.heard == [WAV]
    (event,) = function.events
    assert event["audio"]["content_type"] == "audio/wav"
    assert event["base_version"].startswith("en-US_NarrowbandModel")
    assert event["options"]["timestamps"] is True
    assert jobs.stored(made["id"]) == ["results.json"]
    removed = jobs.instance("DELETE", f"/recognitions/{made['id']}")
    assert (removed.status, removed.body) == (204, b"")
    assert jobs.listed() == []
    assert jobs.stored(made["id"]) == []
    gone = jobs.instance("GET", f"/recognitions/{made['id']}")
    assert gone.status == 404
    assert "job not found" in gone.json["error"]


def test_a_job_is_announced_in_its_queue(jobs: Jobs) -> None:
    job_id = jobs.new()
    url, found = queues.url_of("attune-recognition-queued"), []
    while messages := queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    assert sum(job_id in body and jobs.instance.owner in body for body in found) == 1


def test_warnings_belong_to_the_job_and_to_its_results(jobs: Jobs, function: Function) -> None:
    answer = jobs.post("?nonsense=1&events=recognitions.started&user_token=me")
    about_callbacks = [
        f"unexpected query parameter '{name}', query parameter 'callback_url' was not specified"
        for name in ("events", "user_token")
    ]
    assert answer.json["warnings"] == ["Unknown url query arguments: nonsense.", *about_callbacks]
    jobs.work(answer.json["id"])
    (found,) = jobs.get(answer.json["id"])["results"]
    assert list(found) == ["result_index", "warnings", "results"]
    assert found["warnings"] == ["Unknown url query arguments: nonsense."]
    assert "user_token" not in jobs.listed()[0]


def test_a_job_misses_the_written_text_where_the_version_does_not_write(
    jobs: Jobs, function: Function
) -> None:
    answer = jobs.post("?written=true&base_model_version=en-US_BroadbandModel.v2020-01-16")
    jobs.work(answer.json["id"])
    (found,) = jobs.get(answer.json["id"])["results"]
    assert function.events[-1]["options"]["written"] is True
    assert found["warnings"] == answer.json["warnings"]
    assert found["warnings"][0].startswith("written has no effect: version en-US_BroadbandModel.v2020-01-16 ")


def test_processing_metrics_come_before_the_transcripts(jobs: Jobs, function: Function) -> None:
    processed = {"received": 4.2, "seen_by_engine": 4.2, "transcription": 4.2}
    function.answer = {"results": RESULTS | {"processing_metrics": {"processed_audio": processed}}}
    job_id = jobs.new("?processing_metrics=true")
    jobs.work(job_id)
    assert function.events[0]["options"]["processing_metrics"] is True
    metrics, found = jobs.get(job_id)["results"]
    assert found == RESULTS
    assert metrics["processing_metrics"].pop("wall_clock_since_first_byte_received") > 0
    assert metrics == {"processing_metrics": {"processed_audio": processed, "periodic": True}}


def test_bad_audio_fails_the_job_and_says_why(jobs: Jobs, function: Function) -> None:
    message = "unable to transcode data stream audio/wav -> audio/l16 "
    function.answer = {"error": {"code": 400, "message": message}}
    job_id = jobs.new()
    assert jobs.work(job_id) == []
    shown = jobs.get(job_id)
    assert (shown["status"], shown["details"]) == ("failed", [{"error": message}])
    assert "results" not in shown
    assert jobs.stored(job_id) == []


@pytest.mark.parametrize(("receives", "status"), [(1, "processing"), (3, "failed")])
def test_a_failing_engine_is_tried_again(jobs: Jobs, function: Function, receives: int, status: str) -> None:
    function.answer = ValueError("secret detail")
    job_id = jobs.new()
    assert len(jobs.work(job_id, receives)) == (status == "processing")
    assert jobs.get(job_id)["status"] == status
    function.answer = {"results": RESULTS}
    jobs.work(job_id)
    assert jobs.get(job_id)["status"] == ("completed" if status == "processing" else "failed")


def test_without_capacity_a_job_waits(jobs: Jobs, function: Function) -> None:
    function.answer = {"error": {"code": 503, "message": "no room"}}
    job_id = jobs.new()
    assert len(jobs.work(job_id, receives=5)) == 1
    assert jobs.get(job_id)["status"] == "processing"


def test_a_job_that_is_worked_on_cannot_be_deleted(jobs: Jobs, function: Function) -> None:
    job_id = jobs.new()
    refused: list[Answer] = []

    def while_working(event: object) -> Any:
        refused.append(jobs.instance("DELETE", f"/recognitions/{job_id}"))
        return {"results": RESULTS}

    function.answer = while_working
    jobs.work(job_id)
    assert refused[0].status == 400
    assert "is being processed" in refused[0].json["error"]
    assert jobs.get(job_id)["status"] == "completed"


def test_a_waiting_job_can_be_deleted(jobs: Jobs, function: Function) -> None:
    job_id = jobs.new()
    assert jobs.instance("DELETE", f"/recognitions/{job_id}").status == 204
    assert jobs.work(job_id) == []
    assert function.events == []


def test_messages_that_come_twice_do_nothing(jobs: Jobs, function: Function) -> None:
    job_id = jobs.new()
    for _ in range(2):
        assert jobs.work(job_id) == []
    assert len(function.events) == 1


def test_the_latest_hundred_are_listed_newest_first(jobs: Jobs) -> None:
    request = {"audio": {"key": "none"}}
    made = []
    for _ in range(103):
        made.append(recognition_jobs.new_id())
        recognition_jobs.create(jobs.instance.owner, made[-1], request)
        time.sleep(0.001)  # ids sort by the millisecond
    assert [job["id"] for job in jobs.listed()] == made[:2:-1]


def test_jobs_of_others_are_not_found(jobs: Jobs, account: None) -> None:
    job_id, other = jobs.new(), Jobs(Instance())
    assert other.listed() == []
    for method in ("GET", "DELETE"):
        answer = other.instance(method, f"/recognitions/{job_id}")
        assert answer.status == 404
        assert "job not found" in answer.json["error"]
    assert jobs.instance("DELETE", "/recognitions/no-guid").status == 404


def test_results_are_kept_for_as_long_as_was_asked_for(jobs: Jobs, function: Function) -> None:
    job_id, other = jobs.new("?results_ttl=3"), jobs.new()
    for one in (job_id, other):
        assert jobs.row(one).expires is None
        jobs.work(one)
    for one, minutes in ((job_id, 3), (other, 7 * 24 * 60)):
        row = jobs.row(one)
        assert abs(int(row.expires) - row.updated.timestamp() - 60 * minutes) <= 1
    row = jobs.row(job_id)
    row.expires = int(time.time())
    row.save()
    assert jobs.instance("GET", f"/recognitions/{job_id}").status == 404
    assert [job["id"] for job in jobs.listed()] == [other]
    assert jobs.instance("DELETE", f"/recognitions/{job_id}").status == 404


@pytest.mark.parametrize("value", ["0", "-1", "a", "1.5", "9999999", "٣"])
def test_a_time_to_live_that_makes_no_sense(jobs: Jobs, value: str) -> None:
    answer = jobs.post(f"?results_ttl={quote(value)}")
    assert answer.status == 400
    assert "results_ttl" in answer.json["error"]


def test_what_is_refused_before_anything_is_kept(jobs: Jobs) -> None:
    assert jobs.post("?model=none").status == 404
    assert jobs.post("?timestamps=perhaps").status == 400
    assert jobs.post(Content_Type="video/x-msvideo").status == 415
    assert_error(jobs.post(body=bytes(9)), 400, "Stream was 9 bytes but needs to be at least 100 bytes.")
    assert jobs.post(X_Watson_Metadata="nobody").status == 400
    pending = spool.write_header(spool.Spooled(spool.PENDING, 1024**3 + 1))
    assert jobs.post(body=b"", X_Attune_Body=pending).status == 413
    pending = spool.write_header(spool.Spooled(spool.PENDING, 1024**3))
    assert jobs.post(body=b"", X_Attune_Body=pending).status == 204
    assert jobs.listed() == []


def test_a_body_that_the_front_door_has_stored(jobs: Jobs, function: Function) -> None:
    key = spool.new_key()
    objects.put(key, WAV)
    answer = jobs.post(body=b"", X_Attune_Body=spool.write_header(spool.Spooled(key, len(WAV))))
    assert not objects.exists(key)
    jobs.work(answer.json["id"])
    assert function.heard == [WAV]
    assert jobs.row(answer.json["id"]).status == JobStatus.COMPLETED


def test_the_label_is_kept(jobs: Jobs) -> None:
    assert jobs.row(jobs.new(X_Watson_Metadata="customer_id=me")).customer_id == "me"


def test_callbacks_over_http(jobs: Jobs, function: Function, receiver: Receiver) -> None:
    url = quote(receiver.url, safe="")
    instance = jobs.instance
    unregistered = jobs.post(f"?callback_url={url}")
    assert unregistered.status == 400
    assert "is not registered" in unregistered.json["error"]
    for status, said in ((201, "created"), (200, "already created")):
        answer = instance("POST", f"/register_callback?callback_url={url}&user_secret=s3cret")
        assert (answer.status, answer.json) == (status, {"status": said, "url": receiver.url})
    job_id = jobs.new(f"?callback_url={url}&user_token=me&events=recognitions.completed")
    assert jobs.listed()[0]["user_token"] == "me"
    assert "user_token" not in jobs.get(job_id)
    jobs.work(job_id)
    event = recorded.load("callback_due", job=JobKey(instance.owner, job_id))
    assert recorded.failed(callback_due.handle(event, None)) == []
    assert [told["event"] for told in receiver.of(job_id)] == ["recognitions.completed"]
    removed = instance("POST", f"/unregister_callback?callback_url={url}")
    assert (removed.status, removed.json) == (200, {})
    assert instance("POST", f"/unregister_callback?callback_url={url}").status == 404
    assert instance("POST", "/unregister_callback").status == 400


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("recognitions.completed,recognitions.completed_with_results", "exclude each other"),
        ("recognitions.begun", "it must be a list of"),
        (",", "it must be a list of"),
    ],
)
def test_events_that_cannot_be_wanted(jobs: Jobs, events: str, said: str) -> None:
    answer = jobs.post(f"?callback_url=http%3A%2F%2Fexample.com&events={events}")
    assert answer.status == 400
    assert said in answer.json["error"]


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1:1/", "http://localhost/", "ftp://a.b/"])
def test_urls_that_cannot_be_registered(jobs: Jobs, url: str) -> None:
    answer = jobs.instance("POST", f"/register_callback?callback_url={quote(url, safe='')}")
    assert answer.status == 400
    assert "callback" in answer.json["error"]


def test_results_of_a_job_are_subtitles_for_those_who_accept_them(jobs: Jobs, function: Function) -> None:
    def subtitles(job_id: str) -> Answer:
        return jobs.instance("GET", f"/recognitions/{job_id}", headers={"Accept": "text/vtt"})

    job_id = jobs.new()
    assert_error(
        subtitles(job_id),
        409,
        "The job is 'waiting': ask for its subtitles again when it is 'completed'.",
    )
    jobs.work(job_id)
    without_times = subtitles(job_id)
    assert without_times.status == 406
    assert "Make the job with timestamps=true" in without_times.json["error"]
    function.answer = {"results": {"result_index": 0, "results": [result("Rain.")]}}
    timed = jobs.new("?timestamps=true")
    jobs.work(timed)
    answer = subtitles(timed)
    assert (answer.status, answer.body) == (200, b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nRain.\n")
    function.answer = {"error": {"code": 400, "message": "unable to transcode"}}
    failed = jobs.new()
    jobs.work(failed)
    assert_error(subtitles(failed), 409, "The job has failed, so it has no subtitles: unable to transcode")
