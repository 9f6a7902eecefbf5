"""The run of a custom language model: announced in a queue, done by whoever takes it up, promoted."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import settings
from chalicelib.customization import language_models, runs
from chalicelib.customization.language import (
    custom_words,
    language_resources,
    language_training,
    language_words,
)
from chalicelib.customization.language.language_resources import ANALYZED, CORPUS, GRAMMAR
from chalicelib.engines import availability
from chalicelib.storage import failures, layout, objects, queues, scratch
from chalicelib.storage.tables import LanguageModel, LanguageResource

if TYPE_CHECKING:
    from chalicelib.language.artefact import GrammarText
    from chalicelib.language.training import TrainingWord

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
GIVEN_UP = (
    "The training was broken off several times. Train again, with less text if there are many millions of "
    "words; if it fails again, tell the operator of this service."
)
_BEAT_S = 5.0


class BeingDone(Exception):
    """Somebody else does the run, or has died at it a moment ago. Try again soon."""


class RunOver(Exception):
    """The run that is being done is over: it was cancelled, or another one is current."""


def announce(model: LanguageModel) -> None:
    """Have somebody do the current run of a model; a failure is left to the reconciler."""
    message = {"owner": model.owner, "id": model.customization_id, "run": int(model.run)}
    try:
        queues.send(settings.current().language_training_queue, message)
    except failures.FAILURES:
        logger.warning("the training of %s could not be announced", model.customization_id, exc_info=True)


def recover(
    model: LanguageModel, now: datetime, *, restarted: bool = False, messages_lost: bool = False
) -> None:
    """Announce again a run that nobody does. May be repeated.

    Args:
        model: its row.
        now: the present moment.
        restarted: whoever was doing the run is gone.
        messages_lost: so may be what announced it.
    """
    if restarted:
        language_training.let_go(model.owner, model.customization_id, int(model.run))
    if restarted or messages_lost or language_training.abandoned(model, now):
        announce(model)


def perform(owner: str, customization_id: str, run: int, *, last_attempt: bool = False) -> bool:
    """Do a run and promote what it makes; False: it is over.

    Raises:
        BeingDone: somebody is at it.
        Exception: whatever broke it off; another one may take it up at once, unless it was the last attempt.
    """
    from chalicelib.language.artefact import ArtefactTooLarge
    from chalicelib.language.corpus import CorpusUnreadable
    from chalicelib.language.grammars.srgs import GrammarError

    model = language_training.take_up(owner, customization_id, run)
    if model is None:
        if runs.current(LanguageModel, owner, customization_id, run) is not None:
            raise BeingDone(f"{customization_id}, run {run}")
        return False
    if last_attempt or model.run_attempts > MOST_ATTEMPTS:
        return not runs.failed(LanguageModel, owner, customization_id, run, GIVEN_UP)
    if (missing := availability.obstacle(model.base_version_of_run)) is not None:
        return not runs.failed(LanguageModel, owner, customization_id, run, missing)
    try:
        return _trained(model)
    except RunOver:
        return False
    except (ArtefactTooLarge, CorpusUnreadable, GrammarError) as error:
        runs.failed(LanguageModel, owner, customization_id, run, f"The training has failed: {error}.")
        return False
    except BaseException:
        language_training.let_go(owner, customization_id, run)
        raise


def _trained(model: LanguageModel) -> bool:
    from chalicelib.engines.base_language import base_language
    from chalicelib.language import training

    base_version = model.base_version_of_run
    base = base_language(base_version)
    resources = [row for row in language_resources.of_model(model) if row.status == ANALYZED]
    grammars = {row.name: _grammar(row) for row in resources if row.kind == GRAMMAR}
    key = layout.language_model_key(model.owner, model.customization_id, int(model.run))
    with scratch.folder() as folder, _alive(model) as pulse:
        corpora = [row for row in resources if row.kind == CORPUS]
        paths = [Path(folder, f"{number:06d}.txt") for number in range(len(corpora))]
        for row, path in zip(corpora, paths, strict=True):
            pulse.check()
            objects.download(language_resources.KIND.key_of(row).key, path)
        target = Path(folder, "language-model.tar.gz")
        weight = training.DEFAULT_WEIGHT if model.run_weight is None else float(model.run_weight)
        training.train(
            paths,
            _words(model),
            grammars,
            base=base,
            target=target,
            weight=weight,
            progress=pulse.progressed,
        )
        pulse.check()
        # Object first, row last: whoever reads the row finds the object.
        objects.upload(target, key)
        with target.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    promoted = language_training.succeeded(
        model,
        sha256=sha256,
        grammars=set(grammars),
        large_grammars={name for name, grammar in grammars.items() if _is_large(grammar)},
        versions=base.versions[1:],
    )
    if not promoted:
        # Cancelled in the meantime; or another one, who took this one for gone, has promoted the run.
        now = language_models.find(model.owner, model.customization_id)
        if now is None or now.promoted_run != model.run:
            objects.delete(key)
    return promoted


def _is_large(grammar: GrammarText) -> bool:
    from chalicelib.language.grammars.grammar_sentences import sentences
    from chalicelib.language.grammars.srgs import parse

    return sentences(parse(grammar.text, grammar.kind).network) is None


def _grammar(row: LanguageResource) -> GrammarText:
    from chalicelib.language.artefact import GrammarText

    text = objects.get(language_resources.KIND.key_of(row).key).decode()
    return GrammarText(language_resources.grammar_kind(row), text)


def _words(model: LanguageModel) -> list[TrainingWord]:
    """Return the words that the run adds; those that only a grammar holds are known by that grammar alone."""
    from chalicelib.language.training import TrainingWord

    given = language_words.of_user(model)
    found = custom_words.of_model(model, custom_words.USER, given)
    if model.run_words != custom_words.USER:
        found |= custom_words.of_model(model, "corpora", given)
    return [
        TrainingWord(
            word.word,
            tuple(word.given.sounds_like) if word.given else (),
            word.given.display_as if word.given else None,
            tuple(word.pronunciations),
        )
        for word in found.values()
        if not word.error and (word.pronunciations or (word.given is not None and word.given.known))
    ]


class _Pulse:
    """Says from a thread of its own that the run is being done."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._began_s = time.monotonic()
        self._done = 0.0
        self._gone = threading.Event()
        self.stopped = threading.Event()

    def check(self) -> None:
        """Break off when the run is over.

        Raises:
            RunOver: nobody needs it any more.
        """
        if self._gone.is_set():
            raise RunOver

    def progressed(self, done: float) -> None:
        """Note how far the training is, 0…1; see `check`."""
        self._done = done
        self.check()

    def beat(self) -> None:
        """Run until `stopped` is set, or the run is over."""
        while not self.stopped.wait(_BEAT_S):
            taken_s = time.monotonic() - self._began_s
            left_s = taken_s * (1 - self._done) / self._done if self._done else None
            model = self._model
            try:
                if not language_training.alive(
                    model.owner,
                    model.customization_id,
                    int(model.run),
                    progress=99 * self._done,
                    stage="building the language model",
                    seconds_left=left_s,
                ):
                    self._gone.set()
                    return
            except Exception:  # without further signs the run would be taken for abandoned
                logger.warning("no sign of life could be given", exc_info=True)


@contextmanager
def _alive(model: LanguageModel) -> Iterator[_Pulse]:
    pulse = _Pulse(model)
    thread = threading.Thread(target=pulse.beat, daemon=True)
    thread.start()
    try:
        yield pulse
    finally:
        pulse.stopped.set()
        thread.join()
