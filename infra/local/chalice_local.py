"""`python -m infra.local.chalice_local`: the API under `chalice local`, on the running service's store."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chalice import cli

from infra.local import joining
from infra.local.home import Home
from infra.local.wire import LOOPBACK

_ROOT = Path(__file__).parent.parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until it is stopped; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.chalice_local",
        description="Serve the API by `chalice local` beside a service that runs on the folder ATTUNE_HOME "
        "(.attune): with its keys, models and audio, and the code as it is now.",
    )
    parser.add_argument("--port", type=int, default=8000, help="where to listen, on this machine only")
    options = parser.parse_args(arguments)
    home = Home(Path(os.environ.get(joining.HOME_VARIABLE) or ".attune").absolute())
    try:
        joining.join(home)
    except joining.NotRunning as error:
        print(f"attune: {error}", file=sys.stderr)
        return 1
    url, key = f"http://{LOOPBACK}:{options.port}", home.secret("api-key")
    print(f"The API alone, on {home.path}. Try it:\n\n  curl -u 'apikey:{key}' {url}/v1/models\n", flush=True)
    os.chdir(_ROOT)
    chalice = ["local", "--stage", "prod", "--no-autoreload", "--host", LOOPBACK, "--port", str(options.port)]
    sys.argv = ["chalice", *chalice]
    return int(cli.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
