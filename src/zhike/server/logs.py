"""Log lines for machines (JSON) or eyes, with the number of the request, the company and the actor, and nothing personal.

Only known facts of a harmless shape are written. Texts that others put together (of libraries, of errors) may quote a row
or a form, so of those only the template, the kind of error, and the place in the code are kept.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from zhike.kernel.tracing import request_id
from zhike.server.companies import current_company

FACTS = (
    "request_id", "company", "actor", "method", "route", "status", "ms", "queries", "task", "job", "attempt", "code", "what", "rows",
    "seconds", "count", "read", "event_name", "error", "sqlstate", "cause", "frames",
)  # fmt: skip
_SHAPE = re.compile(r"[A-Za-z0-9_.:/<>\[\]|=, ?-]{0,300}")
_PRIVATE = re.compile(r"\d{7,}|[^\s@]+@[^\s@]+|[\u3400-\u9fff]+|'[^']*'|\"[^\"]*\"")
_NUMBER_OF_REQUEST = re.compile(r"[A-Za-z0-9._-]{8,64}")
_FRAMES = 12
_PACKAGE = Path(__file__).resolve().parent.parent.parent


def logging_settings(env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's LOGGING; also sets structlog up. ZHIKE_LOG is the level, ZHIKE_LOG_FORMAT is `line` or `json`."""
    shared: list[Any] = [_from_record, _with_context, describe_error, scrub]
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    render = _json if env.get("ZHIKE_LOG_FORMAT") == "json" else _line
    level = env.get("ZHIKE_LOG", "WARNING")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "scrubbed": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [_stamp, structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
                "foreign_pre_chain": [structlog.stdlib.add_log_level, *shared],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "scrubbed"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # One line a request and a job, whatever the level; Django's own line for each 404 would only repeat it.
            "zhike.request": {"level": "INFO"},
            "zhike.job": {"level": "INFO"},
            "django.request": {"level": "ERROR"},
        },
    }


def _from_record(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What a library logged: its template, and numbers that are known to be harmless."""
    del logger, name
    record: logging.LogRecord | None = event.get("_record")
    if record is None or event.get("_from_structlog") is not False:
        return event
    event["event"] = _PRIVATE.sub("…", str(getattr(record, "action", None) or str(record.msg).partition("(")[0]))
    job = getattr(record, "job", None)
    if isinstance(job, Mapping):
        event.update(task=job.get("task_name"), job=job.get("id"))
    for fact in FACTS:
        if fact in record.__dict__ and fact not in event:
            event[fact] = record.__dict__[fact]
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return event


def _with_context(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    del logger, name
    company = current_company()
    if request_id() and "request_id" not in event:
        event["request_id"] = request_id()
    if company is not None and company.slug and "company" not in event:
        event["company"] = company.slug
    return event


def describe_error(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its kind, its code, what caused it, and where: its text may quote what somebody typed."""
    del logger, name
    told = event.pop("exc_info", None)
    told = sys.exc_info() if told is True else told
    error = told[1] if isinstance(told, tuple) else told if isinstance(told, BaseException) else None
    if error is None:
        return event
    cause = error.__cause__ or error.__context__
    event["error"] = type(error).__name__
    event["code"] = getattr(error, "code", None)
    event["sqlstate"] = getattr(error, "sqlstate", None) or getattr(cause, "sqlstate", None)
    event["cause"] = type(cause).__name__ if cause else None
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    event["frames"] = " | ".join(f"{_shown(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
    return event


def _shown(path: str) -> str:
    try:
        return str(Path(path).relative_to(_PACKAGE))
    except ValueError:
        return "/".join(Path(path).parts[-3:])


def scrub(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep known facts of a harmless shape; what has another shape is replaced by an ellipsis."""
    del logger, name
    kept: dict[str, Any] = {key: value for key, value in event.items() if key in ("_record", "_from_structlog", "level")}
    kept["event"] = _PRIVATE.sub("…", str(event.get("event", "")))[:200]
    for fact in FACTS:
        value = event.get(fact)
        if value not in (None, ""):
            kept[fact] = _harmless(fact, value)
    return kept


def _harmless(fact: str, value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    if fact == "request_id":
        return text if _NUMBER_OF_REQUEST.fullmatch(text) else "…"
    if fact == "frames":
        return re.sub(r"[^\x20-\x7e]", "…", text)[:2000]
    return text if _SHAPE.fullmatch(text) and not re.search(r"\d{7,}", text) else "…"


def _stamp(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    del logger, name
    record: logging.LogRecord = event["_record"]
    event["logger"], event["time"] = record.name, record.created
    return event


def _json(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    del logger, name
    event["time"] = _iso(event["time"])
    return json.dumps(event, ensure_ascii=False, default=str)


def _line(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    del logger, name
    head = f"{_iso(event.pop('time'))} {str(event.pop('level', 'info')).upper()} {event.pop('logger')} {event.pop('event')}"
    return " ".join([head, *(f"{fact}={value}" for fact, value in event.items() if not fact.startswith("_"))])


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
