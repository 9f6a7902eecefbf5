"""The operator's dashboard: every alarm, the metric behind each of them, and figures of the work itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Template = Mapping[str, Any]

_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 6
_PERIOD_S = 300

_API = (("ApiName", "${Name}"), ("Stage", "api"))
_TITLES = {
    "MessagesGivenUp": "Messages given up after five tries",
    "WaitedForAnHour": "Queues in which work has waited for an hour",
    "Errors": "Calls that failed",
    "Invocations": "Calls of the reconciler",
    "5XXError": "Answers 5xx",
    "Throttles": "Calls that found no room",
    "TrainingFailed": "Trainings that failed",
    "TrainingsWithoutMachine": "Trainings that wait for a machine",
}
"""Of the widgets of alarms, by their metrics."""


@dataclass(frozen=True)
class MetricLine:
    """A metric, drawn as a line."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    """Values are those of `Fn::Sub`."""
    statistic: str = "Sum"
    period_s: int = _PERIOD_S

    def to_json(self) -> list[Any]:
        """Return it as a dashboard has it."""
        named = [part for dimension in self.dimensions for part in dimension]
        return [self.namespace, self.metric, *named, {"stat": self.statistic, "period": self.period_s}]


@dataclass(frozen=True)
class Widget:
    """One graph."""

    title: str
    lines: tuple[MetricLine, ...]
    threshold: float | None = None
    """Where an alarm begins; None: there is none, or several."""


def _attune(metric: str, function: str) -> MetricLine:
    return MetricLine("Attune", metric, (("service", f"${{Name}}-{function}"),))


def _of_function(metric: str, logical_id: str, statistic: str) -> MetricLine:
    return MetricLine("AWS/Lambda", metric, (("FunctionName", f"${{{logical_id}}}"),), statistic)


def _of_queue(metric: str, logical_id: str) -> MetricLine:
    return MetricLine("AWS/SQS", metric, (("QueueName", f"${{{logical_id}.QueueName}}"),), "Maximum")


_QUEUES = (
    "AudioUploaded",
    "CorpusAdded",
    "LanguageTraining",
    "TrainingProgress",
    "TrainingChanged",
    "TrainingDue",
    "RecognitionQueued",
    "EvaluationDue",
    "CallbackDue",
)

WORK = (
    Widget(
        "Requests",
        (MetricLine("AWS/ApiGateway", "Count", _API), MetricLine("AWS/ApiGateway", "4XXError", _API)),
    ),
    Widget(
        "Milliseconds to an answer",
        tuple(MetricLine("AWS/ApiGateway", "Latency", _API, statistic) for statistic in ("p50", "p95")),
    ),
    Widget(
        "Functions at work at once",
        tuple(
            _of_function("ConcurrentExecutions", name, "Maximum")
            for name in ("APIHandler", "Recognize", "RecognitionQueued")
        ),
    ),
    Widget(
        "Milliseconds of a recognition",
        tuple(_of_function("Duration", "Recognize", statistic) for statistic in ("p50", "p95")),
    ),
    Widget(
        "Given up, by queue",
        tuple(_of_queue("ApproximateNumberOfMessagesVisible", f"{name}DeadQueue") for name in _QUEUES),
    ),
    Widget(
        "Seconds that the oldest message has waited",
        tuple(_of_queue("ApproximateAgeOfOldestMessage", f"{name}Queue") for name in _QUEUES),
    ),
    Widget(
        "What was done",
        (
            _attune("JobsCompleted", "recognition-queued"),
            _attune("JobsFailed", "recognition-queued"),
            _attune("AudioValid", "audio-uploaded"),
            _attune("AudioInvalid", "audio-uploaded"),
            _attune("TrainingCompleted", "training-changed"),
            _attune("LanguageModelsTrained", "language-training"),
        ),
    ),
)
"""What is drawn beside that which alarms watch."""


def resource(template: Template) -> dict[str, Any]:
    """Return the dashboard of a template, as a resource for it."""
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "${Name}"},
            "DashboardBody": {"Fn::Sub": json.dumps(_body(template), separators=(",", ":"))},
        },
    }


def widgets(template: Template) -> list[Widget]:
    """Return the graphs: one for each metric that alarms watch, and those of the work.

    Raises:
        KeyError: a new alarm's metric has no title here.
    """
    watched: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for _, alarm in _alarms(template):
        watched.setdefault((alarm["Namespace"], alarm["MetricName"]), []).append(alarm)
    found = []
    for (_, metric), alarms in watched.items():
        thresholds = {float(alarm["Threshold"]) for alarm in alarms}
        threshold = thresholds.pop() if len(thresholds) == 1 else None
        found.append(Widget(_TITLES[metric], tuple(map(_line, alarms)), threshold))
    return [*WORK, *found]


def _alarms(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical_id, one in template["Resources"].items():
        if one.get("Type") == "AWS::CloudWatch::Alarm":
            yield logical_id, one["Properties"]


def _line(alarm: Mapping[str, Any]) -> MetricLine:
    dimensions = tuple((one["Name"], _substituted(one["Value"])) for one in alarm["Dimensions"])
    return MetricLine(
        alarm["Namespace"], alarm["MetricName"], dimensions, alarm["Statistic"], int(alarm["Period"])
    )


def _substituted(value: Any) -> str:
    """Return a dimension's value as it stands in a text of `Fn::Sub`."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(pattern)}:
            return pattern
    raise ValueError(f"not a dimension's value: {value!r}")


def _body(template: Template) -> dict[str, Any]:
    alarms = [f"${{{logical_id}.Arn}}" for logical_id, _ in _alarms(template)]
    state = {"title": "Alarms", "alarms": alarms}
    shown = [{"type": "alarm", "x": 0, "y": 0, "width": _COLUMNS, "height": 4, "properties": state}]
    for number, widget in enumerate(widgets(template)):
        row, column = divmod(number, _COLUMNS // _WIDTH)
        properties: dict[str, Any] = {
            "title": widget.title,
            "region": "${AWS::Region}",
            "metrics": [line.to_json() for line in widget.lines],
        }
        if widget.threshold is not None:
            properties["annotations"] = {"horizontal": [{"value": widget.threshold, "label": "alarm"}]}
        shown.append(
            {
                "type": "metric",
                "x": column * _WIDTH,
                "y": 4 + row * _HEIGHT,
                "width": _WIDTH,
                "height": _HEIGHT,
                "properties": properties,
            }
        )
    return {"widgets": shown}
