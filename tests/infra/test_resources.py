from __future__ import annotations

import json

import pytest
from pynamodb.models import Model

from chalicelib.storage import layout, tables
from infra import resources

LOADED = resources.load()
MODELS = [
    thing
    for thing in vars(tables).values()
    if isinstance(thing, type) and issubclass(thing, Model) and thing.__module__ == tables.__name__
]


def _shape(model: type[Model]) -> tuple[str, str, str | None]:
    keys = {attribute.attr_name: attribute for attribute in model.get_attributes().values()}
    hash_key = next(name for name, attribute in keys.items() if attribute.is_hash_key)
    range_key = next((name for name, attribute in keys.items() if attribute.is_range_key), None)
    return model.Meta.table_name, hash_key, range_key


def test_tables_are_those_of_the_storage() -> None:
    shapes = {_shape(model) for model in MODELS}
    assert len(shapes) == len(MODELS) >= 4
    assert shapes == {(table.name, table.hash_key, table.range_key) for table in LOADED.tables}


def test_what_expires() -> None:
    assert {table.name: table.ttl_attribute for table in LOADED.tables if table.ttl_attribute} == {
        "attune-idempotency": "expiration",
        "attune-recognition-jobs": "removed",
        "attune-callbacks": "expires",
        "attune-training-ends": "expires",
        "attune-usage": "expires",
        "attune-direct-uploads": "expires",
        "attune-meter": "expires",
    }


def test_notifications_follow_the_layout() -> None:
    (bucket,) = LOADED.buckets
    assert {(note.queue, note.prefix, note.suffix) for note in bucket.notifications} == {
        ("attune-audio-uploaded", layout.AUDIO_PREFIX, ""),
        ("attune-corpus-added", layout.LANGUAGE_PREFIX, ""),
        ("attune-training-progress", layout.TRAINING_PREFIX, layout.PROGRESS_SUFFIX),
    }
    assert resources.Expiration(layout.SPOOL_PREFIX, 1) in bucket.expirations
    assert resources.Expiration(layout.UPLOADS_PREFIX, 1) in bucket.expirations


def test_every_working_queue_has_its_own_dead_letter_queue() -> None:
    working = [queue for queue in LOADED.queues if queue.dead_letter_queue]
    assert [queue.dead_letter_queue for queue in working] == [f"{queue.name}-dead" for queue in working]
    assert {queue.max_receives for queue in working} == {5}
    names = [queue.name for queue in LOADED.queues]
    for queue in working:
        assert queue.dead_letter_queue is not None
        assert names.index(queue.dead_letter_queue) < names.index(queue.name)


def test_parameters_name_everything() -> None:
    other = resources.load(
        parameters={"Name": "blue", "AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1"}
    )
    assert other.buckets[0].name == "blue-123456789012-eu-west-1"
    assert all(table.name.startswith("blue-") for table in other.tables)
    assert all(queue.name.startswith("blue-") for queue in other.queues)
    assert other.buckets[0].notifications[0].queue == "blue-audio-uploaded"


def test_a_name_that_needs_a_missing_parameter_is_refused() -> None:
    document = json.loads(resources.TEMPLATE.read_text())
    template = resources._Template(document, {})
    with pytest.raises(KeyError, match="TrainingImage"):
        template.text({"Ref": "TrainingImage"})
    with pytest.raises(ValueError, match="not a name"):
        template.text({"Fn::Join": ["-", ["a", "b"]]})
    with pytest.raises(ValueError, match="not the ARN of a queue"):
        template.queue_name("arn:aws:sqs:us-east-1:000000000000:other")
