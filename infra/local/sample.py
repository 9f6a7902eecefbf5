"""Audio to try the service with, calls to learn from and one to recognise: `python -m infra.local.sample`."""

from __future__ import annotations

import random
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from infra.local.demo.noisy_line import beside_a_machine
from infra.local.demo.prompts import Prompt, PromptsUnavailable, fetch_prompts

CALLS, CALL = "calls.zip", "call.wav"
LEARNED_S = 10.5 * 60
FEWEST_WORDS = 4
_SEED = 3
_ROOT = Path(__file__).parent.parent.parent


def write(folder: Path, prompts: Sequence[Prompt]) -> list[str]:
    """Write what is not there yet, of prompts as from beside a machine; return what there is to say of it.

    Raises:
        OSError: the folder cannot be written to.
    """
    sentences = [one for one in prompts if len(one.text.split()) >= FEWEST_WORDS]
    random.Random(_SEED).shuffle(sentences)
    call, *others = sentences
    chosen: list[Prompt] = []
    while others and sum(one.duration_s for one in chosen) < LEARNED_S:
        chosen.append(others.pop())
    said: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        if _is_new(folder / CALL, said):
            (noisy,) = beside_a_machine([call], Path(temporary))
            (folder / CALL).write_bytes(noisy.path.read_bytes())
            said.append(f"{CALL}: a recording that {CALLS} does not have; it says: {call.text}")
        if _is_new(folder / CALLS, said):
            with zipfile.ZipFile(folder / CALLS, "w", zipfile.ZIP_DEFLATED) as archive:
                for number, one in enumerate(beside_a_machine(chosen, Path(temporary))):
                    archive.write(one.path, f"{number:03d}.wav")
            minutes = sum(one.duration_s for one in chosen) / 60
            said.append(f"{CALLS}: {len(chosen)} recordings, {minutes:.1f} minutes from beside a machine")
    return said


def _is_new(file: Path, said: list[str]) -> bool:
    if file.exists():
        said.append(f"{file.name} is there already, and stays as it is")
    return not file.exists()


def main() -> int:
    """Write both files into the current folder."""
    try:
        print(
            "Fetching recorded telephone prompts, and putting noise over them: up to a minute ...", flush=True
        )
        prompts = fetch_prompts(_ROOT / ".attune" / "prompts")
        print("\n".join(write(Path.cwd(), prompts)))
    except PromptsUnavailable as reason:
        print(
            f"Take {CALLS} and {CALL} of your own: the prompts cannot be had here ({reason}).",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"The files cannot be written here: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
