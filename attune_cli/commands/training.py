"""`attune status`, `train`, `report`: how a custom acoustic model learns."""

from __future__ import annotations

from typing import Any

import click

from attune_cli import custom_models, following
from attune_cli.client import LONG_PATIENCE_S, PATIENCE_S, Service, path
from attune_cli.custom_models import ACOUSTIC, LANGUAGE
from attune_cli.errors import Busy, CommandError, NothingFound
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import Screen, counted, described, minutes

_FIELDS = {
    "name": "name",
    "customization_id": "id",
    "base_model_name": "base",
    "status": "status",
    "progress": "progress",
    "stage": "stage",
    "time_left": "time left",
    "error": "error",
    "audio": "audio",
    "version": "version",
    "result": "result",
    "retrain_after_minutes": "trains after",
    "description": "for",
    "updated": "updated",
}


@click.command()
@click.argument("model", required=False)
@click.option("--watch", is_flag=True, help="Stay until it is at rest; the exit status says how it went.")
@click.option("--language-model", is_flag=True, help="A custom language model.")
@invoked
def status(invocation: Invocation, model: str | None, watch: bool, language_model: bool) -> None:
    """Show what a custom model has, and what it is doing."""
    service = invocation.service(LONG_PATIENCE_S if watch else PATIENCE_S)
    kind = LANGUAGE if language_model else ACOUSTIC
    customization_id = custom_models.found(service, model, kind)
    if watch:
        following.followed(service, customization_id, invocation.screen, kind)
    shown = custom_models.shown(service, customization_id, kind)
    _show(service, shown, invocation.screen, kind)
    if watch and shown["status"] == "failed":
        raise CommandError(f"{shown['name']!r} has failed: {shown.get('error', 'no reason is given')}")


@click.command()
@click.argument("model", required=False)
@click.option("--watch", is_flag=True, help="Stay until it is trained, and say what it has learned.")
@click.option(
    "--strict/--no-strict", default=True, help="Refuse to train while audio is invalid; the default."
)
@click.option("--with", "helper", metavar="MODEL", help="A custom language model that helps.")
@click.option("--cancel", is_flag=True, help="Stop the training that goes on.")
@click.option("--language-model", is_flag=True, help="A custom language model.")
@invoked
def train(
    invocation: Invocation,
    *,
    model: str | None,
    watch: bool,
    strict: bool,
    helper: str | None,
    cancel: bool,
    language_model: bool,
) -> None:
    """Train a custom acoustic model on its audio, or a custom language model on its texts and words.

    What it was trained to before keeps serving until the training has ended.
    """
    screen = invocation.screen
    service = invocation.service(LONG_PATIENCE_S if watch else PATIENCE_S)
    kind = LANGUAGE if language_model else ACOUSTIC
    customization_id = custom_models.found(service, model, kind)
    if cancel:
        service.call("DELETE", path(kind, customization_id, "train"))
        screen.show(
            {"customization_id": customization_id, "cancelled": True}, "The training is being stopped."
        )
        return
    helper_id = custom_models.found(service, helper, LANGUAGE) if helper else None
    answer = service.call(
        "POST",
        path(kind, customization_id, "train"),
        query={"strict": None if strict else "false", "custom_language_model_id": helper_id},
        accepted=frozenset({409}),
    )
    before = custom_models.shown(service, customization_id, kind)
    if answer.status == 409 and not (before["status"] in following.RUNNING and (watch or answer.uncertain)):
        raise Busy(
            f"{before['name']!r} is busy: it is {before['status']}.",
            "`attune status --watch` tells when it is at rest; `attune train --watch` follows a training.",
            409,
        )
    for warning in (answer.document or {}).get("warnings", ()):
        screen.warn(str(warning.get("message", warning)))
    if not watch:
        screen.show(before, f"{before['name']!r} is {before['status']}. Follow it: attune status --watch")
        return
    after = following.followed(service, customization_id, screen, kind)
    if after["status"] == "failed":
        raise CommandError(
            f"The training of {after['name']!r} has failed: {after.get('error', 'no reason is given')}"
        )
    if after["status"] != "available":
        raise CommandError(
            f"The training of {after['name']!r} has ended without a result: it is {after['status']}."
        )
    learned = after.get("result") or ("" if language_model else _summary(service, customization_id))
    screen.show(after, f"{after['name']!r} is trained. {learned}".rstrip())


@click.command()
@click.argument("model", required=False)
@click.option("--version", type=int, help="The report of an earlier version; `attune versions` lists them.")
@invoked
def report(invocation: Invocation, model: str | None, version: int | None) -> None:
    """Say what the last training learned from, what it left out, and what it brought."""
    service = invocation.service()
    customization_id = custom_models.found(service, model)
    of_version = ("versions", str(version)) if version is not None else ()
    answer = service.get(path(ACOUSTIC, customization_id, *of_version, "report"))
    text = _sentences(answer)
    left_out = answer.get("left_out") or ()
    if left_out:
        lines = [
            f"  {' '.join(filter(None, (one['audio_name'], one.get('member'))))}: {one['reason']}"
            for one in left_out[:20]
        ]
        more = f"\n  … and {len(left_out) - 20} more (--json has all)" if len(left_out) > 20 else ""
        text += "\n\nLeft out:\n" + "\n".join(lines) + more
    invocation.screen.show(answer, text)


def _summary(service: Service, customization_id: str) -> str:
    try:
        return _sentences(service.get(path(ACOUSTIC, customization_id, "report")))
    except NothingFound:
        return ""  # services other than Attune have no report


def _sentences(report_: dict[str, Any]) -> str:
    return " ".join(str(sentence) for sentence in report_.get("summary") or ())


def _show(service: Service, model: dict[str, Any], screen: Screen, kind: str) -> None:
    shown: dict[str, Any] = dict(model)
    if kind == ACOUSTIC:
        listing = service.get(path(ACOUSTIC, model["customization_id"], "audio"))
        shown["total_minutes_of_audio"] = listing["total_minutes_of_audio"]
        shown["audio"] = listing["audio"]
    text = dict(shown)
    text["progress"] = f"{model['progress']} %"
    text["time_left"] = minutes(model["seconds_left"]) if model.get("seconds_left") else ""
    text["retrain_after_minutes"] = (
        f"{model['retrain_after_minutes']} new minutes of audio" if model.get("retrain_after_minutes") else ""
    )
    if kind == ACOUSTIC:
        text["audio"] = _audio(listing)
    screen.show(shown, described(text, _FIELDS))


def _audio(listing: dict[str, Any]) -> str:
    audio = listing["audio"]
    if not audio:
        return "none"
    text = f"{minutes(60 * float(listing['total_minutes_of_audio']))} in {counted(len(audio), 'upload')}"
    for status_, words in (("being_processed", "being looked at"), ("invalid", "cannot be used")):
        names = [str(one["name"]) for one in audio if one["status"] == status_]
        if names:
            text += f"; {words}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
    return text


COMMANDS = (status, train, report)
