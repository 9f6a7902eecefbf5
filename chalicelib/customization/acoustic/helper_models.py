"""The custom language model that helps to train an acoustic one: whether it can, and which training of it."""

from __future__ import annotations

from chalicelib.customization.statuses import ModelStatus
from chalicelib.storage.conditional import Action
from chalicelib.storage.tables import AcousticModel, LanguageModel


def obstacle(model: AcousticModel, helper: LanguageModel, base_version: str) -> str | None:
    """Return why a language model cannot help a run on a base version, for the user; None: it can."""
    if helper.base_model_name != model.base_model_name:
        return (
            f"Custom language model '{helper.customization_id}' is built on {helper.base_model_name}, "
            f"but the custom acoustic model on {model.base_model_name}: both need the same base model."
        )
    if helper.status != ModelStatus.AVAILABLE:
        return (
            f"Custom language model '{helper.customization_id}' is '{helper.status}', but it must be "
            "'available' to help in training. Train it first."
        )
    if base_version not in helper.artefacts:
        trained = "' and '".join(helper.artefacts)
        return (
            f"Custom language model '{helper.customization_id}' is trained on '{trained}', "
            "but the custom acoustic model is to be trained on "
            f"'{base_version}': upgrade both to the same version of the base model."
        )
    return None


def claimed(helper: LanguageModel | None, base_version: str) -> list[Action]:
    """Return what the row of an acoustic model keeps of the helper of the run that begins."""
    if helper is None:
        return [AcousticModel.run_helper.remove(), AcousticModel.run_helper_run.remove()]
    run, _ = helper.artefacts[base_version]
    return [
        AcousticModel.run_helper.set(helper.customization_id),
        AcousticModel.run_helper_run.set(run),
    ]


def kept(model: AcousticModel) -> list[Action]:
    """Return what the row keeps of the helper of a run that has succeeded."""
    if not model.run_helper:
        return [AcousticModel.trained_helper.remove(), AcousticModel.trained_helper_run.remove()]
    return [
        AcousticModel.trained_helper.set(model.run_helper),
        AcousticModel.trained_helper_run.set(model.run_helper_run),
    ]


def same_as_trained(model: AcousticModel, helper: LanguageModel | None, base_version: str) -> bool:
    """Tell whether the last successful run had the same help."""
    if helper is None:
        return model.trained_helper is None
    if base_version not in helper.artefacts:
        return False
    run, _ = helper.artefacts[base_version]
    return (model.trained_helper, model.trained_helper_run) == (helper.customization_id, run)
