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
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.rows import CustomModel, Told, UploadedResource

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
    administrator = BooleanAttribute(default=False)
    """Whether it may list, make and revoke keys, those of all owners."""


class AcousticModel(CustomModel):
    """A custom acoustic model."""

    kind = "acoustic"

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}acoustic-models"
        billing_mode = "PAY_PER_REQUEST"

    turn = UTCDateTimeAttribute(null=True)
    """When the current run was given its turn to train; null: it waits for it. See `customization.turns`."""
    job_name = UnicodeAttribute(null=True)
    """SageMaker training job of the current run."""
    run_callback = UnicodeAttribute(null=True)
    """URL that is told of the end of the current run; null: `callback_url`."""
    run_token = UnicodeAttribute(null=True)
    """Text that comes with what `run_callback` is told."""
    run_helper = UnicodeAttribute(null=True)
    """Custom language model that helps in the current run; null: none. So it is below."""
    run_helper_run = NumberAttribute(null=True)
    """The run of that model whose artefact is used."""
    trained_helper = UnicodeAttribute(null=True)
    """What helped in the last successful run."""
    trained_helper_run = NumberAttribute(null=True)
    reported_run = NumberAttribute(null=True)
    """The last run that left a report, promoted or rejected."""
    retrain_after_minutes = NumberAttribute(null=True)
    """Train by itself once this much new valid audio has arrived; null: never."""
    retrain_look = NumberAttribute(null=True)
    """Epoch second for which a message is under way that has somebody look whether to train."""
    callback_url = UnicodeAttribute(null=True)
    """URL that is told of what happens to the model; not of runs that have one of their own. Null: nobody."""
    callback_events: ListAttribute[str] = ListAttribute(null=True)
    """What it is told of; null: the ends of runs."""
    kept: ListAttribute[str] = ListAttribute(null=True)
    """JSON of the versions that are kept, oldest first; see `storage.kept_version`."""
    removed_at = UTCDateTimeAttribute(null=True)
    """When a version was last removed: recognition may go on with it for a while."""

    @property
    def kept_versions(self) -> dict[int, KeptVersion]:
        """The versions by their numbers, oldest first; also those that serve and that nobody has noted."""
        found = {one.version: one for one in map(KeptVersion.from_text, self.kept or ())}
        for base_version, (run, sha256) in reversed(self.artefacts.items()):
            found.setdefault(run, KeptVersion(run, self.promoted_at or self.updated, base_version, sha256))
        return dict(sorted(found.items()))


class TrainingTurn(Table):
    """A run in the line of those that wait for their turn; and first of all, who has one now (the ledger)."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}training-turns"
        billing_mode = "PAY_PER_REQUEST"

    line = UnicodeAttribute(hash_key=True)
    """acoustic: there is one line, which all owners share."""
    place = UnicodeAttribute(range_key=True)
    """In the order in which runs came; `0` of the ledger, which comes before them."""
    owner = UnicodeAttribute(null=True)
    """Of the run that waits; null in the ledger, and so it is below."""
    customization_id = UnicodeAttribute(null=True)
    run = NumberAttribute(null=True)
    at_work = UnicodeSetAttribute(null=True)
    """`{owner}/{customization_id}/{run}` of those whose turn it is; the ledger has it, and what follows."""
    served: ListAttribute[str] = ListAttribute(default=list)
    """Owners in the order in which they had their last turn, as far as that matters."""
    version = NumberAttribute(null=True)
    """Changes with the ledger."""


class TrainingEnd(Told):
    """The end of an acoustic training, or of an analysis, for one who is to know; see `training_ends`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}training-ends"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    end_id = UnicodeAttribute(range_key=True)
    """`{customization_id}/{run}/{recipient}`; of an analysis `validated/{upload_id}` stands for the run."""
    detail = UnicodeAttribute()
    """JSON: what there is to be told."""
    ended = UTCDateTimeAttribute()
    expires = NumberAttribute()
    """Epoch second after which nobody is told any more. The table's time-to-live."""


class AudioResource(UploadedResource):
    """An audio file or archive of a custom acoustic model."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}audio-resources"
        billing_mode = "PAY_PER_REQUEST"

    audio_id = UnicodeAttribute(range_key=True)
    """`storage.layout.resource_id(audio_name)`."""
    audio_name = UnicodeAttribute()
    kind = UnicodeAttribute()
    """audio | archive: fixed by the content type of the upload, for the shape of the answer."""
    content_type = UnicodeAttribute(null=True)
    """As sent, parameters included; null: to be sniffed."""
    contained_content_type = UnicodeAttribute(null=True)
    # Its status: being_processed | ok | invalid.
    details_type = UnicodeAttribute(null=True)
    """audio | archive | undetermined; null while being processed."""
    codec = UnicodeAttribute(null=True)
    frequency_hz = NumberAttribute(null=True)
    channels = NumberAttribute(null=True)
    """Of a recording; null too in rows from before it was noted."""
    compression = UnicodeAttribute(null=True)
    duration_s = NumberAttribute(default=0)
    """Exact seconds; answers round it."""
    speech_s = NumberAttribute(default=0)

    @property
    def resource_id(self) -> str:
        """The row's range key."""
        return self.audio_id


