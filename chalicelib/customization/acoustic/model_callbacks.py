"""The callback of a custom acoustic model: which URL is told, and of what."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.customization import acoustic_models
from chalicelib.customization.errors import NoCallback, UnknownCustomModel
from chalicelib.customization.training_ends import TrainingEvent
from chalicelib.storage.conditional import Action, Condition, ConditionFailed, Update, write
from chalicelib.storage.tables import AcousticModel


def set_callback(model: AcousticModel, url: str, events: Sequence[TrainingEvent]) -> None:
    """Let a registered URL be told of these events from now on, in the place of the one before.

    Raises:
        UnknownCustomModel: it is gone.
    """
    _change(
        model,
        [
            AcousticModel.callback_url.set(url),
            AcousticModel.callback_events.set([str(event) for event in events]),
        ],
    )


def remove(model: AcousticModel) -> None:
    """Tell nobody any more, unless a run has a callback of its own.

    Raises:
        UnknownCustomModel: it is gone.
    """
    _change(model, [AcousticModel.callback_url.remove(), AcousticModel.callback_events.remove()])


def url_of(owner: str, customization_id: str) -> tuple[AcousticModel, str]:
    """Return a model and the URL that is told.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        NoCallback: none is.
    """
    model = acoustic_models.get(owner, customization_id)
    if not model.callback_url:
        raise NoCallback(customization_id)
    return model, model.callback_url


def _change(model: AcousticModel, actions: list[Action]) -> None:
    there: Condition = AcousticModel.customization_id.exists()
    try:
        write(Update(model, there, actions))
    except ConditionFailed:
        raise UnknownCustomModel(model.customization_id) from None
