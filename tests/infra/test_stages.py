"""Several installations in one account, by the template alone: nothing of one has the name of another's."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from infra import dashboard
from infra.deployment import artefacts, target
from infra.resources import TEMPLATE
from tests.permissions import policies
from tests.running_service import ROOT

DOCUMENT: dict[str, Any] = json.loads(TEMPLATE.read_text())
FRONT_DOOR: dict[str, Any] = json.loads((ROOT / "infra" / "front_door.json").read_text())
OF_THE_ACCOUNT = {"ApiAccount"}
"""There is one in an account, whoever makes it; it is the same for all, and stays."""
MODEL = "5f9e1a0c-0d5f-4a7b-9b62-0a1b2c3d4e5f"


def _names(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kinds of names, and the patterns that they are made by."""
    resources = {**document["Resources"], "Dashboard": dashboard.resource(DOCUMENT)}
    for logical_id, one in resources.items():
        kind = one.get("Type", "AWS::Serverless::Function")
        for attribute, value in one.get("Properties", {}).items():
            match value:
                case {"Fn::Sub": str(pattern)} if attribute.endswith("Name") and logical_id != "RestAPI":
                    yield kind, pattern
    for output in document["Outputs"].values():
        if "Export" in output:
            yield "export", output["Export"]["Name"]["Fn::Sub"]


def _rendered(name: str) -> set[tuple[str, str]]:
    values = {"Name": name, "AWS::AccountId": "123456789012", "AWS::Region": "eu-central-1"}
    return {
        (kind, re.sub(r"\$\{([\w:]+)}", lambda found: values.get(found[1], found[1]), pattern))
        for document in (DOCUMENT, FRONT_DOOR)
        for kind, pattern in _names(document)
    }


def test_whatever_has_a_name_has_that_of_its_installation() -> None:
    patterns = [pattern for document in (DOCUMENT, FRONT_DOOR) for _, pattern in _names(document)]
    assert len(patterns) > 70
    for pattern in patterns:
        assert "${Name}" in pattern or re.fullmatch(r"/aws/lambda/\$\{\w+}", pattern), pattern
    assert {
        name for name, one in DOCUMENT["Resources"].items() if one.get("Type") == "AWS::ApiGateway::Account"
    } == OF_THE_ACCOUNT


@pytest.mark.parametrize(("one", "other"), [("attune-prod", "attune-test"), ("attune", "attune-prod")])
def test_two_have_no_name_in_common(one: str, other: str) -> None:
    assert len(_rendered(one)) > 70
    assert not {
        name for kind, name in _rendered(one) & _rendered(other) if not name.startswith("/aws/lambda")
    }


def test_no_choice_of_names_makes_them_meet() -> None:
    """`attune-a` with a table `b` has the table `attune-a-b`; so `attune` may have none that is called `a-b`."""
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for kind, name in _rendered("attune"):
        if name.startswith("attune-"):
            ends[kind].add(name.removeprefix("attune-"))
    for kind, of_kind in ends.items():
        for first, second in itertools.permutations(of_kind, 2):
            stage = second.removesuffix(f"-{first}")
            assert stage == second or not target._STAGE.fullmatch(stage), (kind, first, second)


@pytest.mark.parametrize("name", ["attune-prodprod", "attune-a", "attune-prod"])
def test_no_role_reaches_the_training_jobs_of_another(name: str) -> None:
    """Job names begin with the installation's; `attune` is how those of all others begin."""
    granted = [one for one in policies.grants() if one.action.startswith("sagemaker:")]
    assert granted
    for one in granted:
        assert policies.matches(
            one.resource, policies.arn("sagemaker", f"training-job/attune-{MODEL}-000001")
        )
        assert not policies.matches(
            one.resource, policies.arn("sagemaker", f"training-job/{name}-{MODEL}-000001")
        )


def test_a_key_of_ones_own_and_a_domain_are_off_by_default() -> None:
    for document in (DOCUMENT, FRONT_DOOR):
        assert document["Parameters"]["KeyArn"]["Default"] == ""
        use = document["Resources"]["KeyUse"]
        assert use["Condition"] == "HasKey"
        (statement,) = use["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Resource"] == {"Ref": "KeyArn"}
        assert "kms:ViaService" in statement["Condition"]["StringEquals"]
        assert all(
            re.fullmatch(r"kms:(Decrypt|DescribeKey|GenerateDataKey)", one) for one in statement["Action"]
        )
    assert DOCUMENT["Parameters"]["DomainName"]["Default"] == ""
    for name in ("ApiDomain", "ApiDomainMapping"):
        assert DOCUMENT["Resources"][name]["Condition"] == "HasDomain"


def test_whoever_reads_data_may_use_the_key_and_nobody_else() -> None:
    for document in (DOCUMENT, FRONT_DOOR):
        using = {one["Ref"] for one in document["Resources"]["KeyUse"]["Properties"]["Roles"]}
        reading = {
            logical_id
            for logical_id, one in document["Resources"].items()
            if one.get("Type") == "AWS::IAM::Role" and re.search(r'"(dynamodb|s3|ssm):', json.dumps(one))
        }
        assert using == reading


def test_data_are_encrypted_with_the_key_where_there_is_one() -> None:
    for logical_id, one in DOCUMENT["Resources"].items():
        if one.get("Type") in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
            assert '"Ref": "KeyArn"' in json.dumps(one), logical_id


def test_what_is_taken_up_is_a_template_by_itself() -> None:
    """It has the conditions that its resources ask for, and no parameter that nobody gives."""
    found = target.DeploymentTarget("test", "123456789012", "eu-central-1", None)  # type: ignore[arg-type]  # asks nobody
    complete = artefacts.with_names(DOCUMENT_PACKAGED, found)
    bucket = found.data_bucket
    taken, imported = artefacts.of_data(complete, {bucket, f"{found.name}-credentials"})
    assert [one["LogicalResourceId"] for one in imported] == ["Bucket", "CredentialsTable"]
    text = json.dumps(taken)
    assert set(re.findall(r'"Fn::If": \["(\w+)"', text)) <= taken["Conditions"].keys()
    asked = set(re.findall(r'"Ref": "(\w+)"', text))
    assert asked <= taken["Parameters"].keys() | taken["Resources"].keys()
    assert all("Default" in one for one in taken["Parameters"].values())


DOCUMENT_PACKAGED = {
    **DOCUMENT,
    "Resources": {name: one for name, one in DOCUMENT["Resources"].items() if "Type" in one},
}
"""As far as it is the template's own."""