class LanguageModel(CustomModel):
    """A custom language model."""

    kind = "language"

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}language-models"
        billing_mode = "PAY_PER_REQUEST"

    dialect = UnicodeAttribute()
    customization_weight = NumberAttribute(null=True)
    """Share of the custom model in recognition, as the last training was told; null: the default."""
    trained_grammars = UnicodeSetAttribute(null=True)
    """Names of the grammars that the promoted artefact holds. Absent when there are none."""
    older_grammars = UnicodeSetAttribute(null=True)
    """The same of `older_run`."""
    trained_words = UnicodeAttribute(null=True)
    """all | user: whose words the promoted artefact holds."""
    run_weight = NumberAttribute(null=True)
    """`customization_weight` that the current run was told."""
    run_words = UnicodeAttribute(null=True)
    """all | user: whose words the current run adds."""
    run_attempts = NumberAttribute(default=0)
    """How often the current run was taken up: a killed function leaves it to the next one."""
    run_alive = UTCDateTimeAttribute(null=True)
    """When whoever does the current run last gave a sign of life; null: nobody has taken it up."""

    large_grammars = UnicodeSetAttribute(null=True)
    """Those of the promoted run's grammars that have too many sentences for an engine that scores each."""

    def grammars_on(self, base_version: str) -> set[str]:
        """Return the names of the grammars that can be used on a base version."""
        promoted = base_version == self.promoted_version or base_version in (self.promoted_also or ())
        return set((self.trained_grammars if promoted else self.older_grammars) or ())


class LanguageResource(UploadedResource):
    """A corpus, a grammar, or a batch of words on its way into a custom language model."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}language-resources"
        billing_mode = "PAY_PER_REQUEST"

    name_id = UnicodeAttribute(range_key=True)
    """`storage.layout.resource_id(name)`: corpora and grammars share their names."""
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    """corpus | grammar | words."""
    content_type = UnicodeAttribute(null=True)
    """Of a grammar."""
    # Its status: being_processed | analyzed | undetermined. A batch of words has no row once it is in.
    total_words = NumberAttribute(default=0)
    out_of_vocabulary_words = NumberAttribute(default=0)

    @property
    def resource_id(self) -> str:
        """The row's range key."""
        return self.name_id


class UserWord(Table):
    """A word that a user has added to a custom language model, changed, or deleted."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}words"
        billing_mode = "PAY_PER_REQUEST"

    customization_id = UnicodeAttribute(hash_key=True)
    word = UnicodeAttribute(range_key=True)
    owner = UnicodeAttribute()
    generation = NumberAttribute(default=0)
    """The model's generation when it was added; see `CustomModel.generation`."""
    sounds_like: ListAttribute[str] = ListAttribute(default=list)
    """As its user gave it; empty: it is said as it is spelled."""
    display_as = UnicodeAttribute(null=True)
    """As its user gave it; null: it is shown as it is."""
    known = BooleanAttribute(default=False)
    """The base model's vocabulary has it."""
    pronunciations: ListAttribute[str] = ListAttribute(default=list)
    """Phones separated by spaces, likeliest first; empty when nothing can be said."""
    error = UnicodeAttribute(null=True)
    """What is wrong with it, as the JSON of Watson's array; null: nothing."""
    deleted = BooleanAttribute(default=False)
    """Its user does not want it, though resources analysed before `updated` may hold it."""
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""


class RecognitionJob(Told):
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
    announced = UTCDateTimeAttribute(null=True)
    """When its messages were last sent again because they seemed to be lost."""
    request = UnicodeAttribute()
    """JSON: what the recognition function is asked, see docs/internals/architecture.md."""
    warnings: ListAttribute[str] = ListAttribute(default=list)
    results_ttl_minutes = NumberAttribute()
    expires = NumberAttribute(null=True)
    """Epoch second after which the job is gone for its user; set when it ends."""
    removed = NumberAttribute(null=True)
    """Epoch second after which nobody is told of it any more either. The table's time-to-live."""
    error = UnicodeAttribute(null=True)
    """Why the job failed, for its user to read."""
    pieces = NumberAttribute(null=True)
    """How many pieces the recording was cut into; null: it was not."""
    audio_s = NumberAttribute(default=0)
    """Seconds of audio in a recording that was cut."""
    pieces_left = NumberSetAttribute(null=True)
    """Numbers of the pieces still to be recognised. A set: removing is idempotent. Absent when empty."""
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""
    events: ListAttribute[str] = ListAttribute(null=True)
    """What the callback is to be told of."""


