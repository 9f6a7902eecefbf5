"""What `chalice package` makes: a template that lints clean, and functions that answer as they lie in it."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

import app
from chalicelib.audio.archives.archive_members import ArchiveLimits
from chalicelib.audio.decoding import DecodingLimits
from chalicelib.console import pages
from chalicelib.customization import language_models, training_ends, turns
from chalicelib.customization.acoustic import acoustic_training, audio_resources
from chalicelib.customization.language import language_resources, language_training
from chalicelib.customization.language.language_resources import CORPUS
from chalicelib.engines import model_cache
from chalicelib.gateway import limits as gateway_limits
from chalicelib.jobs import recognition_jobs
from chalicelib.language.artefact import read_artefact
from chalicelib.recognition.audio import recordings
from chalicelib.storage import connection, credentials, layout, objects, queues
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import jobs, launch
from infra import layer, resources
from infra import package as packaging
from tests import custom_models
from tests import resources as test_resources
from tests.audio.signals import noisy_wav
from tests.events import recorded
from tests.infra.emulated_account import EMULATION

ROOT = Path(__file__).parent.parent.parent
TOOLS = Path(sys.executable).parent

# Calls a handler as Lambda's runtime does. Arguments: folders to import from, the handler, the file of its event.
RUNTIME = """
import importlib, json, sys, time
paths, handler, event = sys.argv[1:]
sys.path[:0] = paths.split(":")
module, _, function = handler.rpartition(".")
class Context:
    function_name = memory_limit_in_mb = function_version = "attune"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:attune"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    def get_remaining_time_in_millis(self):
        return 30000
answer = getattr(importlib.import_module(module), function)(json.load(open(event)), Context())
print(json.dumps({"answer": answer, "heavy": sorted({"numpy", "pocketsphinx", "av"} & sys.modules.keys())}))
"""
INLINE_TEMPLATE_BYTES = 51_200
"""CloudFormation takes a larger template from a bucket only."""
ENGINE = ("numpy", "soundfile", "soxr", "av", "pocketsphinx", "webrtcvad-wheels", *layer.FURTHER)


@dataclass(frozen=True)
class Package:
    """An unpacked deployment."""

    folder: Path
    template: dict[str, Any]

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the functions' properties, with those that all of them have."""
        common = self.template["Globals"]["Function"]
        variables = common["Environment"]["Variables"]
        return {
            name: {
                **common,
                **resource["Properties"],
                "Environment": {
                    "Variables": {**variables, **resource["Properties"]["Environment"]["Variables"]}
                },
            }
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }


def _index_is_there(folder: Path) -> bool:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    return subprocess.run([*command, "-r", str(ROOT / "requirements.txt")], check=False).returncode == 0


