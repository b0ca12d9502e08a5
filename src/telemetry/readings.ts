/** Converts measurements, and the state of the host, to readings of the instruments. */
import type { HostState, Measurement } from "../core/measurements.js";
import { BoundedValues } from "./bounded.js";
import { type Instrument, instruments, type Reading, type Sink } from "./instruments.js";
import { attributes, methods, operations, providerName, tokenTypes, transports } from "./metric-names.js";

type Labels = Readonly<Record<string, string | undefined>>;

const { operation, provider, requestModel, errorType, mcpServer, toolName, mcpMethod, transport } = attributes;
const breakerStates = { closed: 0, half_open: 1, open: 2 };

export class Readings {
  readonly #values = new BoundedValues();

  /** Converts one measurement to readings, and passes them to `sink`. */
  of(fact: Measurement, sink: Sink): void {
    const read = (instrument: Instrument, value: number | undefined, labels: Labels) => {
      if (value !== undefined) sink(this.#reading(instrument, value, labels));
    };
    switch (fact.type) {
      case "completion_ended": {
        const labels = { [operation]: operations.chat, ...modelLabels(fact) };
        read(instruments.completionDuration, fact.durationMs / 1000, { ...labels, [errorType]: fact.error });
        read(instruments.timeToFirstChunk, seconds(fact.firstChunkMs), labels);
        read(instruments.longestGap, seconds(fact.longestGapMs), labels);
        for (const type of [tokenTypes.input, tokenTypes.output]) {
          read(instruments.tokenUsage, fact.usage?.[`${type}Tokens`], { ...labels, [attributes.tokenType]: type });
        }
        read(instruments.cost, fact.usd, labels);
        break;
      }
      case "attempt_failed": {
        const labels = { ...modelLabels(fact), [errorType]: fact.kind, [attributes.isRetried]: String(fact.isRetried) };
        read(instruments.failedAttempts, 1, labels);
        break;
      }
      case "fallback_asked":
        read(instruments.fallbacks, 1, modelLabels(fact));
        break;
      case "slot_taken":
        read(instruments.queueWait, fact.waitMs / 1000, { [provider]: providerName(fact.provider) });
        break;
      case "breaker_opened":
        read(instruments.breakerOpenings, 1, modelLabels(fact));
        break;
      case "tool_ended":
        read(instruments.toolDuration, fact.durationMs / 1000, {
          [mcpMethod]: methods.callTool,
          [mcpServer]: fact.server,
          [toolName]: fact.tool,
          [errorType]: fact.error,
          [transport]: transportName(fact.transport),
        });
        break;
      case "connection_ended":
        read(instruments.connectionDuration, fact.durationMs / 1000, {
          [mcpServer]: fact.server,
          [errorType]: fact.error,
          [transport]: transportName(fact.transport),
        });
        break;
      case "turn_ended":
        read(instruments.turnDuration, fact.durationMs / 1000, {
          [attributes.stopReason]: fact.end,
          [errorType]: fact.error,
        });
        break;
      default:
        return;
    }
  }

  ofState({ turns, limiters, breakers, servers }: HostState): Reading[] {
    const read = (instrument: Instrument, value: number, labels: Labels = {}) =>
      this.#reading(instrument, value, labels);
    return [
      read(instruments.sessions, turns.sessions),
      read(instruments.turns, turns.running, { [attributes.turnState]: "running" }),
      read(instruments.turns, turns.waiting, { [attributes.turnState]: "waiting" }),
      ...limiters.flatMap((limiter) => {
        const labels = { [provider]: providerName(limiter.provider) };
        return [
          read(instruments.limiterActive, limiter.active, labels),
          read(instruments.limiterWaiting, limiter.waiting, labels),
          read(instruments.limiterLimit, limiter.limit, labels),
        ];
      }),
      ...breakers.map((breaker) => read(instruments.breakerState, breakerStates[breaker.state], modelLabels(breaker))),
      ...servers.map(({ name, state }) =>
        read(instruments.serverState, 1, { [mcpServer]: name, [attributes.serverState]: state }),
      ),
    ];
  }

  /** Creates a reading. A label without a value gets an empty text, because Prometheus needs the same labels in every reading. */
  #reading(instrument: Instrument, value: number, labels: Labels): Reading {
    const all = instrument.labels.map((label) => [label, this.#values.of(label, labels[label] ?? "")] as const);
    return { instrument, value, labels: Object.fromEntries(all) };
  }
}

export function transportName(ofServer: string): string {
  return ofServer === "stdio" ? transports.stdio : transports.remote;
}

function modelLabels({ provider: name, model }: { provider: string; model: string }): Labels {
  return { [provider]: providerName(name), [requestModel]: model };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
