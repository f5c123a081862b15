"""Exports spans with the OpenTelemetry Python SDK and writes down what must arrive.

How to run (run.sh does it):
    python sdk_client.py --protocol grpc --compression gzip --endpoint http://127.0.0.1:4317 --expect expected.json

--scenario plain    spans with every kind of attribute, events, links and a status
--scenario flood    4 MB in requests of 128 KiB, one after the other, each sent until it is taken
--scenario partial  one good span beside one whose IDs are zeros, which the server must refuse alone

Exits with 1 unless the SDK counts every export as a success.
"""

import argparse
import json
import logging
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

RESOURCE = {"service.name": "clients-python", "host.cores": 2, "zone": "eu-süd"}
ATTRIBUTES = {
    "text": "grüße 🦀",
    "empty": "",
    "int.large": (1 << 53) + 1,
    "int.negative": -(1 << 63),
    "double": 0.1,
    "bool": True,
    "texts": ("a", "b"),
    "ints": (1, -2),
}


class Collecting(SpanExporter):
    """Keeps finished spans until they are exported by hand."""

    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def any_value(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [any_value(each) for each in value]}}


def any_values(attributes):
    return {key: any_value(value) for key, value in attributes.items()}


def expected(span):
    return {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": f"{span.context.span_id:016x}",
        "parentSpanId": f"{span.parent.span_id:016x}" if span.parent else "",
        "name": span.name,
        "kind": span.kind.value + 1,
        "status": span.status.status_code.value,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": any_values(span.attributes),
        "events": [event.name for event in span.events],
        "links": [f"{link.context.span_id:016x}" for link in span.links],
        "resource": any_values(span.resource.attributes),
        "scope": span.instrumentation_scope.name,
    }


def spans_of(scenario):
    collecting = Collecting()
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create(RESOURCE))
    provider.add_span_processor(SimpleSpanProcessor(collecting))
    tracer = provider.get_tracer("clients.python", "1.0")
    if scenario == "flood":
        for number in range(1024):
            tracer.start_span(f"flood {number}", attributes={"padding": "x" * 4096}).end()
        return collecting.spans
    for number in range(40):
        with tracer.start_as_current_span(f"root {number}", kind=SpanKind.SERVER, attributes=ATTRIBUTES) as root:
            link = trace.Link(root.get_span_context(), {"link": number})
            with tracer.start_as_current_span("child", kind=SpanKind.CLIENT, links=[link]) as child:
                child.add_event("retry", {"attempt": number})
                child.set_status(Status(StatusCode.ERROR, "broken"))
            for leaf in range(5):
                tracer.start_span(f"leaf {leaf}", attributes={"leaf": leaf}).end()
    return collecting.spans


def with_zero_ids(span):
    return ReadableSpan(
        name="unusable",
        context=SpanContext(0, 0, False),
        resource=span.resource,
        instrumentation_scope=span.instrumentation_scope,
        start_time=span.start_time,
        end_time=span.end_time,
    )


def exporter_of(arguments):
    gzip = arguments.compression == "gzip"
    if arguments.protocol == "grpc":
        from grpc import Compression as GrpcCompression

        compression = GrpcCompression.Gzip if gzip else GrpcCompression.NoCompression
        return GrpcExporter(endpoint=arguments.endpoint, insecure=True, timeout=60, compression=compression)
    compression = Compression.Gzip if gzip else Compression.NoCompression
    return HttpExporter(endpoint=f"{arguments.endpoint}/v1/traces", timeout=60, compression=compression)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", choices=["grpc", "http"], required=True)
    parser.add_argument("--compression", choices=["gzip", "none"], default="none")
    parser.add_argument("--scenario", choices=["plain", "flood", "partial"], default="plain")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--expect", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    spans = spans_of(arguments.scenario)
    if arguments.scenario == "partial":
        spans = spans[:1]
    with open(arguments.expect, "w", encoding="utf-8") as file:
        json.dump([expected(span) for span in spans], file)
    sent = spans + [with_zero_ids(spans[0])] if arguments.scenario == "partial" else spans

    exporter = exporter_of(arguments)
    results = [exporter.export(sent[at : at + 32]) for at in range(0, len(sent), 32)]
    exporter.shutdown()
    failed = sum(result is not SpanExportResult.SUCCESS for result in results)
    print(f"{len(results)} exports, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
