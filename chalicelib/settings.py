"""The environment, read and validated once."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

_OF_ENGINE = re.compile(
    r"ATTUNE_(?P<engine>[A-Z][A-Z0-9]*)_"
    r"(?P<setting>TRAINING_IMAGE|TRAINING_INSTANCE_TYPE|TRAINING_INSTANCE_COUNT|TRAINING_USE_SPOT"
    r"|RECOGNITION_FUNCTION)"
)
_INSTANCE = re.compile(r"[a-z]([a-z0-9-]{0,16}[a-z0-9])?")
_MOST_VERSIONS = 100
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


class SettingsError(ValueError):
    """An environment variable is missing or makes no sense."""


@dataclass(frozen=True)
class EngineSettings:
    """Where the models of one engine are trained, and what recognises with them."""

    training_image: str
    """URI of the container image that SageMaker runs."""
    training_instance_type: str | None
    """None: `training.machines` plans it for each run. So it is with the number of instances."""
    training_instance_count: int | None
    training_use_spot: bool
    recognition_function: str
    """Name of the Lambda function that turns audio in S3 into words."""


@dataclass(frozen=True)
class Settings:
    """What an operator decides. Endpoints, region and credentials are boto3's own business (`AWS_*`)."""

    bucket: str
    """S3 bucket that holds audio, spooled bodies, training runs and adapted models."""
    table_prefix: str
    """Every DynamoDB table is named `{table_prefix}{name}`; see `storage.tables`."""
    audio_queue: str
    """Name of the SQS queue where the bucket announces uploaded audio."""
    progress_queue: str
    """Name of the SQS queue where the bucket announces how far trainings have come."""
    training_queue: str
    """Name of the SQS queue that says that training jobs have ended."""
    corpus_queue: str
    """Name of the SQS queue where the bucket announces corpora, grammars and batches of words."""
    language_training_queue: str
    """Name of the SQS queue in which custom language models wait for their training."""
    recognition_queue: str
    """Name of the SQS queue in which recognition jobs wait."""
    piece_s: int
    """Speech in each piece of a long recording, to the end of an utterance."""
    pieces_at_once: int
    """So many pieces of one long recording wait to be decoded, or are; the others come after them."""
    evaluation_queue: str
    """Name of the SQS queue in which test sets and evaluations wait."""
    evaluation_at_once: int
    """So many utterances does one piece of an evaluation have recognised at the same time."""
    callback_queue: str
    """Name of the SQS queue that says which jobs callbacks are to be told of."""
    callback_allow_private: bool
    """Whether callbacks may have addresses that are not public. Never in a cloud: it has secrets to tell."""
    training_due_queue: str
    """Name of the SQS queue that says that a training may have to begin."""
    max_trainings_at_once: int
    """So many acoustic trainings go on at once, the others wait for their turn; 0: any number."""
    max_trainings_at_once_of_owner: int
    """The same of one owner."""
    retrain_quiet_s: int
    """A model that trains by itself does so when no audio has been added to it for so long."""
    kept_versions: int
    """So many versions of a custom acoustic model are kept; when another one comes, the oldest goes."""
    event_bus: str
    """Name of the EventBridge bus that is told of trainings that have ended."""
    training_role_arn: str
    training_max_runtime_s: int | None
    """None: `training.machines` plans it for each run."""
    training_prices: Mapping[str, float]
    """USD an hour of instance types, where they differ from the list in `training.cost`."""
    service_instance: str
    """Name of the installation; goes into tags and job names."""
    every_engine: EngineSettings
    """For engines that have none of their own."""
    engines: Mapping[str, EngineSettings]
    """Of the engines that have some of their own, by name."""

    @property
    def dead_letter_queues(self) -> tuple[str, ...]:
        """Names of the SQS queues that take what was handed out too often, one for each other queue."""
        queues = (
            self.audio_queue,
            self.progress_queue,
            self.training_queue,
            self.corpus_queue,
            self.language_training_queue,
            self.recognition_queue,
            self.evaluation_queue,
            self.callback_queue,
            self.training_due_queue,
        )
        return tuple(f"{queue}-dead" for queue in queues)

    def engine(self, name: str) -> EngineSettings:
        """Return the settings of an engine: `ATTUNE_{NAME}_…` where it is set, else what holds for all."""
        return self.engines.get(name, self.every_engine)


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is not set")
    return value


def _integer(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"environment variable {name} must be a whole number, not {text!r}") from None


def _positive(name: str) -> int | None:
    """Return a number that may be left out."""
    if not os.environ.get(name):
        return None
    number = _integer(name, 0)
    if number < 1:
        raise SettingsError(f"environment variable {name} must be at least 1, not {number}")
    return number


def _not_negative(name: str, default: int) -> int:
    number = _integer(name, default)
    if number < 0:
        raise SettingsError(f"environment variable {name} must not be negative, but is {number}")
    return number


