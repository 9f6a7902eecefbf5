"""`attune test-sets`, `evaluate`, `evaluations`: how good models are, with transcripts and without."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from attune_cli import custom_models
from attune_cli.client import LONG_PATIENCE_S, Service, path
from attune_cli.commands.transcribing import chosen
from attune_cli.errors import CommandError, NothingFound, Partly, WrongUsage
from attune_cli.evaluation_text import summary
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import Screen, counted, minutes, size, table
from attune_cli.upload import direct
from attune_cli.upload.parcels import FileBody
from attune_cli.upload.recordings import LARGEST_BYTES, content_type_of

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_WORKING = frozenset({"waiting", "processing"})


@click.group("test-sets", invoke_without_command=True)
@click.pass_context
@invoked
def test_sets(invocation: Invocation, context: click.Context) -> None:
    """Recordings with transcripts, that models are measured on; alone it lists them."""
    if context.invoked_subcommand is not None:
        return
    found = invocation.service().get(path("test_sets"))
    rows = [
        (one.get("name", ""), one["status"], one.get("utterances", ""), _length(one), one["test_set_id"])
        for one in found["test_sets"]
    ]
    invocation.screen.show(found, table(("name", "status", "utterances", "length", "id"), rows))


@test_sets.command("add")
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="FOLDER|ARCHIVE")
@click.option("--name", help="What to call it; the file's name unless given.")
@invoked
def add_test_set(invocation: Invocation, source: Path, name: str | None) -> None:
    """Upload recordings with their transcripts.

    A .txt beside each recording, or tables (CSV, TSV, JSONL, STM): in a folder, a zip or a .tar.gz.
    """
    service = invocation.service(LONG_PATIENCE_S)
    with _archive(source) as (file, content_type):
        file.seek(0, 2)
        total_bytes = file.tell()
        if total_bytes > LARGEST_BYTES:
            raise CommandError(f"{source} is larger than 100 MB.", "Divide it into several test sets.")
        with invocation.screen.bar(f"Sending {size(total_bytes)}", total_bytes, of_bytes=True) as bar:

            def body() -> FileBody:
                bar.at(0)
                return FileBody(file, bar.advance)

            headers = {"Content-Type": content_type}
            with direct.uploaded(service, file, headers, None, body) as upload_id:
                answer = service.call(
                    "POST",
                    path("test_sets"),
                    query={"name": name or source.name.partition(".")[0], "upload": upload_id},
                    body=body if upload_id is None else None,
                    headers=headers,
                ).document
    shown = _settled(service, path("test_sets", answer["test_set_id"]), "processing", invocation.screen)
    findings = shown.get("findings") or ()
    for finding in findings:
        invocation.screen.warn(_finding(finding))
    if shown["status"] == "invalid":
        raise CommandError(
            f"The test set cannot be used: {shown.get('error') or 'see above.'}",
            "Correct it and add it again.",
        )
    words = f"{shown.get('name', '')!r}: {counted(int(shown.get('utterances') or 0), 'utterance')}"
    invocation.screen.show(shown, f"{words} of {_length(shown)}. Id {shown['test_set_id']}")
    if findings:
        raise Partly(
            f"{counted(len(findings), 'fault')} in it, see above: what is concerned was left out.",
            "To use that too, correct it, add all again, and delete this one: "
            f"attune test-sets delete {shown['test_set_id']}",
        )


@test_sets.command("delete")
@click.argument("test_set")
@invoked
def delete_test_set(invocation: Invocation, test_set: str) -> None:
    """Remove a test set."""
    service = invocation.service()
    test_set_id = _test_set(service, test_set)
    service.call("DELETE", path("test_sets", test_set_id))
    invocation.screen.show({"test_set_id": test_set_id, "deleted": True}, "Deleted.")


@click.command()
@click.option("--tests", metavar="TEST_SET", help="Name or id of a test set.")
@click.option(
    "--model", "-m", "models", multiple=True, help="A base or custom model, of a version as NAME@2; 1 to 4."
)
@click.option(
    "--held-out", metavar="MODEL", help="No transcripts: what a custom model changes in audio it never heard."
)
@click.option("--audio", metavar="NAME", multiple=True, help="No transcripts: audio resources of --of.")
@click.option("--of", "audio_of", metavar="MODEL", help="The custom model whose audio --audio names.")
@click.option("--name", help="What to call the evaluation.")
@click.option("--show", metavar="ID", help="Show an evaluation again; nothing is started.")
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture (SVG) to this file."
)
@click.option(
    "--worst", type=click.IntRange(0), default=5, show_default=True, help="How many utterances to show."
)
@click.option("--wait/--no-wait", default=True, help="Wait for the result; the default.")
@invoked
def evaluate(
    invocation: Invocation,
    *,
    tests: str | None,
    models: tuple[str, ...],
    held_out: str | None,
    audio: tuple[str, ...],
    audio_of: str | None,
    name: str | None,
    show: str | None,
    picture: Path | None,
    worst: int,
    wait: bool,
) -> None:
    """Compare models: word errors on a test set, or without transcripts the sentences that change.

    \b
    attune evaluate --tests calls -m en-US_NarrowbandModel -m "Our line"
    attune evaluate --held-out "Our line"
    """
    service = invocation.service(LONG_PATIENCE_S if wait else 60)
    if show is None:
        wanted = _wanted(
            service, tests=tests, models=models, held_out=held_out, audio=audio, audio_of=audio_of
        )
        answer = service.post(path("evaluations"), wanted | ({"name": name} if name else {}))
        evaluation_id = str(answer["evaluation_id"])
        if not wait:
            invocation.screen.show(answer, f"{evaluation_id}\nLater: attune evaluate --show {evaluation_id}")
            return
    else:
        evaluation_id = show
    shown = _settled(service, path("evaluations", evaluation_id), "", invocation.screen) if wait else None
    shown = shown or service.get(path("evaluations", evaluation_id))
    if shown["status"] == "failed":
        raise CommandError(f"The evaluation has failed: {shown.get('error', 'no reason is given')}")
    if picture is not None and shown["status"] == "completed":
        drawn = service.call("GET", path("evaluations", evaluation_id, "picture"))
        picture.write_bytes(drawn.content)
        invocation.screen.note(f"The picture is in {picture}.")
    invocation.screen.show(shown, summary(shown, worst))


@click.command()
@click.option("--delete", "deleted", metavar="ID", help="Remove an evaluation.")
@invoked
def evaluations(invocation: Invocation, deleted: str | None) -> None:
    """List evaluations."""
    service = invocation.service()
    if deleted:
        service.call("DELETE", path("evaluations", deleted))
    found = service.get(path("evaluations"))
    rows = [
        (
            one.get("name") or " | ".join(model["label"] for model in one.get("models", ())),
            one["status"],
            str(one.get("created", ""))[:16].replace("T", " "),
            one["evaluation_id"],
        )
        for one in found["evaluations"]
    ]
    invocation.screen.show(found, table(("name", "status", "made", "id"), rows))


def _wanted(
    service: Service,
    *,
    tests: str | None,
    models: tuple[str, ...],
    held_out: str | None,
    audio: tuple[str, ...],
    audio_of: str | None,
) -> dict[str, Any]:
    """Return the body of a new evaluation."""
    if sum((tests is not None, held_out is not None, bool(audio))) != 1:
        raise WrongUsage(
            "What is it to be measured on?", "Give one of --tests, --held-out, and --audio with --of."
        )
    compared = [_model(service, one) for one in models]
    if tests is not None:
        if not compared:
            raise WrongUsage("Which models are to be compared?", "Name each with --model.")
        return {"test_set_id": _test_set(service, tests), "models": compared}
    if compared and len(compared) != 2:
        raise WrongUsage("Without transcripts two models are compared.", "Name two by --model, or none.")
    customization_id = custom_models.found(service, held_out or audio_of)
    wanted: dict[str, Any] = {"models": compared} if compared else {}
    if held_out is not None:
        return wanted | {"acoustic_customization_id": customization_id, "held_out": True}
    return wanted | {"audio": {"acoustic_customization_id": customization_id, "audio_names": list(audio)}}


def _model(service: Service, text: str) -> dict[str, Any]:
    name, _, version = text.rpartition("@")
    if not version.isdigit():
        name, version = text, ""
    found: dict[str, Any] = dict(chosen(service, name, None, int(version) if version else None))
    if version:
        found["acoustic_customization_version"] = int(version)
    return found


def _test_set(service: Service, named: str) -> str:
    listed = service.get(path("test_sets"))["test_sets"]
    fitting = [one for one in listed if named in (one["test_set_id"], one.get("name"))]
    if len(fitting) != 1:
        there = ", ".join(f"{one.get('name')!r} ({one['test_set_id']})" for one in (fitting or listed)[:8])
        number = "No test set is" if not fitting else f"{len(fitting)} test sets are"
        way = f"There are {there}." if there else "Add one: attune test-sets add FOLDER"
        raise (WrongUsage if fitting else NothingFound)(f"{number} called {named!r}.", way)
    return str(fitting[0]["test_set_id"])


def _settled(service: Service, where: str, working: str, screen: Screen) -> dict[str, Any]:
    """Wait until a test set or an evaluation is at rest."""
    pause_s = _FIRST_PAUSE_S
    states = frozenset({working}) if working else _WORKING
    with screen.bar("Evaluating" if not working else "The service looks at it", 100.0) as bar:
        while True:
            shown: dict[str, Any] = service.get(where)
            if shown["status"] not in states:
                return shown
            bar.at(float(shown.get("progress") or 0))
            service.pause(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 1.3 * pause_s)


@contextmanager
def _archive(source: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Open an archive, or pack a folder into one."""
    if source.is_file():
        with source.open("rb") as file:
            content_type = content_type_of(file.read(16))
            if content_type not in ("application/zip", "application/gzip"):
                raise CommandError(f"{source} is no archive.", "Give a folder, a zip or a .tar.gz.")
            yield file, content_type
        return
    with tempfile.TemporaryFile() as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
            for file_ in sorted(source.rglob("*")):
                if file_.is_file() and not file_.name.startswith("."):
                    packed.write(file_, file_.relative_to(source).as_posix())
        yield made, "application/zip"


def _length(shown: dict[str, Any]) -> str:
    return minutes(float(shown["duration"])) if shown.get("duration") is not None else ""


def _finding(finding: dict[str, Any]) -> str:
    line = f", line {finding['line']}" if finding.get("line") else ""
    return (
        f"{finding['file']}{line}: {finding['message']}" if finding.get("file") else str(finding["message"])
    )


COMMANDS = (test_sets, evaluate, evaluations)
