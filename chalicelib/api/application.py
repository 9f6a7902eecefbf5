"""What the Chalice application serves over HTTP."""

from __future__ import annotations

from chalice.app import Chalice

from chalicelib.api import (
    callbacks,
    console,
    direct_uploads,
    evaluations,
    identity,
    keys,
    models,
    openapi,
    recognition,
    recognitions,
    test_sets,
    usage,
    user_data,
)
from chalicelib.api.customization import (
    acoustic_audio,
    acoustic_callbacks,
    acoustic_models,
    acoustic_versions,
    language_corpora,
    language_grammars,
    language_models,
    language_words,
)
from chalicelib.api.http.routing import Routes, every_answer, publish
from chalicelib.api.openai import openai_transcriptions


def mount(app: Chalice) -> None:
    """Give the application all routes of the service."""
    # Any upload has to come through API Gateway unharmed, whatever its content type, or without one.
    app.api.binary_types = ["*/*"]
    app.register_middleware(every_answer, "http")
    for resource in (
        console,
        identity,
        keys,
        models,
        acoustic_models,
        acoustic_versions,
        acoustic_callbacks,
        acoustic_audio,
        language_models,
        language_corpora,
        language_words,
        language_grammars,
        direct_uploads,
        recognition,
        recognitions,
        test_sets,
        evaluations,
        openai_transcriptions,
        callbacks,
        usage,
        user_data,
        openapi,
    ):
        resource.routes.mount(app)
        if isinstance(resource.routes, Routes):
            publish(resource.routes)