def _every_engine() -> EngineSettings:
    return EngineSettings(
        training_image=_required("ATTUNE_TRAINING_IMAGE"),
        training_instance_type=os.environ.get("ATTUNE_TRAINING_INSTANCE_TYPE") or None,
        training_instance_count=_positive("ATTUNE_TRAINING_INSTANCE_COUNT"),
        training_use_spot=_truth(os.environ.get("ATTUNE_TRAINING_USE_SPOT", "true")),
        recognition_function=os.environ.get("ATTUNE_RECOGNITION_FUNCTION", "attune-recognize"),
    )


def _engines(every_engine: EngineSettings) -> dict[str, EngineSettings]:
    """Return what `ATTUNE_{ENGINE}_{SETTING}` changes; an empty value changes nothing."""
    changes: dict[str, dict[str, str | bool | int | None]] = {}
    for variable, value in os.environ.items():
        found = _OF_ENGINE.fullmatch(variable)
        if found and value:
            setting = found["setting"].lower()
            of_engine = changes.setdefault(found["engine"].lower(), {})
            if setting == "training_use_spot":
                of_engine[setting] = _truth(value)
            elif setting == "training_instance_count":
                of_engine[setting] = _positive(variable)
            else:
                of_engine[setting] = value
    return {name: replace(every_engine, **changed) for name, changed in changes.items()}  # type: ignore[arg-type]


def _truth(text: str) -> bool:
    return text.lower() == "true"


def _kept_versions() -> int:
    number = _positive("ATTUNE_KEPT_VERSIONS") or 10
    if number > _MOST_VERSIONS:  # they stand in one row of a table
        raise SettingsError(
            f"environment variable ATTUNE_KEPT_VERSIONS must be at most {_MOST_VERSIONS}, not {number}"
        )
    return number


def table_prefix() -> str:
    """Return the first part of every table's name; it is needed before the rest of the settings is."""
    return os.environ.get("ATTUNE_TABLE_PREFIX", "attune-")


def engines() -> tuple[str, ...]:
    """Return the names of the engines that this installation has; none: all. The catalogue is made of it."""
    return tuple(os.environ.get("ATTUNE_ENGINES", "").replace(",", " ").split())


def adapted_engines() -> tuple[str, ...]:
    """Return the names of the engines that custom acoustic models are made on; none: all that can be."""
    return tuple(os.environ.get("ATTUNE_ADAPTED_ENGINES", "").replace(",", " ").split())


def training_prices() -> dict[str, float]:
    """Return USD an hour by instance type, as ATTUNE_TRAINING_PRICES says: `ml.g5.xlarge=1.52`, and more.

    Raises:
        SettingsError: it does not say it in that form.
    """
    prices = {}
    for entry in os.environ.get("ATTUNE_TRAINING_PRICES", "").replace(",", " ").split():
        instance_type, _, price = entry.partition("=")
        if not instance_type or not _PRICE.fullmatch(price):
            raise SettingsError(
                "environment variable ATTUNE_TRAINING_PRICES must have USD an hour by instance type, such as "
                f"'ml.g5.xlarge=1.52 ml.c5.2xlarge=0.46'; {entry!r} is not in that form"
            )
        prices[instance_type] = float(price)
    return prices


