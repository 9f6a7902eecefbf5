"""What rows of several tables have in common: custom models, what is uploaded to them, what is told of."""

from __future__ import annotations

from typing import ClassVar, Literal

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)

from chalicelib.storage.connection import Table


class CustomModel(Table):
    """A custom model. Its transitions: `customization.statuses`."""

    kind: ClassVar[Literal["acoustic", "language"]]

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
    analysed_valid = NumberAttribute(null=True)
    analysed_invalid = NumberAttribute(null=True)
    """Uploads whose analysis has ended while others were `analysing`; absent once the last one has ended."""
    generation = NumberAttribute(default=0)
    """A reset counts it up; resources of an older generation are gone, even while their rows last."""
    data_version = UnicodeAttribute(null=True)
    """Changes (a new random id) whenever the set of resources changes."""
    trained_data_version = UnicodeAttribute(null=True)
    """`data_version` that the last successful training has seen."""
    run = NumberAttribute(default=0)
    """Number of the last training run that was started, upgrades included; runs count from 1."""
    run_base_version = UnicodeAttribute(null=True)
    """Base version that run trains on; the newest one for an upgrade."""
    run_started = UTCDateTimeAttribute(null=True)
    run_data_version = UnicodeAttribute(null=True)
    """`data_version` that the current run was planned with."""
    cancel_requested = BooleanAttribute(default=False)
    progress = NumberAttribute(default=0)
    """Percent of the current run as whoever does it reports it; 100 once available."""
    stage = UnicodeAttribute(null=True)
    """What the current run is doing, in words."""
    seconds_left = NumberAttribute(null=True)
    promoted_run = NumberAttribute(null=True)
    """The run whose artefact serves recognition; null while there is none."""
    promoted_version = UnicodeAttribute(null=True)
    """Base version that the promoted run was trained on."""
    promoted_sha256 = UnicodeAttribute(null=True)
    promoted_also: ListAttribute[str] = ListAttribute(null=True)
    """Older base versions that the artefact of the promoted run can be used on, too."""
    older_run = NumberAttribute(null=True)
    """The last run promoted on the base version before; null while the model was not upgraded."""
    older_version = UnicodeAttribute(null=True)
    older_sha256 = UnicodeAttribute(null=True)
    promoted_at = UTCDateTimeAttribute(null=True)

    @property
    def base_version_of_run(self) -> str:
        """The base version that the current run is for: that of the model, if it is no upgrade."""
        return str(self.run_base_version or self.versions[-1])

    @property
    def artefacts(self) -> dict[str, tuple[int, str]]:
        """Run and checksum of the artefacts that can be used, by their base versions, the newest first."""
        found: dict[str, tuple[int, str]] = {}
        for version, run, sha256 in (
            *(
                (version, self.promoted_run, self.promoted_sha256)
                for version in (self.promoted_version, *(self.promoted_also or ()))
            ),
            (self.older_version, self.older_run, self.older_sha256),
        ):
            if version is not None and run is not None and sha256 is not None:
                found.setdefault(version, (int(run), sha256))
        return found


class UploadedResource(Table):
    """Something that was uploaded to a custom model, and is analysed there."""

    customization_id = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute()
    generation = NumberAttribute(default=0)
    """The model's generation when it was added; see `CustomModel.generation`."""
    upload_id = UnicodeAttribute()
    """A new one for each upload; an event for an older upload is stale and ignored."""
    status = UnicodeAttribute()
    error = UnicodeAttribute(null=True)
    size_bytes = NumberAttribute(default=0)
    created = UTCDateTimeAttribute()
    updated = UTCDateTimeAttribute()
    customer_id = UnicodeAttribute(null=True)
    """From `X-Watson-Metadata`."""
    replaced = UnicodeAttribute(null=True)
    """While it is being analysed: the row whose place it took, as JSON. Put back if it never arrives."""

    @property
    def resource_id(self) -> str:
        """The row's range key."""
        raise NotImplementedError


class Told(Table):
    """Something that somebody is told of. How: `callbacks.deliveries`."""

    callback_url = UnicodeAttribute(null=True)
    user_token = UnicodeAttribute(null=True)
    notifications: ListAttribute[str] = ListAttribute(default=list)
    """The events that somebody was or is to be told of, in their order."""
    notified = NumberAttribute(default=0)
    """How many of them were told."""
    notify_at = NumberAttribute(null=True)
    """Epoch second of the next attempt to tell; null: all was told."""
    notify_since = NumberAttribute(null=True)
    """Epoch second of the first attempt to tell of the next event."""
    notify_attempts = NumberAttribute(null=True)
    notify_failures: ListAttribute[str] = ListAttribute(null=True)
    """JSON of each event that was given up; see `callbacks.failed_deliveries`."""
    notify_lease = NumberAttribute(null=True)
    """Epoch second until which somebody is telling."""
