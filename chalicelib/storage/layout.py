"""Where things lie in the bucket: every S3 key is made and read here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Self

AUDIO_PREFIX = "audio/"
"""Objects created below it wake `events.audio_uploaded`."""
LANGUAGE_PREFIX = "language/"
"""Objects created below it (corpora, grammars, batches of words) wake `events.corpus_added`."""
SPOOL_PREFIX = "spool/"
"""Request bodies on their way in; a lifecycle rule removes them after a day."""
UPLOADS_PREFIX = "uploads/"
"""What clients have sent to the store themselves; a lifecycle rule removes it after a day."""
TRAINING_PREFIX = "training/"
LISTINGS_PREFIX = "listings/"
MODELS_PREFIX = "models/"
JOBS_PREFIX = "jobs/"
TEST_SETS_PREFIX = "test-sets/"
EVALUATIONS_PREFIX = "evaluations/"
BASES_PREFIX = "bases/"
MODELS_OWN_PREFIXES = (AUDIO_PREFIX, LANGUAGE_PREFIX, LISTINGS_PREFIX, TRAINING_PREFIX, MODELS_PREFIX)
"""Below them, `{owner}/{customization_id}/` follows."""
PROGRESS_SUFFIX = "/checkpoints/progress.json"
"""Objects created with it (below `TRAINING_PREFIX`) wake `events.training_progress`."""


def resource_id(name: str) -> str:
    """Return the key-safe identity of a resource's name: 32 hex digits of its SHA-256."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class UploadKey:
    """One upload of one resource of a custom model."""

    owner: str
    customization_id: str
    resource_id: str
    upload_id: str

    PREFIX: ClassVar[str]

    @property
    def _path(self) -> str:
        return f"{self.owner}/{self.customization_id}/{self.resource_id}/{self.upload_id}"

    @property
    def key(self) -> str:
        """The S3 key of the uploaded bytes."""
        return f"{self.PREFIX}{self._path}"

    @property
    def listing_key(self) -> str:
        """The S3 key of the JSON that the analysis writes, if any; outside `PREFIX`: it wakes nobody."""
        return f"{LISTINGS_PREFIX}{self._path}.json"

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read a key that `key` made (already URL-decoded).

        Raises:
            ValueError: the key is not that of such an upload.
        """
        parts = key.split("/")
        if len(parts) != 5 or f"{parts[0]}/" != cls.PREFIX or not all(parts):
            raise ValueError(f"not the key of an upload below {cls.PREFIX}: {key}")
        return cls(*parts[1:])


class AudioKey(UploadKey):
    """One upload of audio; its listing tells of an archive's members."""

    PREFIX = AUDIO_PREFIX


class LanguageKey(UploadKey):
    """One upload of a corpus, a grammar or a batch of words; its listing tells what words were found."""

    PREFIX = LANGUAGE_PREFIX


@dataclass(frozen=True)
class RunKey:
    """One training run of one model: its inputs, its checkpoints, its output."""

    owner: str
    customization_id: str
    run: int

    @property
    def prefix(self) -> str:
        """Everything of the run lies below it."""
        return f"{TRAINING_PREFIX}{self.owner}/{self.customization_id}/{self.run:06d}/"

    @property
    def plan_prefix(self) -> str:
        """The `plan` channel: one object, `plan.json` (see `training_image.plan`)."""
        return f"{self.prefix}plan/"

    @property
    def audio_manifest_key(self) -> str:
        """SageMaker manifest of the `audio` channel."""
        return f"{self.prefix}audio.manifest"

    @property
    def language_prefix(self) -> str:
        """The `language` channel: the artefact of the helper language model, if there is one."""
        return f"{self.prefix}language/"

    @property
    def checkpoints_prefix(self) -> str:
        """Synchronised with `/opt/ml/checkpoints`."""
        return f"{self.prefix}checkpoints/"

    @property
    def progress_key(self) -> str:
        """What the container says of its progress."""
        return f"{self.prefix.rstrip('/')}{PROGRESS_SUFFIX}"

    @property
    def output_prefix(self) -> str:
        """SageMaker writes `{job name}/output/model.tar.gz` below it."""
        return f"{self.prefix}output/"

    @classmethod
    def parse(cls, key: str) -> RunKey:
        """Read the run from any key below its prefix.

        Raises:
            ValueError: the key does not belong to a training run.
        """
        parts = key.split("/")
        if len(parts) < 5 or parts[0] != TRAINING_PREFIX.rstrip("/") or not parts[3].isdecimal():
            raise ValueError(f"not the key of a training run: {key}")
        return cls(parts[1], parts[2], int(parts[3]))


