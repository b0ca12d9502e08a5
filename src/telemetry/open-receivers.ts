/** Opens the receivers of measurements that are configured: OpenTelemetry and Prometheus. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Environment } from "../core/environment.js";
import { messageOf } from "../core/errors.js";
import { installationOf, isNotInstalled } from "../core/files/optional-packages.js";
import type { HostState, Measurement, Meter } from "../core/measurements.js";
import type { Observe } from "../core/ports.js";
import { waitText } from "../core/text/durations.js";
import { endsOf } from "../core/text/excerpt.js";
import type { Samples } from "../core/trace-context.js";
import type { Sink } from "./instruments.js";
import type { Otel, OtelParts } from "./otel.js";
import type { PrometheusMetrics } from "./prometheus.js";
import { Readings } from "./readings.js";

export interface TelemetryParts extends OtelParts {
  /** Removes secrets from a text. */
  clear: (text: string) => string;
  collector: boolean;
  scraped: boolean;
  state: () => HostState;
}

export interface Telemetry {
  meter: Meter;
  /** Metrics for Prometheus. Undefined if metrics are not scraped. */
  prometheus: PrometheusMetrics | undefined;
  /** Sends all data that was not sent yet. Never rejects. */
  close(): Promise<void>;
}

/** Longest time, in ms, that `close` waits for the collector. */
const closeWithinMs = 2_000;

/** Opens telemetry. Resolves with undefined if neither a collector nor Prometheus would get any data. */
export async function openTelemetry(parts: TelemetryParts): Promise<Telemetry | undefined> {
  const { config, env, state, clear } = parts;
  const readings = new Readings();
  const sinks: Sink[] = [];
  const listeners: ((fact: Measurement) => void)[] = [];
  const otel = parts.collector ? await optional(parts) : undefined;
  if (otel?.traces) {
    const { Spans } = await import("./spans.js");
    const show = (text: string) => endsOf(clear(text), config.maxLength);
    listeners.push(new Spans({ ...otel.traces, show: config.captureContent ? show : undefined }).record);
  }
  if (otel?.metrics) {
    const { otelMetrics } = await import("./otel-metrics.js");
    sinks.push(otelMetrics(otel.metrics, readings, state));
  }
  let prometheus: PrometheusMetrics | undefined;
  if (parts.scraped) {
    const { PrometheusMetrics } = await import("./prometheus.js");
    prometheus = new PrometheusMetrics(readings, state);
    sinks.push(prometheus.record);
  }
  const toSinks: Sink = (reading) => {
    for (const sink of sinks) sink(reading);
  };
  if (sinks.length > 0) listeners.push((fact) => readings.of(fact, toSinks));
  if (listeners.length === 0) return undefined;
  return {
    meter: { record: harmless(listeners, parts.observe), samples: samplesBy(otel?.traces ? env : {}) },
    prometheus,
    async close() {
      const closed = otel?.close().then(() => true);
      if ((await Promise.race([closed, sleep(closeWithinMs, false, { ref: false })])) ?? true) return;
      const message = `the collector did not accept the last data within ${waitText(closeWithinMs)}`;
      parts.observe({ level: "warn", scope: "telemetry", message });
    },
  };
}

/** Returns a `record` function that catches errors of the listeners, so that they cannot break the measured code. */
function harmless(listeners: readonly ((fact: Measurement) => void)[], observe: Observe): Meter["record"] {
  let hasFailed = false;
  return (fact) => {
    try {
      for (const listener of listeners) listener(fact);
    } catch (error) {
      if (!hasFailed) observe({ level: "warn", scope: "telemetry", message: messageOf(error) });
      hasFailed = true;
    }
  };
}

/**
 * Opens OpenTelemetry. If that fails, for example because its packages are not installed, logs a warning and resolves with undefined. The
 * host also works without OpenTelemetry.
 */
async function optional({ config, env, version, observe }: TelemetryParts): Promise<Otel | undefined> {
  const warn = (message: string) => observe({ level: "warn", scope: "telemetry", message });
  try {
    const { openOtel } = await import("./otel.js");
    const protocol = env.OTEL_EXPORTER_OTLP_PROTOCOL;
    if (protocol && protocol !== "http/json") warn(`OTLP is sent as http/json; ${protocol} is not supported`);
    return await openOtel({ config, env, version, observe });
  } catch (error) {
    warn(
      isNotInstalled(error)
        ? `nothing is sent to the collector, because packages are missing: ${installationOf("@opentelemetry/")}`
        : `no telemetry: ${messageOf(error)}`,
    );
    return undefined;
  }
}

/**
 * Returns the sampler that `OTEL_TRACES_SAMPLER` selects; the default is `parentbased_always_on`
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 *
 * The sampler makes one decision per trace. It uses only the trace id and the decision of the parent, so servers that this host calls can
 * make the same decision. It uses the last digits of the trace id, because these are always random
 * (https://www.w3.org/TR/trace-context-2/#randomness-of-trace-id).
 */
export function samplesBy({
  OTEL_TRACES_SAMPLER: sampler = "",
  OTEL_TRACES_SAMPLER_ARG: argument,
}: Environment): Samples {
  const [, parentBased, root] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(sampler) ?? ["", "yes"];
  const given = Number(argument || 1);
  const ratio = root === "always_off" ? 0 : root === "traceidratio" && given >= 0 && given <= 1 ? given : 1;
  return (traceId, parent) => {
    if (parentBased && parent !== undefined) return parent;
    return Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;
  };
}
