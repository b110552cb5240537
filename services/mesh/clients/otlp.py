"""OTLP's protobuf form, read into its JSON form; the library is imported by the first body of that kind."""

from __future__ import annotations

import base64
from functools import cache
from importlib import import_module
from typing import Any

from libs.shared.errors import Malformed

_IDS = ("traceId", "spanId", "parentSpanId")


@cache
def _library() -> tuple[Any, Any, Any]:
    messages = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    return messages, import_module("google.protobuf.json_format"), import_module("google.protobuf.message")


def read(raw: bytes) -> dict[str, Any]:
    """An ExportTraceServiceRequest as JSON, its ids in hexadecimal. Raises `Malformed`."""
    messages, json_format, message = _library()
    request = messages.ExportTraceServiceRequest()
    try:
        request.ParseFromString(raw)
    except message.DecodeError as error:
        raise Malformed("otlp-unreadable", "the body is no ExportTraceServiceRequest of OTLP in protobuf") from error
    told: dict[str, Any] = json_format.MessageToDict(request, use_integers_for_enums=True)
    for one in told.get("resourceSpans", ()):
        for scope in one.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                span.update({key: base64.b64decode(span[key]).hex() for key in _IDS if key in span})
    return told
