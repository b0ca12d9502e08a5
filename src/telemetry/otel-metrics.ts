import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Counter, Histogram, Meter } from "@opentelemetry/api";
import type { HostState } from "../core/measurements.js";
import { type Instrument, instruments, type Reading } from "./instruments.js";
import { metrics } from "./metric-names.js";
import type { Readings } from "./readings.js";

/** How often the delay of the event loop is measured, in ms. It is measured without JavaScript, so an idle host does not notice it. */
const measuredEveryMs = 20;

type RecordValue = (value: number, labels: Readonly<Record<string, string>>) => void;

/** Returns a sink for counts and durations. Gauges do not use the sink: at every export, their values are read by calling `state`. */
export function otelMetrics(meter: Meter, readings: Readings, state: () => HostState): (reading: Reading) => void {
  const all: Instrument[] = Object.values(instruments);
  const recorders = new Map(all.map((instrument) => [instrument, recorderOf(meter, instrument)]));
  const gauges = all.filter(({ kind }) => kind === "gauge");
  const observables = new Map(
    gauges.map((gauge) => [gauge, meter.createObservableGauge(gauge.name, optionsOf(gauge))] as const),
  );
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { instrument, value, labels } of readings.ofState(state())) {
        const observable = observables.get(instrument);
        if (observable) result.observe(observable, value, nonEmpty(labels));
      }
    },
    [...observables.values()],
  );
  showEventLoopDelay(meter);
  return ({ instrument, value, labels }) => recorders.get(instrument)?.(value, nonEmpty(labels));
}

/** Shows at every export the longest delay of the event loop since the last one. Prometheus gets it as `nodejs_eventloop_lag_max_seconds`. */
function showEventLoopDelay(meter: Meter): void {
  const delay = monitorEventLoopDelay({ resolution: measuredEveryMs });
  delay.enable();
  const description = "Longest delay of the event loop since the last export.";
  meter.createObservableGauge(metrics.eventLoopDelay, { unit: "s", description }).addCallback((result) => {
    if (delay.max > 0) result.observe(delay.max / 1e9);
    delay.reset();
  });
}

function recorderOf(meter: Meter, instrument: Instrument): RecordValue | undefined {
  if (instrument.kind === "gauge") return undefined;
  const options = optionsOf(instrument);
  if (instrument.kind === "counter") {
    const counter: Counter = meter.createCounter(instrument.name, options);
    return (value, labels) => counter.add(value, labels);
  }
  const advice = { explicitBucketBoundaries: [...(instrument.buckets ?? [])] };
  const histogram: Histogram = meter.createHistogram(instrument.name, { ...options, advice });
  return (value, labels) => histogram.record(value, labels);
}

function optionsOf({ unit, description }: Instrument) {
  return { unit, description };
}

/** Returns the labels without those whose value is empty. */
function nonEmpty(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}
