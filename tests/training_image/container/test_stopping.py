"""SIGTERM ends the program soon, whatever it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training_image.container.stopping import EXIT_STATUS

ROOT = Path(__file__).parents[3]
POLITE = """
import sys, time
from training_image.failures import JobStopped
from training_image.container.stopping import EXIT_STATUS, is_stopping, stop_on_sigterm
stop_on_sigterm()
try:
    assert not is_stopping()
    print("ready", flush=True)
    time.sleep(600)
except JobStopped:
    assert is_stopping()
    print("tidied up", flush=True)
    sys.exit(EXIT_STATUS)
"""
DEAF = """
import time
from training_image.container.stopping import stop_on_sigterm
stop_on_sigterm(patience_s=3)
answer = "ready"
while True:
    try:
        print(answer, flush=True)
        time.sleep(600)
    except BaseException:
        answer = "no"
"""


@pytest.mark.parametrize(("script", "said"), [(POLITE, b"tidied up\n"), (DEAF, b"no\n")])
def test_sigterm_ends_the_program(script: str, said: bytes) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == EXIT_STATUS == 143
        assert program.stdout.read() == said
