// Exports spans with the OpenTelemetry Node SDK and writes down what must arrive.
//
// How to run (run.sh does it; the packages of package.json must be found through NODE_PATH):
//     node sdk_client.js <grpc|proto|json> <gzip|none> <plain|flood|partial> ENDPOINT EXPECTED.json
//
// plain: every kind of attribute, events, links and a status. flood: 4 MB in requests of 128 KiB, one after the other,
// each sent until it is taken. partial: one good span beside one whose IDs are zeros, which the server refuses alone.
//
// Exits with 1 unless the SDK counts every export as a success.
'use strict';

const fs = require('node:fs');
const { context, diag, DiagConsoleLogger, DiagLogLevel, SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');

const EXPORTERS = {
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
  proto: '@opentelemetry/exporter-trace-otlp-proto',
  json: '@opentelemetry/exporter-trace-otlp-http',
};
const UNAVAILABLE = 14;
const RESOURCE = { 'service.name': 'clients-node', 'host.cores': 2, zone: 'eu-süd' };
const ATTRIBUTES = {
  text: 'grüße 🦀',
  empty: '',
  'int.large': 2 ** 40 + 1,
  'int.negative': -7,
  double: 0.1,
  bool: true,
  texts: ['a', 'b'],
  ints: [1, -2],
};

function anyValue(value) {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const anyValues = (attributes) =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, anyValue(value)]));
const nanoseconds = ([seconds, rest]) => String(BigInt(seconds) * 1000000000n + BigInt(rest));

const expected = (span) => ({
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  name: span.name,
  kind: span.kind + 1,
  status: span.status.code,
  startTimeUnixNano: nanoseconds(span.startTime),
  endTimeUnixNano: nanoseconds(span.endTime),
  attributes: anyValues(span.attributes),
  events: span.events.map((event) => event.name),
  links: span.links.map((link) => link.context.spanId),
  resource: anyValues(span.resource.attributes),
  scope: span.instrumentationScope.name,
});

function spansOf(scenario) {
  const collected = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(RESOURCE),
    spanProcessors: [new SimpleSpanProcessor(collected)],
  });
  const tracer = provider.getTracer('clients.node', '1.0');
  if (scenario === 'flood') {
    for (let number = 0; number < 1024; number++) {
      tracer.startSpan(`flood ${number}`, { attributes: { padding: 'x'.repeat(4096) } }).end();
    }
  }
  for (let number = 0; scenario !== 'flood' && number < 40; number++) {
    const root = tracer.startSpan(`root ${number}`, { kind: SpanKind.SERVER, attributes: ATTRIBUTES });
    const within = trace.setSpan(context.active(), root);
    const links = [{ context: root.spanContext(), attributes: { link: number } }];
    const child = tracer.startSpan('child', { kind: SpanKind.CLIENT, links }, within);
    child.addEvent('retry', { attempt: number });
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' });
    child.end();
    for (let leaf = 0; leaf < 5; leaf++) {
      tracer.startSpan(`leaf ${leaf}`, { attributes: { leaf } }, within).end();
    }
    root.end();
  }
  return collected.getFinishedSpans();
}

function withZeroIds(span) {
  const spanContext = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 1 };
  return Object.create(span, { spanContext: { value: () => spanContext } });
}

// The SDK retries over HTTP, but hands UNAVAILABLE over gRPC to its caller: this one tries for 30 s.
async function exportChunk(exporter, spans, protocol) {
  for (let attempt = 1; ; attempt += 1) {
    const result = await new Promise((done) => exporter.export(spans, done));
    if (protocol !== 'grpc' || result.error?.code !== UNAVAILABLE || attempt === 150) return result;
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function main() {
  const [protocol, compression, scenario, endpoint, expectPath] = process.argv.slice(2);
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
  const { OTLPTraceExporter } = require(EXPORTERS[protocol]);
  const exporter = new OTLPTraceExporter({
    url: protocol === 'grpc' ? endpoint : `${endpoint}/v1/traces`,
    compression,
    timeoutMillis: 60_000,
  });

  let spans = spansOf(scenario);
  if (scenario === 'partial') spans = spans.slice(0, 1);
  fs.writeFileSync(expectPath, JSON.stringify(spans.map(expected)));
  const sent = scenario === 'partial' ? [...spans, withZeroIds(spans[0])] : spans;
  let failed = 0;
  let exports = 0;
  for (let at = 0; at < sent.length; at += 32) {
    const result = await exportChunk(exporter, sent.slice(at, at + 32), protocol);
    exports += 1;
    if (result.code !== 0) {
      failed += 1;
      console.error(result.error);
    }
  }
  await exporter.shutdown();
  console.log(`${exports} exports, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

main();
