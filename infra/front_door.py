"""`python -m infra.front_door`: the gateway before the deployed API function, as its container runs it."""

from __future__ import annotations

import os
import sys

import boto3
import uvicorn
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.gateway import application
from chalicelib.gateway.asgi import Application
from chalicelib.settings import SettingsError
from chalicelib.storage import internal_secret
from infra.serving import http_server
from infra.serving.lambda_backend import LambdaBackend

API_FUNCTION_VARIABLE = "ATTUNE_API_FUNCTION"
PORT = 8080
_FUNCTION_TIMEOUT_S = 900
"""The API function's own: whoever gives up earlier leaves it at work for nobody."""
_CALLS_AT_ONCE = 96
"""At least as many as the gateway's threads that call the API."""
DRAIN_S = 110
"""ECS ends a task 120 s after it was told to stop; before, it keeps its connections for 15 minutes."""


class Misconfigured(Exception):
    """A variable is missing; the message is for the operator."""


def gateway() -> Application:
    """Return the gateway before the API function that the environment names.

    Raises:
        Misconfigured: the environment names none, or no internal secret can be had.
    """
    function = os.environ.get(API_FUNCTION_VARIABLE)
    if not function:
        raise Misconfigured(f"environment variable {API_FUNCTION_VARIABLE} is not set")
    try:
        internal_secret.sign(b"")
    except (SettingsError, ClientError, BotoCoreError) as reason:
        raise Misconfigured(f"the internal secret cannot be read: {reason}") from reason
    # The settings are checked as a whole, but nobody trains here.
    os.environ.setdefault("ATTUNE_TRAINING_IMAGE", "unused by the front door")
    os.environ.setdefault("ATTUNE_TRAINING_ROLE_ARN", "unused by the front door")
    # The load balancer alone can reach the container.
    os.environ.setdefault("ATTUNE_PROXIES", "0.0.0.0/0 ::/0")
    import app

    client = boto3.client(
        "lambda",
        config=Config(
            read_timeout=_FUNCTION_TIMEOUT_S + 10,
            max_pool_connections=_CALLS_AT_ONCE,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        ),
    )
    return application.build(LambdaBackend(client, function, app.app.routes), ready=lambda: True)


def main() -> int:
    """Serve until SIGTERM; returns the exit status."""
    try:
        served = gateway()
    except Misconfigured as reason:
        print(f"attune: {reason}", file=sys.stderr)
        return 2
    # In a container of its own, which the load balancer alone can reach.
    config = http_server.config(served, host="0.0.0.0", port=PORT, drain_s=DRAIN_S)  # noqa: S104
    uvicorn.Server(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
