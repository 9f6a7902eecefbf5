"""The dashboard shows all that alarms watch, and nothing that nobody publishes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from chalicelib.jobs.statuses import ENDED
from infra import dashboard
from infra.resources import TEMPLATE
from tests.running_service import ROOT

DOCUMENT: dict[str, Any] = json.loads(TEMPLATE.read_text())
OF_AWS = {
    "AWS/Lambda": (
        "FunctionName",
        {"Duration", "Errors", "Invocations", "Throttles", "ConcurrentExecutions"},
    ),
    "AWS/SQS": ("QueueName", {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}),
    "AWS/ApiGateway": ("ApiName", {"Count", "4XXError", "5XXError", "Latency"}),
}
"""Metrics that these services publish by themselves, with their first dimension, from the services' manuals."""
ENDS = {"Jobs": [status.capitalize() for status in ENDED], "Training": ["Completed", "Failed", "Stopped"]}
"""What follows a metric's first word where the code has an expression: states of jobs, and SageMaker's."""


def _lines() -> list[dashboard.MetricLine]:
    return [line for widget in dashboard.widgets(DOCUMENT) for line in widget.lines]


def _published() -> Iterator[tuple[str, str]]:
    """Yield services and the metrics that their functions' modules, or those which they use, count or measure."""
    modules = {
        path.stem: ast.parse(path.read_text()) for path in (ROOT / "chalicelib" / "events").rglob("*.py")
    }
    counted = {module: list(_counted(tree)) for module, tree in modules.items()}
    for module in modules:
        for text in [text for used in _used(module, modules) for text in counted[used]]:
            yield f"${{Name}}-{module.replace('_', '-')}", text


def _counted(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="telemetry")), args=[name, *_]):
                yield from _texts(name)


def _used(module: str, modules: dict[str, ast.Module]) -> set[str]:
    """Return a module of the events, and those that it imports, directly or not."""
    found, open_ones = set[str](), {module}
    while open_ones:
        one = open_ones.pop()
        found.add(one)
        for node in ast.walk(modules[one]):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("chalicelib.events"):
                open_ones |= {name.name for name in node.names} & modules.keys() - found
    return found


def _texts(name: ast.expr) -> list[str]:
    match name:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one), *_texts(other)]
        case ast.JoinedStr(values=[ast.Constant(value=str(first)), _]):
            return [f"{first}{end}" for end in ENDS.get(first, [])]
    raise AssertionError(f"not understood: {ast.unparse(name)}")


def test_each_metric_is_published_by_a_function_or_is_of_aws() -> None:
    published = set(_published())
    resources = DOCUMENT["Resources"]
    for line in _lines():
        name, value = line.dimensions[0]
        if line.namespace == "Attune":
            assert (name, (value, line.metric) in published) == ("service", True), line
            continue
        first, metrics = OF_AWS[line.namespace]
        assert (name, line.metric in metrics) == (first, True), line
        if line.namespace != "AWS/ApiGateway":
            assert re.fullmatch(r"\$\{(\w+)(\.QueueName)?\}", value), line
            assert value.strip("${}").partition(".")[0] in resources, line


def test_each_alarm_is_there_with_its_metric() -> None:
    alarms = {
        name: one["Properties"]
        for name, one in DOCUMENT["Resources"].items()
        if one.get("Type") == "AWS::CloudWatch::Alarm"
    }
    drawn = [(line.namespace, line.metric) for line in _lines()]
    for alarm in alarms.values():
        assert (alarm["Namespace"], alarm["MetricName"]) in drawn
    body = json.loads(dashboard.resource(DOCUMENT)["Properties"]["DashboardBody"]["Fn::Sub"])
    state, *graphs = body["widgets"]
    assert state["properties"]["alarms"] == [f"${{{name}.Arn}}" for name in alarms]
    assert len(graphs) == len({graph["properties"]["title"] for graph in graphs})


def test_graphs_lie_beside_each_other_and_not_upon_each_other() -> None:
    body = json.loads(dashboard.resource(DOCUMENT)["Properties"]["DashboardBody"]["Fn::Sub"])
    taken: set[tuple[int, int]] = set()
    for widget in body["widgets"]:
        cells = {
            (widget["x"] + x, widget["y"] + y)
            for x in range(widget["width"])
            for y in range(widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_it_stays_within_what_costs_nothing() -> None:
    """Three dashboards with up to 50 metrics each are free; the fourth costs three dollars a month."""
    assert len({(line.namespace, line.metric, line.dimensions) for line in _lines()}) <= 50
