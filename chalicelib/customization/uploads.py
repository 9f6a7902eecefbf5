"""What is uploaded to custom models of either kind: accepted, analysed, withdrawn, removed.

The model's status follows each step, in one conditional write with the resource's row.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from chalicelib.customization import custom_models, limits, statuses
from chalicelib.customization.custom_models import Model, now
from chalicelib.customization.errors import BadName, ModelBusy
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import (
    Action,
    Change,
    Condition,
    ConditionFailed,
    Contended,
    Delete,
    Put,
    Update,
    write,
)
from chalicelib.storage.rows import UploadedResource

_log = logging.getLogger(__name__)

BEING_PROCESSED = "being_processed"
_ATTEMPTS = 50
"""How often a step is judged anew because somebody else changed the model's resources meanwhile."""

Resource = TypeVar("Resource", bound=UploadedResource)


@dataclass(frozen=True)
class UploadKind(Generic[Model, Resource]):
    """The resources of one kind of custom model."""

    model: type[Model]
    resource: type[Resource]
    key: type[layout.UploadKey]
    accepted: statuses.ModelTransition
    removed: statuses.ModelTransition
    ok: str
    """Status of a resource that can be trained on."""
    any_other_valid: Callable[[Model, str | None], bool]
    """Tells whether the model has valid data beside the resource with that id."""
    told: Callable[[Model, Resource, bool, bool, datetime], Sequence[Change]] = lambda *_: ()
    """Returns what is noted, together with the end of the last analysis, for those who are to know. Takes the
    resource, whether the model has valid data now, and the moment."""

    def key_of(self, row: Resource) -> layout.UploadKey:
        """Return where the bytes and the listing of a resource lie."""
        return self.key(row.owner, row.customization_id, row.resource_id, row.upload_id)


@dataclass(frozen=True)
class Accepted(Generic[Resource]):
    """An upload that the tables know of; its object comes next."""

    row: Resource
    replaced: Resource | None
    key: layout.UploadKey
    """Where the upload's object belongs."""


def check_name(what: str, name: str) -> None:
    """Refuse the name of a resource that cannot be.

    Raises:
        BadName: it is empty or longer than 128 characters.
    """
    if not name.strip():
        raise BadName(what, name, "it is empty")
    if len(name) > limits.NAME_CHARACTERS:
        raise BadName(what, name, f"it has more than {limits.NAME_CHARACTERS} characters")


def of_model(kind: UploadKind[Model, Resource], model: Model) -> list[Resource]:
    """Return the resources of a model in the order in which they were added."""
    rows = kind.resource.query(model.customization_id, consistent_read=True)
    return sorted(
        (row for row in rows if row.generation == model.generation),
        key=lambda row: (row.created, row.resource_id),
    )


def find(kind: UploadKind[Model, Resource], model: Model, resource_id: str) -> Resource | None:
    """Return one resource of a model, if it is there."""
    found = row(kind, model.customization_id, resource_id)
    return found if found is not None and found.generation == model.generation else None


def row(kind: UploadKind[Model, Resource], customization_id: str, resource_id: str) -> Resource | None:
    """Return a resource's row, of whichever generation."""
    try:
        return kind.resource.get(customization_id, resource_id, consistent_read=True)
    except kind.resource.DoesNotExist:
        return None


def accept(
    kind: UploadKind[Model, Resource],
    model: Model,
    judge: Callable[[Model], Resource | None],
    make: Callable[[Model, datetime], Resource],
) -> Accepted[Resource]:
    """Write the row of an upload; the model waits for its analysis. The object must follow, else `withdraw`.

    Args:
        kind: of the resource.
        model: as it was read.
        judge: raises what the model refuses; returns the resource that would be replaced.
        make: returns the new row.
    """
    for _ in range(_ATTEMPTS):
        existing = judge(model)
        moment = now()
        made = make(model, moment)
        if existing is not None:
            made.replaced = json.dumps(existing.to_dynamodb_dict())
        accepted = statuses.resource_accepted(kind.accepted, model, made.upload_id, moment)
        try:
            write(Put(made, _unclaimed(model, existing)), accepted)
        except ConditionFailed:
            model = custom_models.get(kind.model, model.owner, model.customization_id)
            continue
        return Accepted(made, existing, kind.key_of(made))
    raise Contended


def _unclaimed(model: Model, existing: Resource | None) -> Condition:
    """Hold while nobody else has taken the name: as judged, or left over from before a reset."""
    if existing is not None:
        condition: Condition = UploadedResource.upload_id == existing.upload_id
        condition &= UploadedResource.status != BEING_PROCESSED
    else:
        condition = UploadedResource.upload_id.does_not_exist()
        condition |= UploadedResource.generation < int(model.generation)
    return condition


