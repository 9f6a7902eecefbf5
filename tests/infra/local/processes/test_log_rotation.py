from __future__ import annotations

import os
from pathlib import Path

from infra.local.processes.log_rotation import rotate


def test_a_long_log_is_put_aside_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    (tmp_path / "short.log").write_text("short\n")
    (tmp_path / "other.txt").write_text("x" * 1000)
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(6):
        os.write(writer, f"{number}\n".encode() * 100)
        rotate(tmp_path, most_bytes=100, kept=3)
    os.write(writer, b"last\n")
    os.close(writer)
    rotate(tmp_path, most_bytes=100, kept=3)
    texts = {path.name: path.read_text()[:4] for path in tmp_path.glob("api*.log")}
    assert texts == {"api.log": "last", "api.1.log": "5\n5\n", "api.2.log": "4\n4\n", "api.3.log": "3\n3\n"}
    assert (tmp_path / "short.log").read_text() == "short\n"
    assert (tmp_path / "other.txt").read_text() == "x" * 1000
