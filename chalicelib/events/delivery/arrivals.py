"""Uploads to custom models that have arrived in the bucket: each is analysed once, whatever its event does.

The event may come twice, late, before the row of its upload, or after the upload was replaced or removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.customization import custom_models, uploads
from chalicelib.customization.custom_models import Model
from chalicelib.customization.uploads import Resource, UploadKind
from chalicelib.events.delivery import announcements, messages, telemetry
from chalicelib.events.delivery.once import once
from chalicelib.storage import objects
from chalicelib.storage.layout import UploadKey

_ROW_IS_LATE = timedelta(minutes=1)


class RowMissing(Exception):
    """The table does not know of an upload yet. Try again."""


@dataclass(frozen=True)
class Arrivals(Generic[Model, Resource]):
    """What becomes of the uploads of one kind."""

    kind: UploadKind[Model, Resource]
    analyse: Callable[[UploadKey, Model, Resource, bool], None]
    """Analyses an upload and records what it found; the last argument says that it has failed too often."""
    afterwards: Callable[[UploadKey], None]
    """Does what an analysis leads to; also when a repetition finds it done: the first may have died there."""

    def announced(self, record: SQSRecord) -> None:
        """Handle a message of S3."""
        for announcement in announcements.read(record.body):
            try:
                key = self.kind.key.parse(announcement.key)
            except ValueError:
                telemetry.logger.warning("an object that is no upload", extra={"key": announcement.key})
                continue
            once(
                self._arrived,
                {"key": announcement.key, "sequencer": announcement.sequencer},
                key=key,
                at=announcement.at,
                last_attempt=messages.receives(record) >= messages.MAX_RECEIVES,
            )

    def _arrived(self, identity: dict[str, Any], key: UploadKey, at: datetime, last_attempt: bool) -> None:
        model = custom_models.find(self.kind.model, key.owner, key.customization_id)
        row = uploads.row(self.kind, key.customization_id, key.resource_id)
        if model is not None and row is None and datetime.now(UTC) - at < _ROW_IS_LATE:
            raise RowMissing(identity["key"])
        if model is None or row is None or row.generation != model.generation:
            objects.delete(key.key, key.listing_key)  # removed meanwhile, or its model was reset or deleted
            return
        if row.upload_id != key.upload_id:
            self._drop_replaced(key, row)
            return
        if row.status == uploads.BEING_PROCESSED:
            self.analyse(key, model, row, last_attempt)
        self.afterwards(key)

    def _drop_replaced(self, key: UploadKey, row: Resource) -> None:
        """Remove what a newer upload of the same name has replaced, once that upload is really there."""
        if row.status != uploads.BEING_PROCESSED or objects.exists(self.kind.key_of(row).key):
            objects.delete(key.key, key.listing_key)

    def in_vain(self, key: UploadKey) -> None:
        """Clear away what was written about an upload that was gone when its analysis had ended."""
        telemetry.logger.info("analysed in vain: the upload is gone", extra={"key": key.key})
        remaining = uploads.row(self.kind, key.customization_id, key.resource_id)
        if remaining is None or remaining.upload_id != key.upload_id:
            objects.delete(key.listing_key)
