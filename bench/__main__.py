"""`python -m bench [NAME [ARGUMENTS]]`: runs one bench, or each in turn."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench

SUPPORTING = frozenset(
    {
        "__main__",
        "conditions",
        "conversations",
        "figures",
        "foreign",
        "null_decoder",
        "one_process",
        "recordings",
        "reference_whisper",
        "training_job",
        "word_times",
    }
)

BY_NAME_ONLY = frozenset({"ablations", "api_against", "faults", "soak"})
"""Take hours, or another checkout: of use to those alone who choose defaults, or ask what lasts or got faster."""


def main(argv: list[str]) -> int:
    """Run what the command line names; returns the exit status."""
    names = sorted({module.name for module in pkgutil.iter_modules(bench.__path__)} - SUPPORTING)
    if argv and argv[0] not in names:
        print(f"python -m bench [NAME [ARGUMENTS]], where NAME is one of: {', '.join(names)}")
        return 2
    chosen, arguments = ([argv[0]], argv[1:]) if argv else (sorted(set(names) - BY_NAME_ONLY), [])
    status = 0
    for name in chosen:
        print(f"== {name}", flush=True)
        module = importlib.import_module(f"bench.{name}")
        status = max(status, int(module.main(arguments)))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
