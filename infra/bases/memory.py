"""Whether this machine has the memory to convert a base, and to serve it."""

from __future__ import annotations

from pathlib import Path

from infra.bases.errors import NotStaged

_CONVERTING, _CONVERTING_BYTES = 2.6, 300 * 1024**2
"""What the conversion takes, of the file's bytes, and beside: it holds the file and three times the weights
in eight bits. Measured with tiny.en: 345 MB for a file of 76 MB."""
_SERVING, _SERVING_BYTES = 0.7, 150 * 1024**2
"""What a process takes that serves it: the weights in eight bits, and room to work."""
_MEMINFO = Path("/proc/meminfo")


def available_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """Return how much memory can be had without anything being ended; None: this system does not say."""
    try:
        lines = meminfo.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def check(weights_bytes: int, free_bytes: int | None) -> None:
    """Refuse weights that this machine cannot convert.

    Args:
        weights_bytes: of the files.
        free_bytes: what `available_bytes` says.

    Raises:
        NotStaged: the memory does not suffice; the message says how much is wanted.
    """
    wanted_bytes = round(_CONVERTING * weights_bytes) + _CONVERTING_BYTES
    served_bytes = round(_SERVING * weights_bytes) + _SERVING_BYTES
    if free_bytes is not None and wanted_bytes > free_bytes:
        raise NotStaged(
            f"the memory does not suffice: weights of {_mib(weights_bytes)} need about {_mib(wanted_bytes)} "
            f"to be converted and {_mib(served_bytes)} to be served, and "
            f"{_mib(free_bytes)} are available. Stop something, take a smaller network, or convert it on a "
            "larger machine and copy the folder of bases"
        )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.0f} MiB"
