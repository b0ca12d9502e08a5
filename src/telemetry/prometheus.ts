/** Serves readings (measured values) in Prometheus's text format. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { HostState } from "../core/measurements.js";
import { type Instrument, instruments, type Reading } from "./instruments.js";
import { prometheusName } from "./metric-names.js";
import type { Readings } from "./readings.js";

type Metric = Counter | Gauge | Histogram;

export class PrometheusMetrics {
  readonly #registry = new Registry();
  readonly #metrics = new Map<Instrument, Metric>();
  readonly #readings: Readings;
  readonly #state: () => HostState;

  /** `state` is called at every scrape. */
  constructor(readings: Readings, state: () => HostState) {
    this.#readings = readings;
    this.#state = state;
    for (const instrument of Object.values(instruments)) this.#metrics.set(instrument, this.#create(instrument));
    collectDefaultMetrics({ register: this.#registry });
  }

  readonly record = ({ instrument, value, labels }: Reading): void => {
    const metric = this.#metrics.get(instrument);
    const named = Object.fromEntries(Object.entries(labels).map(([name, of]) => [prometheusName(name), of]));
    if (metric instanceof Histogram) metric.observe(named, value);
    else if (metric instanceof Counter) metric.inc(named, value);
    else metric?.set(named, value);
  };

  readonly scrape = async (): Promise<{ contentType: string; text: string }> => {
    const state = this.#state();
    for (const metric of this.#metrics.values()) if (metric instanceof Gauge) metric.reset(); // removes label values that no longer exist
    for (const reading of this.#readings.ofState(state)) this.record(reading);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  };

  #create({ name, unit, kind, description: help, labels, buckets = [] }: Instrument): Metric {
    const options = {
      name: prometheusName(name, unit, kind === "counter"),
      help,
      labelNames: labels.map((label) => prometheusName(label)),
      registers: [this.#registry],
    };
    if (kind === "histogram") return new Histogram({ ...options, buckets: [...buckets] });
    return kind === "counter" ? new Counter(options) : new Gauge(options);
  }
}
