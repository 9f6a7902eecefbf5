"""The Chalice application: mounts the blueprints and declares the event functions; nothing else."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, CloudWatchEvent, SQSEvent

from chalicelib.api import application

app = Chalice(app_name="attune")
application.mount(app)

# Event functions import their handlers when called: the API function shares this module and starts quickly.


@app.on_sqs_message(queue="attune-audio-uploaded", batch_size=1)
def audio_uploaded(event: SQSEvent) -> dict[str, Any]:
    """Inspect audio that has arrived in the bucket."""
    from chalicelib.events import audio_uploaded as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-training-progress", batch_size=10)
def training_progress(event: SQSEvent) -> dict[str, Any]:
    """Note how far a training run has come."""
    from chalicelib.events import training_progress as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-training-changed", batch_size=1)
def training_changed(event: SQSEvent) -> dict[str, Any]:
    """Promote or reject what a finished training job has made."""
    from chalicelib.events import training_changed as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-training-due", batch_size=1)
def training_due(event: SQSEvent) -> dict[str, Any]:
    """Begin trainings that waited for their turn, or for the last of the audio."""
    from chalicelib.events import training_due as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-recognition-queued", batch_size=1)
def recognition_queued(event: SQSEvent) -> dict[str, Any]:
    """Work on a recognition job."""
    from chalicelib.events import recognition_queued as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-evaluation-due", batch_size=1)
def evaluation_due(event: SQSEvent) -> dict[str, Any]:
    """Read a test set, or work on an evaluation."""
    from chalicelib.events import evaluation_due as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-callback-due", batch_size=1)
def callback_due(event: SQSEvent) -> dict[str, Any]:
    """Tell somebody of a recognition job, or of the end of a training."""
    from chalicelib.events import callback_due as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-corpus-added", batch_size=1)
def corpus_added(event: SQSEvent) -> dict[str, Any]:
    """Find the words of a corpus, a grammar or a batch that has arrived in the bucket."""
    from chalicelib.events import corpus_added as handler

    return handler.handle(event.to_dict(), event.context)


@app.on_sqs_message(queue="attune-language-training", batch_size=1)
def language_training(event: SQSEvent) -> dict[str, Any]:
    """Train a custom language model."""
    from chalicelib.events import language_training as handler

    return handler.handle(event.to_dict(), event.context)


@app.schedule("rate(5 minutes)")
def reconcile(event: CloudWatchEvent) -> dict[str, Any]:
    """Make lost events harmless."""
    from chalicelib.events import reconcile as handler

    return handler.handle(event.to_dict(), event.context)


@app.lambda_function()
def recognize(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Turn audio in the bucket into words."""
    from chalicelib.recognition.function import handler

    return handler.handle(event, getattr(context, "tell", None))  # AWS has no way to tell
