"""Lines of the log as Powertools writes them, put together at once: there is one for each request."""

from __future__ import annotations

import json
import logging
import os

from aws_lambda_powertools.logging.formatter import (
    RESERVED_LOG_ATTRS,
    THREAD_LOCAL_KEYS,
    LambdaPowertoolsFormatter,
)
from aws_lambda_powertools.shared.constants import XRAY_TRACE_ID_ENV

_RESERVED = frozenset(RESERVED_LOG_ATTRS)
_as_json = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode
"""Made once: `json.dumps` makes an encoder for each line whose form is not its own."""


class LineFormatter(LambdaPowertoolsFormatter):
    """Writes the very lines of its base class; those of errors it leaves to that."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, in JSON."""
        if record.exc_info or not record.args or THREAD_LOCAL_KEYS.get() or self.json_indent is not None:
            return super().format(record)
        line = self.log_format | {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage(),
            "timestamp": self.formatTime(record),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _RESERVED}
        trace = os.environ.get(XRAY_TRACE_ID_ENV)
        if trace:
            line["xray_trace_id"] = trace.split(";")[0].replace("Root=", "")
        return _as_json({key: value for key, value in line.items() if value is not None})
