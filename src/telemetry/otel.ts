/** Exports telemetry over OTLP. This file is loaded only if telemetry is configured, because OpenTelemetry's packages are optional. */

import type { Meter as OtelMeter, Tracer } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { AlwaysOnSampler, BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { TelemetryConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import type { Observe } from "../core/ports.js";
import { attributes } from "./metric-names.js";
import { ChosenIds } from "./spans.js";

export interface OtelParts {
  config: TelemetryConfig;
  env: Environment;
  version: string;
  observe: Observe;
}

export interface Otel {
  /** Undefined if traces are switched off. */
  traces?: { tracer: Tracer; ids: ChosenIds };
  /** Undefined if metrics are switched off. */
  metrics?: OtelMeter;
  /** Exports the data that was not exported yet. This can take as long as the timeouts of the exporters. */
  close(): Promise<unknown>;
}

const scope = "mcp-platform";
const defaultIntervalMs = 60_000;

export async function openOtel(parts: OtelParts): Promise<Otel> {
  const { env, version, config } = parts;
  const own = { [attributes.serviceName]: config.serviceName, [attributes.serviceVersion]: version };
  const resource = resourceFromAttributes(own).merge(detectResources({ detectors: [envDetector] }));
  await resource.waitForAsyncAttributes?.();
  const traces = env.OTEL_TRACES_EXPORTER === "none" ? undefined : tracing(parts, resource);
  const metrics = env.OTEL_METRICS_EXPORTER === "none" ? undefined : metering(parts, resource);
  return {
    ...(traces && { traces: { tracer: traces.provider.getTracer(scope, version), ids: traces.ids } }),
    ...(metrics && { metrics: metrics.getMeter(scope, version) }),
    close: () => Promise.allSettled([traces?.provider.shutdown(), metrics?.shutdown()]),
  };
}

function tracing({ observe, ...parts }: OtelParts, resource: Resource) {
  const exporter = reportingFailures(new OTLPTraceExporter(targetOf(parts, "traces")), "traces", observe);
  const ids = new ChosenIds();
  const provider = new NodeTracerProvider({
    resource,
    idGenerator: ids,
    // All spans are sampled here, because the host passes only sampled spans to the tracer.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  return { provider, ids };
}

function metering({ observe, ...parts }: OtelParts, resource: Resource): MeterProvider {
  const exporter = reportingFailures(new OTLPMetricExporter(targetOf(parts, "metrics")), "metrics", observe);
  const exportIntervalMillis = Number(parts.env.OTEL_METRIC_EXPORT_INTERVAL) || defaultIntervalMs;
  const exportTimeoutMillis = Math.min(exportIntervalMillis, 30_000);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis });
  return new MeterProvider({ resource, readers: [reader] });
}

/** Returns the options of an exporter. If the options have no `url`, the exporter reads its endpoint from the environment. */
function targetOf({ config, env }: Pick<OtelParts, "config" | "env">, signal: "traces" | "metrics") {
  const isNamed = env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`] !== undefined;
  const base = isNamed ? undefined : (env.OTEL_EXPORTER_OTLP_ENDPOINT ?? config.endpoint);
  return {
    ...(base && { url: withPath(base, `/v1/${signal}`) }),
    ...(Object.keys(config.headers).length > 0 && { headers: { ...config.headers } }),
  };
}

/** Appends the path to that of the address. A query stays behind the path. */
function withPath(address: string, path: string): string {
  const end = address.search(/[?#]|$/);
  return `${address.slice(0, end).replace(/\/+$/, "")}${path}${address.slice(end)}`;
}

interface Exporter {
  /** The signature that all exporters of OpenTelemetry share. `never` fits every kind of items. */
  export(items: never, done: (result: { code: number; error?: Error }) => void): void;
}

/** Makes the exporter log a warning when exports begin to fail, and a message when they work again. */
function reportingFailures<T extends Exporter>(exporter: T, signal: string, observe: Observe): T {
  const send = exporter.export.bind(exporter);
  let isFailing = false;
  exporter.export = (items, done) =>
    send(items, (result) => {
      const { error } = result;
      if (error && !isFailing)
        observe({
          level: "warn",
          scope: "telemetry",
          message: `${signal} could not be sent to the collector: ${error.message}`,
        });
      if (!error && isFailing) observe({ level: "info", scope: "telemetry", message: `${signal} arrive again` });
      isFailing = error !== undefined;
      done(result);
    });
  return exporter;
}
