"""Attune's own calls about callbacks: secrets that are rotated, deliveries that were given up."""

from __future__ import annotations

import json

import pytest

from chalicelib.callbacks import registrations
from chalicelib.jobs import recognition_jobs
from chalicelib.storage import queues
from chalicelib.storage.tables import RecognitionJob
from tests.api.calling import Instance, assert_done, assert_error
from tests.receiver import Receiver
from tests.recognition_function import Function

WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)


@pytest.fixture(autouse=True)
def _queues(account: None) -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


def _registered(instance: Instance, receiver: Receiver) -> str:
    query = f"callback_url={receiver.url}"
    assert instance("POST", f"/register_callback?{query}&user_secret=one").status == 201
    return query


def test_a_secret_is_rotated(instance: Instance, receiver: Receiver) -> None:
    query = _registered(instance, receiver)
    for name, more in (("user_secret", ""), ("user_secret", "&user_secret=")):
        assert_error(
            instance("POST", f"/rotate_callback_secret?{query}{more}"),
            400,
            f"Required parameter '{name}' is missing",
        )
    assert_error(
        instance("POST", f"/rotate_callback_secret?{query}&user_secret=two&overlap_minutes=10081"),
        400,
        "Invalid value '10081' for parameter 'overlap_minutes': it must be a number from 0 to 10080.",
    )
    assert_done(instance("POST", f"/rotate_callback_secret?{query}&user_secret=two&overlap_minutes=5"))
    row = registrations.find(instance.owner, receiver.url)
    assert row is not None
    assert (row.secret, row.former_secret) == ("two", "one")
    unknown = instance("POST", "/rotate_callback_secret?callback_url=http://a.b/c&user_secret=two")
    assert unknown.status == 404


def test_what_was_given_up_is_listed_and_sent_again(
    instance: Instance, receiver: Receiver, function: Function
) -> None:
    query = _registered(instance, receiver)
    posted = instance("POST", f"/recognitions?{query}", body=WAV, headers={"Content-Type": "audio/wav"})
    job_id = posted.json["id"]
    assert instance("GET", "/callback_deliveries").json == {"deliveries": []}
    noted = {"number": 0, "event": "recognitions.started", "attempts": 88, "error": "no", "failed_s": 0}
    row = recognition_jobs.get(instance.owner, job_id)
    row.update(actions=[RecognitionJob.notify_failures.set([json.dumps(noted)])])
    (listed,) = instance("GET", "/callback_deliveries").json["deliveries"]
    delivery_id = listed.pop("delivery_id")
    assert listed == {
        "callback_url": receiver.url,
        "event": "recognitions.started",
        "id": job_id,
        "attempts": 88,
        "failed": "1970-01-01T00:00:00.000Z",
        "error": "no",
    }
    again = f"/callback_deliveries/{delivery_id}/resend"
    receiver.statuses = [410]
    assert_error(instance("POST", again), 400, "it answered with status 410")
    assert len(instance("GET", "/callback_deliveries").json["deliveries"]) == 1
    assert_done(instance("POST", again))
    assert receiver.told[-1][0]["x-attune-delivery"] == delivery_id
    assert instance("GET", "/callback_deliveries").json == {"deliveries": []}
    assert instance("POST", again).status == 404
