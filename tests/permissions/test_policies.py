"""What a role grants is judged as IAM judges it."""

from __future__ import annotations

import pytest

from tests.permissions import needs
from tests.permissions.policies import BUCKET, Grant, Need, arn, grants_of, matches

KEY = f"arn:aws:s3:::{BUCKET}"


def allowed(role: str, need: Need) -> bool:
    return any(grant.allows(need) for grant in grants_of(role))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a/*", "a/b/c", True),
        ("a/*/c", "a/b/c", True),
        ("a/?", "a/b", True),
        ("a/?", "a/bb", False),
        ("a/*", "b/a/c", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns_are_those_of_iam(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) == fits


def test_a_role_may_what_its_function_does_and_no_more() -> None:
    kept = Need("s3:PutObject", f"{KEY}/jobs/owner/job/results.json")
    assert allowed("RecognizeRole", kept)
    assert not allowed("RecognizeRole", Need("s3:PutObject", f"{KEY}/jobs/owner/job/audio"))
    assert not allowed("RecognizeRole", Need("s3:DeleteObject", kept.resource))
    assert not allowed("TrainingProgressRole", kept)


def test_a_condition_holds_where_its_key_is_as_it_says() -> None:
    grant = Grant("r", "s3:ListBucket", KEY, '{"StringLike": {"s3:prefix": ["jobs/*"]}}')
    assert grant.allows(Need("s3:ListBucket", KEY, (("s3:prefix", "jobs/x"),)))
    assert not grant.allows(Need("s3:ListBucket", KEY, (("s3:prefix", "models/x"),)))
    assert not grant.allows(Need("s3:ListBucket", KEY)), "as when S3 is to say that nothing lies somewhere"
    relaxed = Grant("r", "s3:ListBucket", KEY, '{"StringLikeIfExists": {"s3:prefix": ["jobs/*"]}}')
    assert relaxed.allows(Need("s3:ListBucket", KEY))


def test_a_training_job_of_another_installation_is_out_of_reach() -> None:
    uuid = "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69"
    for name, own in ((f"attune-{uuid}-000001", True), (f"attune-dev-{uuid}-000001", False)):
        need = Need("sagemaker:StopTrainingJob", arn("sagemaker", f"training-job/{name}"))
        assert allowed("APIRole", need) == own


def test_a_transaction_needs_what_it_does_with_each_table() -> None:
    items = [{"Put": {"TableName": "attune-words"}}, {"ConditionCheck": {"TableName": "attune-erasures"}}]
    found = needs.of_call("dynamodb", "TransactWriteItems", {"TransactItems": items}, None)
    assert {(need.action, need.resource.rpartition("/")[2]) for need in found} == {
        ("dynamodb:PutItem", "attune-words"),
        ("dynamodb:ConditionCheckItem", "attune-erasures"),
    }


@pytest.mark.parametrize("source", [{"Bucket": "any", "Key": "spool/a b"}, "any/spool/a%20b"])
def test_a_copy_reads_one_object_and_writes_another(source: object) -> None:
    found = needs.of_call("s3", "CopyObject", {"CopySource": source, "Key": "audio/x"}, None)
    assert found == [Need("s3:GetObject", f"{KEY}/spool/a b"), Need("s3:PutObject", f"{KEY}/audio/x")]


def test_who_is_told_that_nothing_is_there_may_list() -> None:
    there = needs.of_call("s3", "HeadObject", {"Key": "a"}, None)
    absent = needs.of_call("s3", "HeadObject", {"Key": "a"}, "404")
    assert {need.action for need in absent} - {need.action for need in there} == {"s3:ListBucket"}


def test_a_call_that_nobody_has_written_down_is_not_passed_over() -> None:
    with pytest.raises(needs.NotUnderstood, match="sqs:ListQueues"):
        needs.of_call("sqs", "ListQueues", {}, None)
    with pytest.raises(needs.NotUnderstood, match="iam:GetRole"):
        needs.of_call("iam", "GetRole", {}, None)
