"""The DynamoDB tables as pynamodb models: rows without rules."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)

from chalicelib import settings
from chalicelib.storage.connection import Table

_PREFIX = settings.table_prefix()


class Credential(Table):
    """An API key of an owner (a service instance). The key itself is never stored."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}credentials"
        billing_mode = "PAY_PER_REQUEST"

    key_hash = UnicodeAttribute(hash_key=True)
    """Hex SHA-256 of the API key; keys are 256 random bits, so a fast hash is enough."""
    owner = UnicodeAttribute()
    """GUID of the instance whose data the key opens."""
    label = UnicodeAttribute(default="")
    created = UTCDateTimeAttribute()


class AcousticModel(Table):
    """A custom acoustic model. Its transitions: `customization.acoustic_statuses`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}acoustic-models"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    customization_id = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    base_model_name = UnicodeAttribute()
    language = UnicodeAttribute()
    versions: ListAttribute[str] = ListAttribute()
    """Full base version strings, oldest first; the last one is what training uses."""
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    status = UnicodeAttribute()
    """pending | ready | training | available | upgrading | failed."""
    former_status = UnicodeAttribute(null=True)
    """Where an upgrade or a cancelled training returns to."""
    error = UnicodeAttribute(null=True)
    """Why the model failed, for its user to read."""
    analysing = UnicodeSetAttribute(null=True)
    """Upload ids still being analysed. A set: adding and removing are idempotent. Absent when empty."""
    generation = NumberAttribute(default=0)
    """A reset counts it up; audio resources of an older generation are gone, even while their rows last."""
    data_version = UnicodeAttribute(null=True)
    """Changes (a new random id) whenever the set of audio resources changes."""
    trained_data_version = UnicodeAttribute(null=True)
    """`data_version` that the last successful training has seen."""
    run = NumberAttribute(default=0)
    """Number of the last training run that was started, upgrades included; runs count from 1."""
    run_base_version = UnicodeAttribute(null=True)
    """Base version that run trains on; the newest one for an upgrade."""
    job_name = UnicodeAttribute(null=True)
    """SageMaker training job of that run."""
    run_started = UTCDateTimeAttribute(null=True)
    run_data_version = UnicodeAttribute(null=True)
    """`data_version` that the current run was planned with."""
    cancel_requested = BooleanAttribute(default=False)
    progress = NumberAttribute(default=0)
    """Percent of the current run as its container reports it; 100 once available."""
    stage = UnicodeAttribute(null=True)
    """What the current run is doing, in words."""
    seconds_left = NumberAttribute(null=True)
    promoted_run = NumberAttribute(null=True)
    """The run whose adapted model serves recognition; null while there is none."""
    promoted_version = UnicodeAttribute(null=True)
    """Base version that the promoted run was trained on."""
    promoted_sha256 = UnicodeAttribute(null=True)
    promoted_at = UTCDateTimeAttribute(null=True)
    reported_run = NumberAttribute(null=True)
    """The last run that left a report, promoted or rejected."""
    retrain_after_minutes = NumberAttribute(null=True)
    """Train by itself once this much new valid audio has arrived; null: never."""


class AudioResource(Table):
    """An audio file or archive of a custom acoustic model."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}audio-resources"
        billing_mode = "PAY_PER_REQUEST"

    customization_id = UnicodeAttribute(hash_key=True)
    audio_id = UnicodeAttribute(range_key=True)
    """`storage.layout.audio_id(audio_name)`."""
    owner = UnicodeAttribute()
    audio_name = UnicodeAttribute()
    generation = NumberAttribute(default=0)
    """The model's generation when the audio was added; see `AcousticModel.generation`."""
    upload_id = UnicodeAttribute()
    """A new one for each upload; an event for an older upload is stale and ignored."""
    kind = UnicodeAttribute()
    """audio | archive: fixed by the content type of the upload, for the shape of the answer."""
    content_type = UnicodeAttribute(null=True)
    """As sent, parameters included; null: to be sniffed."""
    contained_content_type = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    """being_processed | ok | invalid."""
    details_type = UnicodeAttribute(null=True)
    """audio | archive | undetermined; null while being processed."""
    codec = UnicodeAttribute(null=True)
    frequency_hz = NumberAttribute(null=True)
    compression = UnicodeAttribute(null=True)
    duration_s = NumberAttribute(default=0)
    """Exact seconds; answers round it."""
    speech_s = NumberAttribute(default=0)
    error = UnicodeAttribute(null=True)
    size_bytes = NumberAttribute(default=0)
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""


class RecognitionJob(Table):
    """An asynchronous recognition. Its transitions: `jobs.statuses`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}recognition-jobs"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)
    """A GUID that sorts by the time of its making."""
    status = UnicodeAttribute()
    """waiting | processing | completed | failed."""
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    request = UnicodeAttribute()
    """JSON: what the recognition function is asked, see docs/architecture.md."""
    warnings: ListAttribute[str] = ListAttribute(default=list)
    results_ttl_minutes = NumberAttribute()
    expires = NumberAttribute(null=True)
    """Epoch second after which the job is gone; set when it ends. The table's time-to-live."""
    error = UnicodeAttribute(null=True)
    """Why the job failed, for its user to read."""
    pieces = NumberAttribute(null=True)
    """How many pieces the recording was cut into; null: it was not."""
    pieces_left = NumberSetAttribute(null=True)
    """Numbers of the pieces still to be recognised. A set: removing is idempotent. Absent when empty."""
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""
    callback_url = UnicodeAttribute(null=True)
    events: ListAttribute[str] = ListAttribute(null=True)
    """What the callback is to be told of."""
    user_token = UnicodeAttribute(null=True)
    notifications: ListAttribute[str] = ListAttribute(default=list)
    """The events that the callback was or is to be told of, in their order."""


class IdempotencyRecord(Table):
    """Where Powertools remembers which events were handled; only its shape is ours."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}idempotency"
        billing_mode = "PAY_PER_REQUEST"

    id = UnicodeAttribute(hash_key=True)
    expiration = NumberAttribute(null=True)


def watson_time(moment: datetime) -> str:
    """Return a timestamp as Watson writes it: `2020-03-16T18:59:25.592Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