def _sources(project: Path) -> Path:
    """Copy what chalice packages, without the bytecode, of which other processes write files and take them away."""
    shutil.copytree(ROOT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".chalice").mkdir()
    for name in ("app.py", "requirements.txt", ".chalice/config.json"):
        shutil.copy2(ROOT / name, project / name)
    # What was packaged of the same sources before is used again.
    kept = ROOT / ".chalice" / "deployments"
    kept.mkdir(exist_ok=True)
    (project / ".chalice" / "deployments").symlink_to(kept)
    return project


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Packaged from the working tree's sources, as an operator does who has set nothing."""
    folder = tmp_path_factory.mktemp("package")
    project = _sources(tmp_path_factory.mktemp("sources"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ATTUNE_")]:
            patch.delenv(name)
        try:
            packaging.package(folder, project)
        except packaging.PackagingFailed:
            if _index_is_there(folder / "probe"):
                raise
            pytest.skip("no package index can be reached, from which chalice would take requirements.txt")
    with zipfile.ZipFile(folder / "deployment.zip") as archive:
        archive.extractall(folder / "tree")
    return Package(folder, json.loads((folder / "sam.json").read_text()))


@pytest.fixture(scope="module")
def engine_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's libraries and nothing else: the layer, for the Python that runs the tests."""
    folder = tmp_path_factory.mktemp("layer")
    for name in ENGINE:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or () if ".." not in file.parts}:
            source = Path(str(distribution.locate_file(top)))
            if not (folder / top).exists():
                (folder / top).symlink_to(source)
    return folder


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """An account behind an address, with everything that the template declares."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    clients = (objects.client, connection.shared, jobs.client, queues.client, queues.url_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        for client in clients:
            client.cache_clear()
        test_resources.create()
        yield url
    for client in clients:
        client.cache_clear()
    server.stop()


def _called(
    package: Package, engine_layer: Path, name: str, event: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Call a packaged function in a fresh interpreter that knows nothing but package and layer."""
    function = package.functions()[name]
    paths = [str(package.tree)] + ([str(engine_layer)] if "Layers" in function else [])
    path = package.folder / f"{name}.json"
    path.write_text(json.dumps(event))
    command = [sys.executable, "-I", "-S", "-c", RUNTIME, ":".join(paths), function["Handler"], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    return last["answer"], last["heavy"]


def test_the_template_lints_clean(package: Package) -> None:
    command = [str(TOOLS / "cfn-lint"), str(package.folder / "sam.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# Translates a template as CloudFormation does. Arguments: the template, and where the result goes.
TRANSLATION = """
import json, sys
from samtranslator.translator.transform import transform
class NoManagedPolicies:
    def load(self):
        return {}
text = open(sys.argv[1]).read().replace("./deployment.zip", "s3://deployments/deployment.zip")
json.dump(transform(json.loads(text), {}, NoManagedPolicies()), open(sys.argv[2], "w"))
"""


def test_sam_makes_of_the_template_one_that_lints_clean(package: Package, tmp_path: Path) -> None:
    if not (EMULATION / "samtranslator").is_dir():
        pytest.skip(f"{EMULATION} has no SAM translator; `make test` installs it")
    made = tmp_path / "translated.json"
    command = [sys.executable, "-W", "ignore", "-c", TRANSLATION, str(package.folder / "sam.json"), str(made)]
    environment = {**os.environ, "PYTHONPATH": str(EMULATION)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    resources = json.loads(made.read_text())["Resources"]
    functions = [one for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == len(package.functions())
    for function in functions:
        assert len(function["Properties"]["Architectures"]) == 1
        variables = function["Properties"]["Environment"]["Variables"]
        assert {"ATTUNE_BUCKET", "POWERTOOLS_SERVICE_NAME"} <= variables.keys()
    # A stage, which names the log, cannot be logged before the account has a role for that.
    assert resources["ApiAccessLogGroup"]["DependsOn"] == ["ApiAccount"]
    assert made.stat().st_size < 1_000_000, "CloudFormation takes no larger one"
    linted = subprocess.run([str(TOOLS / "cfn-lint"), str(made)], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_every_declared_function_is_packaged(package: Package) -> None:
    assert {name: function["Handler"] for name, function in package.functions().items()} == {
        "APIHandler": "app.app",
        "AudioUploaded": "app.audio_uploaded",
        "TrainingProgress": "app.training_progress",
        "TrainingChanged": "app.training_changed",
        "CorpusAdded": "app.corpus_added",
        "RecognitionQueued": "app.recognition_queued",
        "TrainingDue": "app.training_due",
        "EvaluationDue": "app.evaluation_due",
        "CallbackDue": "app.callback_due",
        "LanguageTraining": "app.language_training",
        "Reconcile": "app.reconcile",
        "Recognize": "app.recognize",
    }


def test_every_function_has_a_role_of_its_own_and_the_runtime_of_the_layer(package: Package) -> None:
    functions = package.functions()
    roles = {function["Role"]["Fn::GetAtt"][0] for function in functions.values()}
    assert roles == {f"{name.removesuffix('Handler')}Role" for name in functions}
    assert {function["Runtime"] for function in functions.values()} == {
        f"python{layer.LayerTarget().python_version}"
    }
    assert all(function["Architectures"] == [{"Ref": "Architecture"}] for function in functions.values())
    assert not list(package.tree.rglob("*.so")), "the package is for one architecture alone"
    with_layer = {name for name, function in functions.items() if "Layers" in function}
    assert with_layer == {
        "APIHandler",
        "AudioUploaded",
        "CorpusAdded",
        "EvaluationDue",
        "LanguageTraining",
        "Recognize",
    }


def test_intrinsics_are_whole(package: Package) -> None:
    """A merged override that uses another intrinsic function than Chalice leaves two in one object."""

    def check(value: Any) -> None:
        if isinstance(value, dict):
            intrinsics = [key for key in value if key == "Ref" or key.startswith("Fn::")]
            assert not intrinsics or len(value) == 1, value
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(package.template["Resources"])


@pytest.mark.parametrize(
    "name",
    [
        "AudioUploaded",
        "TrainingProgress",
        "TrainingChanged",
        "TrainingDue",
        "RecognitionQueued",
        "EvaluationDue",
        "CallbackDue",
        "CorpusAdded",
        "LanguageTraining",
    ],
)
def test_queues_outlast_their_functions_and_failures_are_partial(package: Package, name: str) -> None:
    function = package.functions()[name]
    (source,) = function["Events"].values()
    assert source["Type"] == "SQS"
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["Properties"]["Queue"] == {"Fn::Sub": f"${{{name}Queue.Arn}}"}
    queue = package.template["Resources"][f"{name}Queue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def _alarms(package: Package) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in package.template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]


def test_what_can_go_wrong_has_an_alarm_that_is_sent(package: Package) -> None:
    alarms = _alarms(package)
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in alarms)
    (faults,) = [alarm for alarm in alarms if alarm["MetricName"] == "5XXError"]
    api = package.template["Resources"]["RestAPI"]["Properties"]
    assert faults["Dimensions"][0] == {"Name": "ApiName", "Value": api["Name"]}
    assert {alarm["MetricName"] for alarm in alarms} >= {
        "5XXError",
        "Throttles",
        "Errors",
        "Invocations",
        "MessagesGivenUp",
        "WaitedForAnHour",
        "TrainingFailed",
        "TrainingsWithoutMachine",
    }
    names = [alarm["AlarmName"]["Fn::Sub"] for alarm in alarms]
    assert len(set(names)) == len(names)


def test_a_clock_that_is_silent_is_noticed(package: Package) -> None:
    """Errors are counted of calls alone; without calls there are none."""
    (silent,) = [alarm for alarm in _alarms(package) if alarm["MetricName"] == "Invocations"]
    assert silent["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Reconcile"}}]
    assert (silent["ComparisonOperator"], silent["TreatMissingData"]) == ("LessThanThreshold", "breaching")


def test_the_metrics_of_alarms_are_those_that_functions_write(package: Package) -> None:
    functions = package.functions()
    for alarm in _alarms(package):
        if alarm["Namespace"] == "Attune":
            (dimension,) = alarm["Dimensions"]
            services = [
                one["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for one in functions.values()
            ]
            assert (dimension["Name"], services.count(dimension["Value"])) == ("service", 1)
            written = "".join(path.read_text() for path in (ROOT / "chalicelib/events").rglob("*.py"))
            assert alarm["MetricName"].removesuffix("Failed") in written


@pytest.mark.parametrize("concurrency", [10, 100, 1000])
def test_queues_leave_the_account_room_to_answer(package: Package, concurrency: int) -> None:
    """A job's function waits for that of recognition: if only such ones are at work, none can come to its end."""
    shares = package.template["Mappings"]["Concurrency"][str(concurrency)]
    found = package.template["Parameters"]["AccountConcurrency"]["AllowedValues"]
    assert sorted(found) == sorted(package.template["Mappings"]["Concurrency"])
    at_once = int(package.template["Mappings"]["Evaluations"][str(concurrency)]["AtOnce"])
    waited_for = shares["RecognitionQueued"] + at_once * shares["EvaluationDue"]
    assert shares["RecognitionQueued"] + shares["EvaluationDue"] + waited_for <= max(8, concurrency // 2)
    if concurrency > 10:  # Lambda takes no share below two
        assert sum(shares.values()) + waited_for <= 0.7 * concurrency
    sources = {
        name: next(iter(function["Events"].values()))["Properties"]
        for name, function in package.functions().items()
        if "SqsEventSource" in json.dumps(function.get("Events", {}))
    }
    for name, share in shares.items():
        assert sources[name]["ScalingConfig"] == {
            "MaximumConcurrency": {"Fn::FindInMap": ["Concurrency", {"Ref": "AccountConcurrency"}, name]}
        }
        assert 2 <= share <= 1000
    # What is not limited has fewer pollers, and takes no time: as many at once as there are trainings.
    short = sources.keys() - shares.keys()
    assert short == {"TrainingProgress", "TrainingChanged", "TrainingDue"}
    assert not any("ScalingConfig" in sources[name] for name in short)


def test_a_new_account_takes_what_is_asked_for(package: Package) -> None:
    parameters = package.template["Parameters"]
    for name, function in package.functions().items():
        memory = function["MemorySize"]
        mib = parameters[memory["Ref"]]["Default"] if isinstance(memory, dict) else memory
        assert mib <= 3008, name
    assert parameters["AccountConcurrency"]["Default"] == "10"


def test_data_outlive_the_stack_and_a_failed_deployment_leaves_nothing(package: Package) -> None:
    kept = {
        name
        for name, resource in package.template["Resources"].items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    resources = package.template["Resources"]
    tables = {name for name, one in resources.items() if one["Type"] == "AWS::DynamoDB::Table"}
    assert kept == {"Bucket", *tables} - {"IdempotencyTable"}
    assert all(resources[name]["UpdateReplacePolicy"] == "Retain" for name in kept)


def test_the_api_is_regional_throttled_and_logged(package: Package) -> None:
    api = package.template["Resources"]["RestAPI"]["Properties"]
    assert api["EndpointConfiguration"] == {"Type": "REGIONAL"}
    (everywhere,) = api["MethodSettings"]
    assert (everywhere["ResourcePath"], everywhere["HttpMethod"]) == ("/*", "*")
    assert everywhere["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    logged = api["AccessLogSetting"]["Fn::If"][1]
    assert "authorization" not in logged["Format"].lower(), "keys are written down nowhere"
    assert json.loads(logged["Format"])["status"] == "$context.status"


def test_names_are_those_of_the_installation(package: Package) -> None:
    """Two installations in an account keep out of each other's way."""
    resources = package.template["Resources"]
    rule = resources["TrainingChangedRule"]["Properties"]["EventPattern"]["detail"]
    assert rule["TrainingJobName"] == [{"prefix": {"Fn::Sub": "${Name}-"}}]
    for name, resource in resources.items():
        if resource["Type"] in (
            "AWS::IAM::Role",
            "AWS::Events::Rule",
            "AWS::SQS::Queue",
            "AWS::DynamoDB::Table",
        ):
            assert "attune-" not in json.dumps(resource), name


def test_the_functions_learn_the_names_that_the_template_gives(package: Package) -> None:
    for function in package.functions().values():
        variables = function["Environment"]["Variables"]
        assert variables["ATTUNE_BUCKET"] == {"Ref": "Bucket"}
        assert variables["ATTUNE_AUDIO_QUEUE"] == {"Fn::GetAtt": ["AudioUploadedQueue", "QueueName"]}
        assert variables["ATTUNE_TABLE_PREFIX"] == {"Fn::Sub": "${Name}-"}
    names = {name: function["FunctionName"] for name, function in package.functions().items()}
    recognition = package.functions()["APIHandler"]["Environment"]["Variables"]["ATTUNE_RECOGNITION_FUNCTION"]
    assert recognition == names["Recognize"]


def test_no_function_has_the_secret_in_its_environment(package: Package) -> None:
    """Whoever may look at a function's configuration would read it."""
    assert "{{resolve:" not in json.dumps(package.template)
    told = [
        name
        for name, function in package.functions().items()
        if "ATTUNE_INTERNAL_SECRET_PARAMETER" in function["Environment"]["Variables"]
    ]
    assert told == ["APIHandler"], "nobody else signs or checks anything"


def test_log_groups_belong_to_functions_and_end(package: Package) -> None:
    groups = [
        resource["Properties"]
        for resource in package.template["Resources"].values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups} == {
        "/attune/${Name}-api-access",
        *(f"/aws/lambda/${{{name}}}" for name in package.functions()),
    }
    assert {group["RetentionInDays"] for group in groups} == {30}


def test_nothing_is_allowed_everywhere(package: Package) -> None:
    """Only what has no resource to name may name all of them."""
    for resource in package.template["Resources"].values():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        managed = resource["Properties"].get("ManagedPolicyArns", ())
        assert all("AmazonAPIGatewayPushToCloudWatchLogs" in str(arn) for arn in managed)
        for policy in resource["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                assert all("*" not in action for action in actions)
                if statement["Resource"] == "*":
                    assert set(actions) <= {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}


def test_the_documented_deployments_are_taken_by_the_cli(package: Package) -> None:
    """Without a bucket for it, the CLI takes no template above what CloudFormation takes in a request."""
    page = (ROOT / "docs/aws.md").read_text().replace("\\\n", " ")
    commands = [line.split() for line in page.splitlines() if line.startswith("aws cloudformation deploy ")]
    assert len(commands) >= 2
    for command in commands:
        template = ROOT / command[command.index("--template-file") + 1]
        # What is deployed of the service itself is what was packaged, with another address of the code.
        file = template if template.exists() else package.folder / "sam.json"
        assert "--s3-bucket" in command or file.stat().st_size <= INLINE_TEMPLATE_BYTES, command


def test_the_template_says_nothing_twice(package: Package) -> None:
    template = package.folder / "sam.json"
    assert template.stat().st_size <= 200_000
    common = package.template["Globals"]["Function"]["Environment"]["Variables"]
    for name, resource in package.template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            assert not common.keys() & resource["Properties"]["Environment"]["Variables"].keys(), name


def test_the_api_is_the_one_that_is_served(package: Package) -> None:
    """What was taken out of the description leaves every path with the function, which knows the methods."""
    paths = package.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert paths.keys() == app.app.routes.keys()
    for path, methods in paths.items():
        assert list(methods) == ["x-amazon-apigateway-any-method"], path
        integration = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        assert integration["type"] == "aws_proxy", path
        assert "${APIHandler.Arn}" in integration["uri"]["Fn::Sub"]


def test_package_and_layer_fit_lambda(package: Package) -> None:
    size_bytes = sum(path.stat().st_size for path in package.tree.rglob("*") if path.is_file())
    assert size_bytes <= layer.FUNCTION_BYTES
    assert not list(package.tree.rglob("*.so")), "a library for the Python that packages, not for the runtime"


def test_the_api_answers(package: Package, engine_layer: Path, aws: str) -> None:
    key = credentials.make(custom_models.OWNER)
    event = recorded.load("api_handler")
    given = "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode()
    event["headers"]["Authorization"], event["multiValueHeaders"]["Authorization"] = given, [given]
    answer, heavy = _called(package, engine_layer, "APIHandler", event)
    assert answer["statusCode"] == 200
    body = answer["body"]
    listed = json.loads(base64.b64decode(body) if answer.get("isBase64Encoded") else body)
    assert "en-US_BroadbandModel" in {model["name"] for model in listed["models"]}
    assert heavy == []


def test_the_consoles_files_are_in_it(package: Package) -> None:
    files = package.tree / "chalicelib" / "console" / "files"
    assert {path.name for path in files.iterdir()} == pages.names()


def test_uploaded_audio_is_analysed(package: Package, engine_layer: Path, aws: str) -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "one", noisy_wav(2.0))
    event = recorded.load("audio_uploaded", audio=upload.key)
    answer, heavy = _called(package, engine_layer, "AudioUploaded", event)
    assert answer == {"batchItemFailures": []}
    resource = audio_resources.get(custom_models.fresh(model), "one")
    assert (resource.status, resource.duration_s) == ("ok", 2.0)
    assert "pocketsphinx" not in heavy


def test_training_is_followed_to_its_end(package: Package, engine_layer: Path, aws: str) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    launch.start(claim)
    run = launch.run_of(claim.model)
    custom_models.say_progress(run, progress=42, stage="adapting", seconds_left=9)
    event = recorded.load("training_progress", run=run)
    assert _called(package, engine_layer, "TrainingProgress", event) == ({"batchItemFailures": []}, [])
    assert custom_models.fresh(model).progress == 42
    custom_models.leave_artefact(run, jobs.name_of(run))  # to moto, the job is completed
    event = recorded.load("training_completed", run=run)
    assert _called(package, engine_layer, "TrainingChanged", event) == ({"batchItemFailures": []}, [])
    row = custom_models.fresh(model)
    assert (row.status, row.promoted_run) == ("available", 1)
    (end,) = training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, run.run))
    event = recorded.load("callback_due")
    event["Records"][0]["body"] = json.dumps({"owner": end.owner, "end": end.end_id})
    assert _called(package, engine_layer, "CallbackDue", event) == ({"batchItemFailures": []}, [])
    (end,) = training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, run.run))
    assert end.notify_at is None, "the bus has taken it"


def test_trainings_that_wait_begin(package: Package, engine_layer: Path, aws: str) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "one")
    claim = acoustic_training.begin_training(model.owner, model.customization_id)
    assert turns.join(claim.model)
    event = recorded.load("training_due", run=launch.run_of(claim.model))
    assert _called(package, engine_layer, "TrainingDue", event) == ({"batchItemFailures": []}, [])
    row = custom_models.fresh(model)
    assert row.job_name == jobs.name_of(launch.run_of(row))


def test_a_corpus_is_analysed_and_a_language_model_trained_on_it(
    package: Package, engine_layer: Path, aws: str, tmp_path: Path
) -> None:
    owner = custom_models.OWNER
    made = language_models.create(owner, name="menu", base_model_name="en-US_BroadbandModel")
    text = b"one quuxly with milk\ntwo quuxly\n"
    accepted = language_resources.accept(made, CORPUS, "menu", size_bytes=len(text))
    objects.put(accepted.key.key, text)
    language_resources.stored(accepted)
    event = recorded.load("corpus_added", audio=accepted.key)
    answer, heavy = _called(package, engine_layer, "CorpusAdded", event)
    assert answer == {"batchItemFailures": []}
    assert "pocketsphinx" not in heavy
    model = language_models.get(owner, made.customization_id)
    corpus = language_resources.get(model, CORPUS, "menu")
    assert (model.status, corpus.status, corpus.total_words) == ("ready", "analyzed", 6)
    claim = language_training.begin_training(owner, made.customization_id, word_type="all", weight=0.5)
    run = RunKey(owner, made.customization_id, int(claim.model.run))
    event = recorded.load("language_training", run=run)
    answer, _ = _called(package, engine_layer, "LanguageTraining", event)
    assert answer == {"batchItemFailures": []}
    assert language_models.get(owner, made.customization_id).status == "available"
    path = tmp_path / "language-model.tar.gz"
    objects.download(layout.language_model_key(owner, made.customization_id, run.run), path)
    trained = read_artefact(path)
    assert (trained.weight, [entry.word for entry in trained.entries]) == (0.5, ["quuxly"])


def test_jobs_that_are_gone_are_no_trouble(package: Package, engine_layer: Path, aws: str) -> None:
    for name, event in (
        ("RecognitionQueued", "recognition_queued"),
        ("CallbackDue", "callback_due"),
        ("TrainingDue", "training_due"),
    ):
        answer, heavy = _called(package, engine_layer, name, recorded.load(event))
        assert (answer, heavy) == ({"batchItemFailures": []}, [])


def test_a_job_fails_in_vain_without_the_recognition_function(
    package: Package, engine_layer: Path, aws: str
) -> None:
    """It comes as far as the call, which nobody answers here, and will be tried again."""
    job = recognition_jobs.create(custom_models.OWNER, recognition_jobs.new_id(), {"audio": {}})
    event = recorded.load("recognition_queued", job=recognition_jobs.key_of(job))
    answer, heavy = _called(package, engine_layer, "RecognitionQueued", event)
    assert recorded.failed(answer) == [event["Records"][0]["messageId"]]
    assert heavy == []
    assert recognition_jobs.get(job.owner, job.job_id).status == "processing"


def test_the_clock_reconciles(package: Package, engine_layer: Path, aws: str) -> None:
    model = custom_models.new(retrain_after_minutes=10)
    custom_models.add_audio(model, "one")
    answer, heavy = _called(package, engine_layer, "Reconcile", recorded.load("reconcile"))
    assert answer["failed"] == 0
    assert answer["looked_after"] >= 1
    assert heavy == []
    assert AcousticModel.get(model.owner, model.customization_id).run == 1


def test_recognition_answers(package: Package, engine_layer: Path, aws: str) -> None:
    event = recorded.load("recognize")
    objects.put(event["audio"]["key"], noisy_wav(1.0))
    answer, _ = _called(package, engine_layer, "Recognize", event)
    assert set(answer) == {"results", "audio_s"}
    assert answer["results"]["result_index"] == 0


def test_the_template_is_the_one_that_is_read(package: Package) -> None:
    for table in resources.load(package.folder / "sam.json", {"AWS::AccountId": "1"}).tables:
        assert table in resources.load().tables


def test_an_analysis_gives_up_before_its_function_does(package: Package) -> None:
    timeout_s = package.functions()["AudioUploaded"]["Timeout"]
    assert timeout_s > max(ArchiveLimits().time_s, DecodingLimits().time_s) + 60


def test_who_waits_for_recognition_waits_longer_than_it_may_take(package: Package) -> None:
    """Else nobody is left to be told that it took too long."""
    functions = package.functions()
    for caller in ("APIHandler", "RecognitionQueued"):
        assert functions[caller]["Timeout"] >= functions["Recognize"]["Timeout"] + 30


def test_functions_have_room_for_what_they_unpack(package: Package) -> None:
    """What does not fit fails each time that it is tried, and its model waits for ever."""
    functions = package.functions()
    mib = 1 << 20
    upload = gateway_limits.GatewayLimits().body_bytes
    unpacked = upload + ArchiveLimits().unpacked_bytes
    assert functions["AudioUploaded"]["EphemeralStorage"]["Size"] * mib > unpacked
    decoded = recordings.MAX_DURATION_S * 16_000 * 2
    audio = gateway_limits.GatewayLimits().job_bytes
    assert functions["Recognize"]["EphemeralStorage"]["Size"] * mib > audio + decoded + model_cache.MOST_BYTES
