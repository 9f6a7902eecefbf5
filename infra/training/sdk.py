"""SageMaker's SDK, which has an environment of its own: imported when a command needs it, and kept quiet."""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from typing import Any

_CONFIGURATION = Path(__file__).with_name("sagemaker-config.yaml")


class SdkMissing(Exception):
    """The SDK is not installed where this runs."""

    def __init__(self) -> None:
        super().__init__(
            "SageMaker's SDK is not installed here. Install it with `make sagemaker`, then run "
            "`.venv-sagemaker/bin/python -m infra.training …`."
        )


def module(name: str) -> Any:
    """Import a module of the SDK by its name below `sagemaker`.

    Raises:
        SdkMissing: there is none.
    """
    # Without a word from the operator the SDK would report each call, and say so at length.
    os.environ.setdefault("SAGEMAKER_USER_CONFIG_OVERRIDE", str(_CONFIGURATION))
    try:
        found = importlib.import_module(f"sagemaker.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "sagemaker":
            raise SdkMissing from None
        raise
    # The SDK's loggers have handlers of their own, whatever the root logger says.
    for logger in ("sagemaker", "sagemaker.core", "sagemaker.config", "sagemaker.train", "botocore"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    return found


def given(value: Any) -> Any:
    """Return a field of one of the SDK's objects, None where the platform did not say it."""
    return None if type(value).__name__ == "Unassigned" else value
