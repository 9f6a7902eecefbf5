"""Versions of custom acoustic models: what trainings have left, and which one is in use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.customization import acoustic_models, limits
from chalicelib.customization.acoustic import kept_versions
from chalicelib.customization.errors import NoReport
from chalicelib.customization.reports import report_difference, report_summary
from chalicelib.customization.reports.training_result import TrainingResult
from chalicelib.evaluation import evaluations
from chalicelib.jobs import recognition_jobs
from chalicelib.storage import layout, objects
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.tables import AcousticModel, watson_time

routes = Routes()

_VERSIONS = "/acoustic_customizations/{customization_id}/versions"
_VERSION = f"{_VERSIONS}/{{version}}"
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)

USERS: tuple[Callable[[str, str], bool], ...] = (recognition_jobs.needs, evaluations.needs)
"""Tell whether something of an owner that goes on needs the artefact under a key. Rooms add theirs here."""


@routes.route("GET", _VERSIONS)
def list_versions(call: Call, customization_id: str) -> dict[str, Any]:
    """List the versions, newest first."""
    model = acoustic_models.get(call.owner, customization_id)
    return {"versions": [shown(model, version) for version in kept_versions.of_model(model)]}


@routes.route("GET", _VERSION)
def get_version(call: Call, customization_id: str, version: str) -> dict[str, Any]:
    """Show one version, with the evaluations in which it was measured or compared."""
    model, found = _found(call, customization_id, version)
    key = layout.adapted_model_key(model.owner, model.customization_id, found.version)
    measured = [
        {"evaluation_id": row.evaluation_id, "name": row.name, "status": row.status}
        for row in evaluations.with_artefact(model.owner, key)
    ]
    return {**shown(model, found), "evaluations": measured}


@routes.route("PUT", _VERSION)
def label_version(call: Call, customization_id: str, version: str) -> dict[str, Any]:
    """Give a version a label."""
    number = _number(version)
    fields = parameters.json_object(call.body)
    if "label" not in fields:
        raise BadRequest("Required parameter 'label' is missing")
    label = parameters.optional_text(fields, "label", limits.LABEL_CHARACTERS)
    model = kept_versions.label(call.owner, customization_id, number, label)
    answer = shown(model, kept_versions.get(model, number))
    return parameters.with_unknown_fields(answer, fields, ("label",))


@routes.route("POST", f"{_VERSION}/activate")
def activate_version(call: Call, customization_id: str, version: str) -> dict[str, Any]:
    """Let recognition use a version from now on."""
    number = _number(version)
    model = kept_versions.choose(call.owner, customization_id, number)
    return shown(model, kept_versions.get(model, number))


@routes.route("GET", f"{_VERSION}/report")
def get_version_report(call: Call, customization_id: str, version: str) -> Any:
    """Show the training report of a version."""
    model, found = _found(call, customization_id, version)
    return report(model, found.version)


@routes.route("GET", f"{_VERSION}/difference")
def get_version_difference(call: Call, customization_id: str, version: str) -> dict[str, Any]:
    """Compare the report of a version with that of another one."""
    asked = parameters.text(call, "from")
    if asked is None:
        raise BadRequest("Required parameter 'from' is missing: the number of the version to compare with")
    model, found = _found(call, customization_id, version)
    other = kept_versions.get(model, _number(asked, "parameter 'from'"))
    before, after = ((one.version, _report(model, one.version)) for one in (other, found))
    return report_difference.difference(before, after)


@routes.route("DELETE", _VERSION)
def delete_version(call: Call, customization_id: str, version: str) -> dict[str, Any]:
    """Remove a version that is not the current one."""
    kept_versions.remove(
        call.owner,
        customization_id,
        _number(version),
        in_use=lambda key: any(needs(call.owner, key) for needs in USERS),
    )
    return {}


def report(model: AcousticModel, run: int) -> dict[str, Any]:
    """Return the report of a run with its summary.

    Raises:
        NoReport: there is none.
    """
    found = _report(model, run)
    return {"summary": report_summary.summary(found), **found}


def shown(model: AcousticModel, version: KeptVersion) -> dict[str, Any]:
    """Return what a client sees of a version; without what is not known of it."""
    result = TrainingResult.from_figures(version.figures)
    more = {
        "label": version.label,
        "bytes": version.size_bytes,
        "alpha": result.alpha,
        "result": result.words,
        "versions_removed": list(version.removed) or None,
    }
    return {
        "version": version.version,
        "created": watson_time(version.created),
        "current": version.version == model.promoted_run,
        "base_model_version": version.base_version,
        **{name: value for name, value in more.items() if value is not None},
    }


def _report(model: AcousticModel, run: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(
            objects.get(layout.report_key(model.owner, model.customization_id, run))
        )
    except objects.ObjectNotFound:
        raise NoReport(model.customization_id) from None
    return found


def _found(call: Call, customization_id: str, version: str) -> tuple[AcousticModel, KeptVersion]:
    model = acoustic_models.get(call.owner, customization_id)
    return model, kept_versions.get(model, _number(version))


def _number(text: str, what: str = "the version") -> int:
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"Invalid value '{text[:60]}' for {what}: it must be a whole number of at least 1.")
    return int(text)
