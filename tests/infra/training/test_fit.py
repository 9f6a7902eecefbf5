from __future__ import annotations

from pathlib import Path

import pytest

from infra.training.__main__ import main
from infra.training.fit import InputUnusable, channels


def _laid_out(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


def test_a_prefix_has_the_channels_that_are_named() -> None:
    assert channels("s3://bucket/in/", also=["base"], local=False) == {
        "plan": "s3://bucket/in/plan/",
        "audio": "s3://bucket/in/audio/",
        "base": "s3://bucket/in/base/",
    }


def test_a_folder_has_the_channels_that_lie_there(tmp_path: Path) -> None:
    folder = _laid_out(tmp_path, "plan", "audio", "language", "else")
    (folder / "plan/plan.json").write_text("{}")
    assert channels(str(folder), also=[], local=True) == {
        name: str(folder / name) for name in ("plan", "audio", "language")
    }


@pytest.mark.parametrize(
    ("there", "local", "problem"),
    [
        (("plan", "audio"), False, r"cannot read .* \(aws s3 sync\)"),
        (("audio",), True, "no folder 'plan'"),
        (("plan",), True, "no folder 'audio'"),
        (("plan", "audio"), True, "no plan/plan.json"),
    ],
)
def test_what_a_container_could_not_use_is_refused(
    tmp_path: Path, there: tuple[str, ...], local: bool, problem: str
) -> None:
    with pytest.raises(InputUnusable, match=problem):
        channels(str(_laid_out(tmp_path, *there)), also=[], local=local)


def test_a_job_on_sagemaker_needs_a_role_and_an_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "s3://bucket/in", "--image", "image"]) == 2
    assert "needs --role and --output" in capsys.readouterr().err