def withdraw(kind: UploadKind[Model, Resource], accepted: Accepted[Resource]) -> None:
    """Take an upload back whose object could not be stored: what it replaced is there again.

    It stays if it has been analysed meanwhile: then it was stored, and only the store's answer was lost.
    """
    resource, replaced = accepted.row, accepted.replaced
    this_upload: Condition = UploadedResource.upload_id == resource.upload_id
    change: Change = Delete(resource, this_upload) if replaced is None else Put(replaced, this_upload)
    if not end(kind, resource, change, replaced is not None and replaced.status == kind.ok):
        found = row(kind, resource.customization_id, resource.resource_id)
        if found is not None and found.upload_id == resource.upload_id:
            stored(kind, accepted)
            return
    # The store may have it although it said no. Without its row it wakes nobody.
    clean(accepted.key)


def give_back(kind: UploadKind[Model, Resource], row: Resource) -> bool:
    """Put back what an upload has replaced that never arrived; False if there was nothing, or it is gone."""
    if not row.replaced:
        return False
    former = kind.resource()
    former.from_dynamodb_dict(json.loads(row.replaced))
    if not objects.exists(kind.key_of(former).key):
        return False
    withdraw(kind, Accepted(row, former, kind.key_of(row)))
    return True


def stored(kind: UploadKind[Model, Resource], accepted: Accepted[Resource]) -> None:
    """The upload's object is there: what it replaced can go."""
    if accepted.replaced is not None:
        clean(kind.key_of(accepted.replaced))


@contextmanager
def storing(kind: UploadKind[Model, Resource], accepted: Accepted[Resource]) -> Iterator[layout.UploadKey]:
    """Let the block store an accepted upload's object; when it fails, the upload is taken back."""
    try:
        yield accepted.key
    except BaseException:
        withdraw(kind, accepted)
        raise
    stored(kind, accepted)


def clean(key: layout.UploadKey) -> None:
    """Remove an upload's objects; one that cannot be removed now does no harm without its row."""
    try:
        objects.delete(key.key, key.listing_key)
    except failures.FAILURES:
        _log.warning("could not remove %s", key.key, exc_info=True)


def being_analysed(kind: UploadKind[Model, Resource], key: layout.UploadKey) -> Resource | None:
    """Return the row of an upload that still waits for its analysis; None: replaced, removed, or done."""
    found = row(kind, key.customization_id, key.resource_id)
    if found is None or found.upload_id != key.upload_id or found.status != BEING_PROCESSED:
        return None
    return found


def judged(resource: Resource, actions: Sequence[Action]) -> Update:
    """Return the change of a row whose analysis has ended."""
    condition: Condition = UploadedResource.upload_id == resource.upload_id
    condition &= UploadedResource.status == BEING_PROCESSED
    return Update(resource, condition, [*actions, UploadedResource.replaced.remove()])


def end(
    kind: UploadKind[Model, Resource],
    resource: Resource,
    change: Change,
    valid: bool,
    error: str | None = None,
) -> bool:
    """End the analysis of an upload together with `change` of its row; False when it had ended before.

    `error` is what the model is to say about it.
    """
    for _ in range(_ATTEMPTS):
        model = custom_models.find(kind.model, resource.owner, resource.customization_id)
        if model is None or resource.upload_id not in (model.analysing or ()):
            return False
        moment = now()
        told: Sequence[Change] = ()
        if len(model.analysing or ()) > 1:
            ended = statuses.analysis_ended(model, resource.upload_id, valid, moment)
        else:
            any_valid = valid or kind.any_other_valid(model, resource.resource_id)
            ended = statuses.last_analysis_ended(model, resource.upload_id, any_valid, moment, error)
            told = kind.told(model, resource, valid, any_valid, moment)
        try:
            write(change, ended, *told)
        except ConditionFailed:
            if being_analysed(kind, kind.key_of(resource)) is None:
                return False
            continue
        return True
    raise Contended


def remove(kind: UploadKind[Model, Resource], model: Model, get: Callable[[Model], Resource]) -> None:
    """Remove a resource, and its analysis if that still goes on.

    Args:
        kind: of the resource.
        model: as it was read.
        get: returns the resource, or raises what the model refuses.

    Raises:
        ModelBusy: the model handles another request.
    """
    for _ in range(_ATTEMPTS):
        if not statuses.allowed(model, kind.removed):
            raise ModelBusy(model.customization_id)
        resource = get(model)
        any_valid = kind.any_other_valid(model, resource.resource_id)
        removed = statuses.resource_removed(kind.removed, model, resource.upload_id, any_valid, now())
        try:
            write(Delete(resource, UploadedResource.upload_id == resource.upload_id), removed)
        except ConditionFailed:
            model = custom_models.get(kind.model, model.owner, model.customization_id)
            if find(kind, model, resource.resource_id) is not None:
                continue
            # Gone: a try whose answer was lost did it, or somebody else.
        clean(kind.key_of(resource))
        return
    raise Contended
