"""Real telephone speech with transcripts for all tests that need any; where it cannot be had, they are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.demo.prompts import Prompt, PromptsUnavailable, fetch_prompts

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def prompts() -> list[Prompt]:
    """The telephone prompts, sorted by name."""
    try:
        return fetch_prompts(ROOT / ".attune" / "prompts")
    except PromptsUnavailable as reason:
        pytest.skip(f"real telephone prompts cannot be had here: {reason}")


@pytest.fixture(scope="session")
def prompt_named(prompts: list[Prompt]) -> dict[str, Prompt]:
    """The telephone prompts by their names."""
    return {prompt.name: prompt for prompt in prompts}
