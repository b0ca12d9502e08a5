/** Definitions of all metrics, shared by OpenTelemetry and Prometheus. */
import { attributes, metrics } from "./metric-names.js";

export interface Instrument {
  name: string;
  /** Unit in UCUM notation. Braces mean a number of things: `{token}` is a number of tokens. */
  unit: string;
  kind: "counter" | "histogram" | "gauge";
  description: string;
  /** Names of all labels. Each reading of the instrument has a value for each of these labels. */
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
}

/** A measured value of an instrument: a count, a duration or a current value. */
export interface Reading {
  instrument: Instrument;
  value: number;
  labels: Readonly<Record<string, string>>;
}

/** A function that receives readings. It must not throw. */
export type Sink = (reading: Reading) => void;

/** Bucket bounds that OpenTelemetry's conventions for GenAI and MCP recommend. */
const modelSeconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const toolSeconds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const tokenCounts = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

const { provider, requestModel, errorType, toolName, mcpServer, mcpMethod, transport, operation } = attributes;
const ofModel = [operation, provider, requestModel];

export const instruments = {
  completionDuration: {
    name: metrics.completionDuration,
    unit: "s",
    kind: "histogram",
    description: "Time of a completion: queue, attempts, pauses and fallback.",
    labels: [...ofModel, errorType],
    buckets: modelSeconds,
  },
  timeToFirstChunk: {
    name: metrics.timeToFirstChunk,
    unit: "s",
    kind: "histogram",
    description: "Time from the start of a streamed completion to its first text.",
    labels: ofModel,
    buckets: modelSeconds,
  },
  longestGap: {
    name: metrics.longestGap,
    unit: "s",
    kind: "histogram",
    description: "Longest silence within a streamed answer.",
    labels: ofModel,
    buckets: modelSeconds,
  },
  tokenUsage: {
    name: metrics.tokenUsage,
    unit: "{token}",
    kind: "histogram",
    description: "Tokens of a completion, as the provider reports them.",
    labels: [...ofModel, attributes.tokenType],
    buckets: tokenCounts,
  },
  cost: {
    name: metrics.cost,
    unit: "USD",
    kind: "counter",
    description: "US dollars that completions cost, where the price of the model is known.",
    labels: ofModel,
  },
  failedAttempts: {
    name: metrics.failedAttempts,
    unit: "{request}",
    kind: "counter",
    description: "Requests to a provider that failed, by cause, and whether they were sent again.",
    labels: [provider, requestModel, errorType, attributes.isRetried],
  },
  fallbacks: {
    name: metrics.fallbacks,
    unit: "{completion}",
    kind: "counter",
    description: "Completions for which a fallback was asked, by the provider that was asked.",
    labels: [provider, requestModel],
  },
  queueWait: {
    name: metrics.queueWait,
    unit: "s",
    kind: "histogram",
    description: "Time that a completion waited for a free slot at its provider.",
    labels: [provider],
    buckets: toolSeconds,
  },
  limiterActive: {
    name: metrics.limiterActive,
    unit: "{request}",
    kind: "gauge",
    description: "Requests to the provider that hold a slot.",
    labels: [provider],
  },
  limiterWaiting: {
    name: metrics.limiterWaiting,
    unit: "{request}",
    kind: "gauge",
    description: "Requests that wait for a slot.",
    labels: [provider],
  },
  limiterLimit: {
    name: metrics.limiterLimit,
    unit: "{request}",
    kind: "gauge",
    description: "Number of slots now. It falls while the provider is overloaded.",
    labels: [provider],
  },
  breakerState: {
    name: metrics.breakerState,
    unit: "1",
    kind: "gauge",
    description:
      "State of the breaker of a model. 0: closed; 1: one request tries the model; 2: open, so the model is not asked.",
    labels: [provider, requestModel],
  },
  breakerOpenings: {
    name: metrics.breakerOpenings,
    unit: "{opening}",
    kind: "counter",
    description: "Number of times that the breaker opened because a model kept failing.",
    labels: [provider, requestModel],
  },
  toolDuration: {
    name: metrics.toolDuration,
    unit: "s",
    kind: "histogram",
    description: "Time of a tool call.",
    labels: [mcpMethod, mcpServer, toolName, errorType, transport],
    buckets: toolSeconds,
  },
  connectionDuration: {
    name: metrics.connectionDuration,
    unit: "s",
    kind: "histogram",
    description: "How long a connection to a server lasted.",
    labels: [mcpServer, errorType, transport],
    buckets: toolSeconds,
  },
  turnDuration: {
    name: metrics.turnDuration,
    unit: "s",
    kind: "histogram",
    description: "Time for which this process ran a turn, by the way it ended.",
    labels: [attributes.stopReason, errorType],
    buckets: toolSeconds,
  },
  turns: {
    name: metrics.turns,
    unit: "{turn}",
    kind: "gauge",
    description: "Turns that this process runs, and turns that wait here or run in another host.",
    labels: [attributes.turnState],
  },
  sessions: {
    name: metrics.sessions,
    unit: "{session}",
    kind: "gauge",
    description: "Conversations that are open in this process.",
    labels: [],
  },
  serverState: {
    name: metrics.serverState,
    unit: "{server}",
    kind: "gauge",
    description: "1 for the present state of the server, 0 for all others.",
    labels: [mcpServer, attributes.serverState],
  },
} as const satisfies Record<string, Instrument>;
