"""Stop a training run because its user wants it."""

from __future__ import annotations

import logging

from chalicelib.customization import runs
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import ends, jobs
from chalicelib.training.launch import run_of

logger = logging.getLogger(__name__)


def request(owner: str, customization_id: str) -> None:
    """Have the model's current run stopped; the model returns to its former status when the job has ended.

    One that waits for its turn ends at once.

    Raises:
        MalformedId, UnknownModel: see `customization.acoustic_models.get`.
        NotTraining: the model is in no run.
    """
    model = runs.request_cancel(AcousticModel, owner, customization_id)
    run = run_of(model)
    if not model.turn and not model.job_name:
        ends.cancelled(run)  # a job that is created at this moment is stopped by whoever creates it
        return
    try:
        stopping = jobs.stop(jobs.name_of(run))
    except jobs.PlatformUnavailable:
        # The wish is kept in the row; the reconciler sees to it.
        logger.warning("training job %s could not be stopped yet", jobs.name_of(run), exc_info=True)
        return
    if not stopping:
        ends.cancelled(run)
