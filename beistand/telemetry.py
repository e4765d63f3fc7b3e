"""Traces, metrics and logs: the OTel API for everybody, the SDK only for mains, JSON log lines on stderr.

Nothing here may carry content: no exception text is logged, only its type and place.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

tracer = trace.get_tracer("beistand")
meter = metrics.get_meter("beistand")

_PROPAGATOR = TraceContextTextMapPropagator()
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def inject(headers: dict[str, str]) -> dict[str, str]:
    """`headers` with the current trace context added (nothing without an SDK)."""
    _PROPAGATOR.inject(headers)
    return headers


def extract(headers: Mapping[str, str] | None) -> Context:
    """The trace context a trusted peer sent along; never use it for what an agent sends."""
    lowered = {key.lower(): value for key, value in (headers or {}).items()}
    return _PROPAGATOR.extract(lowered, context=Context())


def trace_id() -> str:
    """The current trace's id in hex, or '' outside of any trace."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def set_up(name: str) -> None:
    """For mains: logs on stderr; the SDK where it is installed, exporting to a configured OTLP endpoint."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(name))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        _set_up_sdk(name)
    except ImportError:
        logging.getLogger(__name__).info("no OpenTelemetry SDK installed: no traces and metrics")


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, service, logger, message, trace id, and what `extra` gave."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception only type and stack, because its text may quote what a peer sent."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := trace_id():
            line["trace_id"] = current
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["stack"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(line, default=str, ensure_ascii=False)


def _set_up_sdk(name: str) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create({"service.name": f"beistand-{name}"})
    traces = TracerProvider(resource=resource)
    readers = []
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))