@functools.lru_cache(maxsize=1)
def _proxies(listed: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(map(ipaddress.ip_network, listed.replace(",", " ").split()))
    except ValueError as error:
        raise SettingsError(
            f"environment variable ATTUNE_PROXIES must list networks, such as '10.0.0.0/8 192.0.2.7': {error}"
        ) from None


def is_proxy(address: str) -> bool:
    """Tell whether what an address says of its clients is believed, as `ATTUNE_PROXIES` lists networks.

    Raises:
        SettingsError: the list makes no sense.
    """
    proxies = _proxies(os.environ.get("ATTUNE_PROXIES", ""))
    if not proxies:
        return False
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(parsed in network for network in proxies if network.version == parsed.version)


def owner_temporary_bytes() -> int:
    """Return how many bytes one owner's requests may hold on disk while they are under way; 0: any number.

    Raises:
        SettingsError: it is not a number.
    """
    return _not_negative("ATTUNE_OWNER_TEMPORARY_BYTES", 4 * 1024**3)


def owner_audio_s_per_hour() -> int:
    """Return how many seconds of audio one owner may have decoded within an hour; 0: any number.

    Raises:
        SettingsError: it is not a number.
    """
    return _not_negative("ATTUNE_OWNER_AUDIO_S_PER_HOUR", 100 * 3600)


def metrics_key() -> str | None:
    """Return the key that opens `/metrics`; None: there is none, and programs on the same machine see it.

    Raises:
        SettingsError: it has fewer than 16 characters.
    """
    key = os.environ.get("ATTUNE_METRICS_KEY") or None
    if key is not None and len(key) < 16:
        raise SettingsError("environment variable ATTUNE_METRICS_KEY must have at least 16 characters")
    return key


def bases() -> Path | None:
    """Return the folder of staged bases (`engines.staged`); None: there are none."""
    folder = os.environ.get("ATTUNE_BASES")
    return Path(folder) if folder else None


def service_instance() -> str:
    """Return the name of this installation, which the names of its training jobs begin with.

    Raises:
        SettingsError: names of jobs that begin with it would be too long for SageMaker, or malformed.
    """
    name = os.environ.get("ATTUNE_SERVICE_INSTANCE", "attune")
    if not _INSTANCE.fullmatch(name):
        raise SettingsError(
            "environment variable ATTUNE_SERVICE_INSTANCE must have at most 18 small letters, digits and "
            f"hyphens, of which the first is a letter and the last no hyphen, not {name!r}"
        )
    return name


def uploads_to_store() -> bool:
    """Tell whether clients can reach the store: then uploads go there, else to this service in its place."""
    return _truth(os.environ.get("ATTUNE_UPLOADS_TO_STORE", "false"))


def internal_secret_parameter() -> str | None:
    """Return the name of the internal secret in the Parameter Store; None: it is in the environment."""
    return os.environ.get("ATTUNE_INTERNAL_SECRET_PARAMETER") or None


def internal_secrets() -> tuple[str, ...]:
    """Return the internal secret of the environment, and the one before it, if it is said.

    Raises:
        SettingsError: there is none, or one has fewer than 32 characters.
    """
    secrets = {"ATTUNE_INTERNAL_SECRET": _required("ATTUNE_INTERNAL_SECRET")}
    if os.environ.get("ATTUNE_INTERNAL_SECRET_BEFORE"):
        secrets["ATTUNE_INTERNAL_SECRET_BEFORE"] = os.environ["ATTUNE_INTERNAL_SECRET_BEFORE"]
    for name, secret in secrets.items():
        if len(secret) < 32:
            raise SettingsError(f"environment variable {name} must have at least 32 characters")
    return tuple(secrets.values())


@functools.cache
def current() -> Settings:
    """Return the settings of this process.

    Raises:
        SettingsError: a variable is missing or malformed; the message names it.
    """
    every_engine = _every_engine()
    _proxies(os.environ.get("ATTUNE_PROXIES", ""))
    metrics_key()
    return Settings(
        bucket=_required("ATTUNE_BUCKET"),
        table_prefix=table_prefix(),
        audio_queue=os.environ.get("ATTUNE_AUDIO_QUEUE", "attune-audio-uploaded"),
        progress_queue=os.environ.get("ATTUNE_PROGRESS_QUEUE", "attune-training-progress"),
        training_queue=os.environ.get("ATTUNE_TRAINING_QUEUE", "attune-training-changed"),
        corpus_queue=os.environ.get("ATTUNE_CORPUS_QUEUE", "attune-corpus-added"),
        language_training_queue=os.environ.get("ATTUNE_LANGUAGE_TRAINING_QUEUE", "attune-language-training"),
        recognition_queue=os.environ.get("ATTUNE_RECOGNITION_QUEUE", "attune-recognition-queued"),
        piece_s=_positive("ATTUNE_PIECE_S") or 300,
        pieces_at_once=max(1, _integer("ATTUNE_PIECES_AT_ONCE", 16)),
        evaluation_queue=os.environ.get("ATTUNE_EVALUATION_QUEUE", "attune-evaluation-due"),
        evaluation_at_once=_positive("ATTUNE_EVALUATION_AT_ONCE") or len(os.sched_getaffinity(0)),
        callback_queue=os.environ.get("ATTUNE_CALLBACK_QUEUE", "attune-callback-due"),
        callback_allow_private=_truth(os.environ.get("ATTUNE_CALLBACK_ALLOW_PRIVATE", "false")),
        training_due_queue=os.environ.get("ATTUNE_TRAINING_DUE_QUEUE", "attune-training-due"),
        max_trainings_at_once=_not_negative("ATTUNE_MAX_TRAININGS_AT_ONCE", 20),
        max_trainings_at_once_of_owner=_not_negative("ATTUNE_MAX_TRAININGS_AT_ONCE_OF_OWNER", 4),
        retrain_quiet_s=_not_negative("ATTUNE_RETRAIN_QUIET_S", 300),
        kept_versions=_kept_versions(),
        event_bus=os.environ.get("ATTUNE_EVENT_BUS", "default"),
        training_role_arn=_required("ATTUNE_TRAINING_ROLE_ARN"),
        training_max_runtime_s=_positive("ATTUNE_TRAINING_MAX_RUNTIME_S"),
        training_prices=training_prices(),
        every_engine=every_engine,
        engines=_engines(every_engine),
        service_instance=service_instance(),
    )
