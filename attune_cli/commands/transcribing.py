"""`attune transcribe`: transcribes recordings."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Literal

import click

from attune_cli import captions, custom_models
from attune_cli.client import LONG_PATIENCE_S, Service, path
from attune_cli.custom_models import LANGUAGE
from attune_cli.errors import CommandError, Partly, WrongUsage
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import counted
from attune_cli.upload import direct
from attune_cli.upload.parcels import FileBody
from attune_cli.upload.recordings import content_type_of

JOB_FROM_BYTES = 8_000_000
"""Larger files are recognised by a job: minutes of audio need no connection that stays open so long."""
_LARGEST_JOB_BYTES = 1_000_000_000
_JOB_MINUTES = 60
_LONGEST_PAUSE_S = 5.0


def chosen(
    service: Service, model: str | None, language_model: str | None, version: int | None
) -> dict[str, str]:
    """Return the query for what the user calls the model: a base model, or a custom model by name or id.

    Raises:
        NotFound: there is no such model.
    """
    query: dict[str, str] = {}
    base_models = {one["name"] for one in service.get(path("models"))["models"]} if model else set()
    custom = custom_models.named(service, model) if model and model not in base_models else None
    if model and custom is None:
        if model not in base_models:
            service.get(path("models", model))  # an alias, or the refusal that names the way out
        query["model"] = model
    if custom is not None:
        kind, found = custom
        query["model"] = found["base_model_name"]
        name = "language_customization_id" if kind == LANGUAGE else "acoustic_customization_id"
        query[name] = found["customization_id"]
    if version is not None:
        if "acoustic_customization_id" not in query:
            raise WrongUsage("--version is one of a custom acoustic model.", "Name that by --model.")
        query["acoustic_customization_version"] = str(version)
    if language_model:
        language_id = custom_models.found(service, language_model, LANGUAGE)
        query["language_customization_id"] = language_id
        query.setdefault("model", custom_models.shown(service, language_id, LANGUAGE)["base_model_name"])
    return query


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--model", "-m", help="A base model, or a custom model by name or id.")
@click.option("--language-model", help="A custom language model beside it.")
@click.option("--version", type=int, help="An earlier version of the custom acoustic model.")
@click.option(
    "--format", "-f", "form", type=click.Choice(captions.FORMATS), default=None, help="txt unless given."
)
@click.option(
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), help="A folder for the results."
)
@click.option(
    "--type",
    "content_type",
    metavar="TYPE",
    help="What a file without a header is, as 'audio/l16;rate=8000'.",
)
@click.option("--spoken", is_flag=True, help="Words as they are spoken: no capitals, no punctuation.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Any parameter of recognition."
)
@click.option(
    "--parallel", type=click.IntRange(1, 16), default=2, show_default=True, help="How many at once."
)
@invoked
def transcribe(
    invocation: Invocation,
    *,
    files: tuple[str, ...],
    model: str | None,
    language_model: str | None,
    version: int | None,
    form: str | None,
    output: Path | None,
    content_type: str | None,
    spoken: bool,
    options: tuple[str, ...],
    parallel: int,
) -> None:
    """Write down what is said in files; `-` is standard input.

    Large files are recognised by jobs. With --output each result becomes a file there, and files that have
    one already are passed over: so a long list goes on where it stopped.
    """
    form = form or ("json" if invocation.screen.as_json else "txt")
    if len(files) > 1 and output is None and form not in ("txt", "json"):
        raise WrongUsage(
            f"Several files as {form} would run into each other.", "Name a folder for them: --output FOLDER"
        )
    service = invocation.service(LONG_PATIENCE_S)
    query = chosen(service, model, language_model, version)
    query |= {"timestamps": "true"} | ({} if spoken else {"written": "true"})
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise WrongUsage(f"{option!r} is no NAME=VALUE.", "For instance --option smart_formatting=true")
        query[name] = value
    if output is not None:
        _check_distinct(output, files, form)
    todo = [file for file in files if output is None or not _target(output, file, form).exists()]
    if len(todo) < len(files):
        invocation.screen.note(f"{counted(len(files) - len(todo), 'result')} there already.")
    failed = []
    with invocation.screen.bar(f"Transcribing {counted(len(todo), 'file')}", len(todo)) as bar:
        pool = ThreadPoolExecutor(parallel)
        try:
            futures = [pool.submit(_transcribed, service, file, query, content_type) for file in todo]
            for file, future in zip(todo, futures, strict=True):
                try:
                    document = future.result()
                except CommandError as error:
                    if len(files) == 1:
                        raise
                    failed.append(file)
                    invocation.screen.warn(f"{file}: {error} {error.way_out}".rstrip())
                else:
                    _deliver(invocation, file, document, form, output, several=len(files) > 1)
                bar.advance(1)
        except BaseException:
            service.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if failed:
        raise Partly(f"{counted(len(failed), 'file')} of {len(files)} could not be recognised, see above.")


def _transcribed(
    service: Service, file: str, query: dict[str, str], content_type: str | None
) -> dict[str, Any]:
    """Return the results of one file."""
    source: IO[bytes]
    try:
        source = io.BytesIO(sys.stdin.buffer.read()) if file == "-" else Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    with source:
        head = source.read(16)
        size_bytes = source.seek(0, 2)
        detected = content_type_of(head)
        if size_bytes > _LARGEST_JOB_BYTES:
            raise CommandError(
                f"{file} is larger than 1 GB.", "Split it, or convert it: ffmpeg -i FILE FILE.flac"
            )
        if detected in ("application/zip", "application/gzip"):
            raise CommandError(f"{file} is an archive.", "Unpack it, and name the recordings.")
        if content_type is None and detected is None:
            raise CommandError(
                f"{file} is no audio by its first bytes.",
                "Name what it is with --type, as 'audio/l16;rate=8000', or convert it: ffmpeg -i FILE F.flac",
            )
        headers = {"Content-Type": content_type or str(detected)}
        if size_bytes < JOB_FROM_BYTES:
            return dict(_asked(service, "recognize", query, source, headers))
        query = query | {"results_ttl": str(_JOB_MINUTES)}
        return _done(service, _asked(service, "recognitions", query, source, headers))


def _asked(
    service: Service,
    what: Literal["recognize", "recognitions"],
    query: dict[str, str],
    source: IO[bytes],
    headers: dict[str, str],
) -> Any:
    body = _opener(source)
    purpose: direct.Purpose = "recognition" if what == "recognize" else "job"
    with direct.uploaded(service, source, headers, purpose, body) as upload_id:
        return service.call(
            "POST",
            path(what),
            query={**query, "upload": upload_id},
            body=body if upload_id is None else None,
            headers=headers,
        ).document


def _opener(source: IO[bytes]) -> Callable[[], FileBody]:
    return lambda: FileBody(source, lambda sent: None)


def _done(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    """Return what a job has found, when it has; the job goes."""
    pause_s = 0.5
    while job["status"] not in ("completed", "failed"):
        service.pause(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, 1.5 * pause_s)
        job = service.get(path("recognitions", job["id"]))
    service.call("DELETE", path("recognitions", job["id"]), accepted=frozenset({400, 404}))
    if job["status"] == "failed":
        details = job.get("details") or [{}]
        raise CommandError(str(details[0].get("error", "The job has failed without a reason.")))
    return captions.joined(job["results"])


def _deliver(
    invocation: Invocation,
    file: str,
    document: dict[str, Any],
    form: str,
    output: Path | None,
    *,
    several: bool,
) -> None:
    for warning in document.get("warnings", ()):
        if "written" not in warning:  # asked for by this command, where the service has it
            invocation.screen.warn(f"{file}: {warning}")
    if not document.get("results"):
        invocation.screen.warn(f"{file}: no speech was found.")
    as_json = form == "json"
    if output is not None:
        text = (
            json.dumps(document, ensure_ascii=False, indent=2)
            if as_json
            else captions.rendered(document, form)
        )
        target = _target(output, file, form)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{time.monotonic_ns()}")
        fresh.write_text(f"{text}\n" if text and not text.endswith("\n") else text, encoding="utf-8")
        fresh.replace(target)
        invocation.screen.show({"file": file, "written_to": str(target)}, f"{file} -> {target}")
        return
    if as_json:
        one = {"file": file, **document} if several else document
        invocation.screen.write(json.dumps(one, ensure_ascii=False))
        return
    text = captions.rendered(document, form)
    if several and form == "txt":
        text = f"{file}: {text}" if "\n" not in text else f"{file}:\n{text}"
    if text:
        invocation.screen.write(text)


def _check_distinct(output: Path, files: tuple[str, ...], form: str) -> None:
    targets: dict[Path, str] = {}
    for file in files:
        other = targets.setdefault(_target(output, file, form), file)
        if other != file:
            raise WrongUsage(
                f"{other} and {file} would both be {_target(output, file, form).name}.", "Do one at a time."
            )


def _target(output: Path, file: str, form: str) -> Path:
    name = "standard-input" if file == "-" else Path(file).stem
    return output / f"{name}.{form}"


COMMANDS = (transcribe,)
