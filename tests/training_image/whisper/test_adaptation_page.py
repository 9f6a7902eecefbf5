"""The page about adaptation shows the defaults, the guard's limits and the benches that the code has."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict

import pytest

from tests.docs.test_commands import shell_blocks
from tests.running_service import ROOT
from training_image import guard
from training_image.whisper.course import Course

PAGE = (ROOT / "docs" / "adaptation.md").read_text()
CHOICE = re.compile(r"^\| `(\w+)` \| ([\d.]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def test_the_table_of_defaults_is_that_of_the_code() -> None:
    assert dict(CHOICE.findall(PAGE)) == {name: str(value) for name, value in asdict(Course()).items()}


@pytest.mark.parametrize(
    "shown",
    [
        f"{', '.join(f'{alpha:g}' for alpha in guard.ALPHAS[:-1])} and {guard.ALPHAS[-1]:g}",
        f"at most {100 * guard.MOST_ORDINARY_LOSS:g} % more",
        f"at most {guard.MOST_PACE:g} times as many",
        f"it finds {100 * guard.LEAST_SHARE_OF_SURE_WORDS:g} % again",
        f"fewer than {guard.FEWEST_WORDS} words",
        f"fewer than {guard.FEWEST_DIFFERENT_WORDS} different",
    ],
)
def test_the_guard_is_told_as_it_is(shown: str) -> None:
    network = PAGE.partition("## The light engine")[0]
    assert shown in " ".join(network.split())


def test_every_condition_is_measured_by_the_commands_shown() -> None:
    pytest.importorskip("pocketsphinx", reason="the benches measure the light engine as well")
    from bench.conditions import CONDITIONS

    asked = [
        words[words.index("--only") + 1 :]
        for block in shell_blocks("docs/adaptation.md")
        for words in map(shlex.split, block.commands)
        if "--only" in words
    ]
    assert sorted(name for names in asked for name in names) == sorted(CONDITIONS)
