import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span of OTLP's JSON, with its attributes as an object. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 1: internal, 2: server, 3: client. */
  kind: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  status: { code?: number };
  traceState?: string;
  /** `service.name` of the sender. */
  service: string;
}

interface ReceivedMetric {
  name: string;
  unit: string;
  points: { attributes: Record<string, unknown>; count?: number; value?: number }[];
}

export interface Collector extends AsyncDisposable {
  /** The value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  spans: ReceivedSpan[];
  /** The last state of each metric, by name. */
  metrics: Map<string, ReceivedMetric>;
  /** Paths of the requests, with their queries. */
  paths: Set<string>;
  /** Headers of the requests. */
  headers: Record<string, unknown>[];
  /** All received bodies, unchanged. */
  text: string;
}

/** Starts a collector of OTLP over HTTP, in its JSON encoding. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export async function startCollector(): Promise<Collector> {
  const collector = { spans: [] as ReceivedSpan[], metrics: new Map<string, ReceivedMetric>(), text: "" };
  const headers: Collector["headers"] = [];
  const paths: Collector["paths"] = new Set();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      collector.text += text;
      headers.push(request.headers);
      paths.add(request.url ?? "");
      const path = request.url?.split("?")[0];
      const body = JSON.parse(text) as Json;
      if (path === "/v1/traces") collector.spans.push(...spansIn(body));
      if (path === "/v1/metrics") for (const metric of metricsIn(body)) collector.metrics.set(metric.name, metric);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(collector, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers,
    paths,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

type Json = Record<string, unknown>;

function spansIn({ resourceSpans }: Json): ReceivedSpan[] {
  return lists(resourceSpans).flatMap(({ resource, scopeSpans }) =>
    lists(scopeSpans).flatMap(({ spans }) =>
      lists(spans).map((span) => ({
        ...(span as unknown as ReceivedSpan),
        attributes: valuesOf(span.attributes),
        events: lists(span.events).map((event) => ({
          name: String(event.name),
          attributes: valuesOf(event.attributes),
        })),
        service: String(valuesOf((resource as Json).attributes)["service.name"]),
      })),
    ),
  );
}

function metricsIn({ resourceMetrics }: Json): ReceivedMetric[] {
  return lists(resourceMetrics).flatMap(({ scopeMetrics }) =>
    lists(scopeMetrics).flatMap(({ metrics }) =>
      lists(metrics).map(({ name, unit, ...data }) => ({
        name: String(name),
        unit: String(unit),
        points: Object.values(data)
          .flatMap((of) => lists((of as Json).dataPoints))
          .map((point) => ({
            attributes: valuesOf(point.attributes),
            ...(point.count !== undefined && { count: Number(point.count) }),
            value: Number(point.sum ?? point.asDouble ?? point.asInt),
          })),
      })),
    ),
  );
}

function lists(value: unknown): Json[] {
  return (value ?? []) as Json[];
}

/** Returns OTLP's `{key, value: {stringValue}}` as an object. */
function valuesOf(attributes: unknown): Record<string, unknown> {
  return Object.fromEntries(lists(attributes).map(({ key, value }) => [key, plain(value as Json)]));
}

function plain(value: Json): unknown {
  if (value.arrayValue) return lists((value.arrayValue as Json).values).map(plain);
  return value.intValue === undefined ? Object.values(value)[0] : Number(value.intValue);
}