class TestSet(Table):
    """Recordings with transcripts, to measure models by. Its transitions: `evaluation.statuses`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}test-sets"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    test_set_id = UnicodeAttribute(range_key=True)
    """A GUID that sorts by the time of its making."""
    name = UnicodeAttribute()
    status = UnicodeAttribute()
    """processing | available | invalid."""
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    announced = UTCDateTimeAttribute(null=True)
    """When its message was last sent again because it seemed to be lost."""
    size_bytes = NumberAttribute()
    contained_content_type = UnicodeAttribute(null=True)
    utterances = NumberAttribute(default=0)
    """How many can be used; what follows is about these."""
    duration_s = NumberAttribute(default=0)
    words = NumberAttribute(default=0)
    """Of the transcripts, as they are written."""
    script = UnicodeAttribute(null=True)
    """Which most letters of the transcripts belong to, e.g. `Latin`."""
    least_rate_hz = NumberAttribute(null=True)
    """Of the recordings."""
    left_out = NumberAttribute(default=0)
    """How many findings there are."""
    error = UnicodeAttribute(null=True)
    """Why it is invalid, for its user to read."""
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""


class Evaluation(Table):
    """Models measured on a test set, or compared on recordings. Its transitions: `evaluation.statuses`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}evaluations"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    evaluation_id = UnicodeAttribute(range_key=True)
    """A GUID that sorts by the time of its making."""
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    """test_set | comparison."""
    status = UnicodeAttribute()
    """waiting | processing | completed | failed."""
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    announced = UTCDateTimeAttribute(null=True)
    """When its messages were last sent again because they seemed to be lost."""
    test_set_id = UnicodeAttribute(null=True)
    customization_id = UnicodeAttribute(null=True)
    """The custom model whose recordings are compared."""
    audio = UnicodeAttribute(null=True)
    """JSON: which of these; see `evaluation.recordings`."""
    models = UnicodeAttribute()
    """JSON: what recognises; see `evaluation.contenders`."""
    pieces = NumberAttribute(null=True)
    """How many the work was cut into; null: it was not yet."""
    pieces_left = NumberSetAttribute(null=True)
    """Numbers of the pieces still to be recognised. A set: removing is idempotent. Absent when empty."""
    error = UnicodeAttribute(null=True)
    """Why it failed, for its user to read."""
    customer_ids = UnicodeSetAttribute(null=True)
    """From `X-Watson-Metadata`: its own label, and those of what it was made of."""


class DirectUpload(Table):
    """Bytes that a client sends to the store itself, and names afterwards."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}direct-uploads"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    upload_id = UnicodeAttribute(range_key=True)
    """A random GUID."""
    created = UTCDateTimeAttribute()
    expires = NumberAttribute()
    """Epoch second after which it is gone for its user. The table's time-to-live."""
    size_bytes = NumberAttribute()
    sha256 = UnicodeAttribute()
    """Of its bytes, in hex."""
    content_type = UnicodeAttribute(null=True)
    """As it was announced, parameters included; null: to be sniffed."""
    purpose = UnicodeAttribute(null=True)
    """What it is said to be for; null: anything."""
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""


class Callback(Table):
    """A URL to tell of recognition jobs and trainings. Its transitions: `callbacks.registrations`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}callbacks"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    url_hash = UnicodeAttribute(range_key=True)
    """Hex SHA-256 of the URL."""
    status = UnicodeAttribute()
    """pending | registered | removed."""
    url = UnicodeAttribute(null=True)
    secret = UnicodeAttribute(null=True)
    """Signs what is sent; no call returns it."""
    former_secret = UnicodeAttribute(null=True)
    """Signs it as well, until `former_until`."""
    former_until = NumberAttribute(null=True)
    """Epoch second."""
    created = UTCDateTimeAttribute()
    expires = NumberAttribute(null=True)
    """Epoch second after which a pending or removed row may go. The table's time-to-live."""
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""


class Erasure(Table):
    """A request to remove everything that bears a customer's label; its row goes when that is done."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}erasures"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    label_hash = UnicodeAttribute(range_key=True)
    """Hex SHA-256 of the label."""
    customer_id = UnicodeAttribute()
    requested = UTCDateTimeAttribute()


class HourlyUsage(Table):
    """What an owner has used in one hour."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}usage"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    hour = UnicodeAttribute(range_key=True)
    """In UTC, as `2026-01-31T12`."""
    audio_s = NumberAttribute(default=0)
    """Seconds of audio that were decoded."""
    recordings = NumberAttribute(default=0)
    expires = NumberAttribute(null=True)
    """Unix seconds; DynamoDB's time-to-live attribute."""


class DailyUsage(Table):
    """What an owner has had recognised, or learned from, on one day, of one kind; see `sharing.meter`."""

    class Meta:
        """Where the rows are."""

        table_name = f"{_PREFIX}meter"
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    """`{day}/{work}/{engine}/{customization}`; the day in UTC, as `2026-01-31`."""
    audio_s = NumberAttribute(default=0)
    """Seconds of audio."""
    times = NumberAttribute(default=0)
    """Requests, jobs and evaluations; of adaptation: trainings."""
    expires = NumberAttribute(null=True)
    """Unix seconds; DynamoDB's time-to-live attribute."""


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
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
