"""Lets an operator's command speak to the store of the service that runs on a folder of this machine."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import botocore.session

from infra import resources
from infra.local import environment
from infra.local.home import Home

HOME_VARIABLE = "ATTUNE_HOME"


class NotRunning(Exception):
    """No service runs on the folder; the message is for the operator."""


def join_if_named() -> bool:
    """Join the service that `ATTUNE_HOME` names, if it is set; False: none can be, and that was said."""
    named = os.environ.get(HOME_VARIABLE)
    try:
        if named:
            join(Home(Path(named).absolute()))
        elif botocore.session.get_session().get_config_variable("region") is None:
            print(
                f"attune: No service is named. For that of 'make run' set {HOME_VARIABLE}=.attune; "
                "for one on AWS set AWS_REGION and ATTUNE_TABLE_PREFIX, as docs/aws.md says.",
                file=sys.stderr,
            )
            return False
    except NotRunning as error:
        print(f"attune: {error}", file=sys.stderr)
        return False
    return True


def join(home: Home) -> None:
    """Set this process's environment to that of the service's own processes.

    Raises:
        NotRunning: no service runs on that folder.
    """
    if not _is_locked(home.path / "lock") or not home.store_url.exists():
        raise NotRunning(
            f"No service runs on {home.path}. Start it there with 'make run', or name its folder with "
            f"{HOME_VARIABLE}; without {HOME_VARIABLE} the store is the one that AWS_* variables name."
        )
    declared = resources.load(parameters={"TrainingImage": "local", "EngineLayer": "local"})
    own = environment.own(home, declared, home.store_url.read_text(), *home.emulators())
    os.environ.clear()
    os.environ.update({name: value for name, value in own.items() if value})


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