@dataclass(frozen=True)
class JobKey:
    """One recognition job: its audio, its pieces, its results."""

    owner: str
    job_id: str

    @property
    def prefix(self) -> str:
        """Everything of the job lies below it."""
        return f"{JOBS_PREFIX}{self.owner}/{self.job_id}/"

    @property
    def audio_key(self) -> str:
        """The audio as it was sent."""
        return f"{self.prefix}audio"

    @property
    def pieces_prefix(self) -> str:
        """What a long recording is cut into, and what was said in each piece."""
        return f"{self.prefix}pieces/"

    @property
    def results_key(self) -> str:
        """A JSON list of `SpeechRecognitionResults`."""
        return f"{self.prefix}results.json"


@dataclass(frozen=True)
class TestSetKey:
    """One test set: what was uploaded, and the recordings that were found in it."""

    owner: str
    test_set_id: str

    @property
    def prefix(self) -> str:
        """Everything of the set lies below it."""
        return f"{TEST_SETS_PREFIX}{self.owner}/{self.test_set_id}/"

    @property
    def upload_key(self) -> str:
        """The archive as it was sent; it goes when it has been read."""
        return f"{self.prefix}upload"

    @property
    def listing_key(self) -> str:
        """JSON: the utterances, and what is wrong with what was left out."""
        return f"{self.prefix}listing.json"

    def audio_key(self, number: int) -> str:
        """Return the key of an utterance's audio."""
        return f"{self.prefix}audio/{number:06d}"


@dataclass(frozen=True)
class EvaluationKey:
    """One evaluation: audio of its own, what each model heard in each piece of it, and its results."""

    owner: str
    evaluation_id: str

    @property
    def prefix(self) -> str:
        """Everything of the evaluation lies below it."""
        return f"{EVALUATIONS_PREFIX}{self.owner}/{self.evaluation_id}/"

    @property
    def listing_key(self) -> str:
        """JSON: the sentences that are compared, where there is no test set."""
        return f"{self.prefix}listing.json"

    @property
    def audio_prefix(self) -> str:
        """The audio of these sentences."""
        return f"{self.prefix}audio/"

    def audio_key(self, number: int) -> str:
        """Return the key of the audio of such a sentence."""
        return f"{self.audio_prefix}{number:06d}"

    @property
    def pieces_prefix(self) -> str:
        """What was heard, piece by piece."""
        return f"{self.prefix}pieces/"

    def piece_key(self, piece: int) -> str:
        """Return the key of what was heard in a piece."""
        return f"{self.pieces_prefix}{piece:06d}.json"

    @property
    def results_key(self) -> str:
        """JSON: what the evaluation has found."""
        return f"{self.prefix}results.json"

    @property
    def picture_key(self) -> str:
        """The results as a picture."""
        return f"{self.prefix}picture.svg"


def prefixes_of_model(owner: str, customization_id: str) -> tuple[str, ...]:
    """Return the prefixes below which everything of one custom model lies."""
    return tuple(f"{prefix}{owner}/{customization_id}/" for prefix in MODELS_OWN_PREFIXES)


def base_weights_prefix(base: str, sha256: str) -> str:
    """Return the prefix of a staged base's weights: the `base` channel of its training jobs.

    Args:
        base: its name.
        sha256: of its weights, so that another base of the same name has another prefix.
    """
    return f"{BASES_PREFIX}{base}/{sha256[:16]}/"


def direct_upload_key(owner: str, upload_id: str) -> str:
    """Return the key of what a client sends to the store itself."""
    return f"{UPLOADS_PREFIX}{owner}/{upload_id}"


def deletion_key(owner: str, customization_id: str) -> str:
    """Return the key of an empty object that is there while a deleted model is being cleared away."""
    return f"{LISTINGS_PREFIX}{owner}/{customization_id}/model/deleted"


def run_number(key: str) -> int:
    """Return the number of the run that an object below `TRAINING_PREFIX` or `MODELS_PREFIX` belongs to.

    Raises:
        ValueError: the key lies elsewhere.
    """
    parts = key.split("/")
    below = f"{parts[0]}/"
    if len(parts) < 4 or below not in (TRAINING_PREFIX, MODELS_PREFIX) or not parts[3].isdecimal():
        raise ValueError(f"not the key of a run's object: {key}")
    return int(parts[3])


def adapted_model_key(owner: str, customization_id: str, run: int) -> str:
    """Return the key of a promoted `model.tar.gz`: what recognition loads."""
    return f"{MODELS_PREFIX}{owner}/{customization_id}/{run:06d}/model.tar.gz"


def report_key(owner: str, customization_id: str, run: int) -> str:
    """Return the key of the `report.json` of a run, promoted or rejected."""
    return f"{MODELS_PREFIX}{owner}/{customization_id}/{run:06d}/report.json"


def language_model_key(owner: str, customization_id: str, run: int) -> str:
    """Return the key of the artefact of a custom language model's run: what recognition loads."""
    return f"{MODELS_PREFIX}{owner}/{customization_id}/{run:06d}/language-model.tar.gz"
