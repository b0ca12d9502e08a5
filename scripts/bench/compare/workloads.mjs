/**
 * The workloads. A row is one line of the table: a figure of the task, as a ratio to `bare` in the same round unless it is `absolute`.
 * `gate` and `aim` are the bounds for this host: upper bounds, or lower ones with `isMoreBetter`.
 */
import { serverCommand } from "./processes.mjs";

const perCall = { metric: "cpu", label: "CPU per call", unit: "µs" };
const perHop = { metric: "cpu", label: "CPU per hop", unit: "µs" };
const wallPerHop = { metric: "wall", label: "wall time per hop", unit: "ms", scale: 1e-3 };
/** Tasks of 150 hops in a round: enough to measure compiled code and not its compilation, because hosts run for days. */
const hopsOf = (more) => ({ kind: "turns", count: 15, hops: 10, calls: 1, tool: "echo", ...more });
/**
 * Warm-up rounds of 150 hops. A hop runs more code than a plain call. With every contestant, the cost of a hop falls until V8 has compiled
 * all of it, after about 3,000 hops, and then stays the same.
 */
const hopWarmUps = 20;
const overStdio = ({ name = "srv" } = {}) => ({ name, ...serverCommand("servers/mcp-stdio.mjs") });
const overHttp = ({ mcpUrl }) => ({ name: "srv", url: mcpUrl });
const many = (count, server) => Array.from({ length: count }, (_, index) => ({ ...server, name: `srv${index}` }));

export const workloads = [
  {
    key: "W1",
    title: "plain calls, one at a time",
    rounds: 10,
    task: { kind: "calls", count: 500, inFlight: 1 },
    rows: [
      { ...perCall, gate: 2, aim: 1.5 },
      { metric: "wall", label: "wall time per call", unit: "µs" },
    ],
  },
  {
    key: "W2",
    title: "plain calls, 64 in flight",
    rounds: 10,
    task: { kind: "calls", count: 1_280, inFlight: 64 },
    rows: [{ ...perCall, gate: 2, aim: 1.6 }],
  },
  {
    key: "W3",
    title: "one stream of 20,000 chunks, as fast as possible",
    rounds: 6,
    task: { kind: "burst", chunks: 20_000 },
    rows: [
      { metric: "cpu", label: "CPU per chunk", unit: "µs", gate: 1.2, aim: 0.7 },
      { metric: "chunksPerSecond", label: "chunks per second", unit: "", absolute: true, isMoreBetter: true },
    ],
  },
  pacedWorkload(100, {}),
  pacedWorkload(500, {
    cpu: { gate: 1.25, aim: 1.05 },
    inTime: { gate: 0.98 },
    rssPerStreamKb: { gate: 130 },
  }),
  { ...pacedWorkload(1000, { inTime: { gate: 0.98 }, longestBlockMs: { gate: 50 } }), isExtra: true },
  {
    key: "W5",
    title: "10 hops, one stdio call each",
    warmUps: hopWarmUps,
    rounds: 20,
    durable: true,
    servers: () => [overStdio()],
    task: hopsOf({}),
    rows: [{ ...perHop, gate: 2.1, aim: 1.4 }, wallPerHop],
  },
  {
    key: "W5h",
    title: "10 hops, one HTTP call each",
    warmUps: hopWarmUps,
    rounds: 20,
    durable: true,
    servers: (mocks) => [overHttp(mocks)],
    task: hopsOf({}),
    rows: [{ ...perHop, gate: 2.2, aim: 1.4 }, wallPerHop],
  },
  {
    key: "W6",
    title: "10 hops, 8 parallel stdio calls of 20 ms",
    warmUps: hopWarmUps,
    rounds: 10,
    durable: true,
    servers: () => [overStdio()],
    task: hopsOf({ count: 1, calls: 8, tool: "pause" }),
    rows: [{ ...wallPerHop, gate: 1.1, aim: 1.03 }, perHop],
  },
  {
    key: "W6h",
    title: "10 hops, 8 parallel HTTP calls of 20 ms",
    warmUps: hopWarmUps,
    rounds: 10,
    durable: true,
    servers: (mocks) => [overHttp(mocks)],
    task: hopsOf({ count: 1, calls: 8, tool: "pause" }),
    rows: [{ ...wallPerHop, gate: 1.15, aim: 1.05 }, perHop],
  },
  startWorkload("W7-1", "start to first token, 1 server", 1, "servers/mcp-sdk.mjs", { gate: 1.4, aim: 0.6 }),
  startWorkload("W7-8", "start to first token, 8 servers", 8, "servers/mcp-sdk.mjs", { gate: 1.1, aim: 0.25 }),
  startWorkload("W7-8slow", "start to first token, 8 servers that boot 300 ms", 8, "servers/mcp-stdio.mjs", {
    bootMs: 300,
    gate: 1.1,
    aim: 0.4,
  }),
  {
    key: "W8",
    title: "a call with 400 messages of history against an empty one",
    rounds: 10,
    task: { kind: "growth", count: 50, messages: 400 },
    rows: [
      { metric: "growth", label: "growth of CPU per call", unit: "µs", gate: 1.2, aim: 0.7 },
      { metric: "wall", label: "wall time per call with the history", unit: "µs" },
    ],
  },
  {
    key: "W8b",
    title: "60 hops with results of 1 KB",
    warmUps: hopWarmUps,
    rounds: 8,
    durable: true,
    servers: () => [overStdio()],
    task: hopsOf({ count: 3, hops: 60, tool: "kilobyte" }),
    rows: [perHop],
  },
  {
    key: "W9",
    title: "memory and disk",
    rounds: 3,
    isFresh: true,
    servers: () => [overStdio()],
    task: { kind: "memory" },
    rows: [
      { metric: "ready", label: "RSS when ready", unit: "MB", absolute: true },
      { metric: "peak", label: "RSS at most", unit: "MB", absolute: true, gate: 100, aim: 75 },
      { metric: "diskMb", label: "installed, production only", unit: "MB", absolute: true, gate: 35, aim: 20 },
      { metric: "packages", label: "packages", unit: "", absolute: true },
    ],
  },
];

function pacedWorkload(streams, held) {
  const row = (metric, label, unit, more) => ({ metric, label, unit, ...more, ...held[metric] });
  const absolute = { absolute: true };
  return {
    key: `W4-${streams}`,
    title: `${streams} streams of 50 chunks a second`,
    rounds: 3,
    isFresh: true,
    streams,
    task: { kind: "paced", streams },
    rows: [
      row("cpu", "CPU per chunk", "µs"),
      row("coreShare", "share of the core", "%", { ...absolute, scale: 100 }),
      row("p50Ms", "delay, p50", "ms", absolute),
      row("p99Ms", "delay, p99", "ms", absolute),
      row("inTime", "delivered in time", "", { ...absolute, isMoreBetter: true }),
      row("longestBlockMs", "longest block of the loop", "ms", absolute),
      row("rssPerStreamKb", "RSS per stream", "KB", absolute),
    ],
  };
}

/**
 * Returns a workload of starts with `servers` processes of one file. Its first round does not count: it fills the caches that contestants
 * keep between starts.
 */
function startWorkload(key, title, servers, file, { bootMs = 0, gate, aim }) {
  return {
    key,
    title,
    rounds: 5,
    isStart: true,
    servers: () => many(servers, serverCommand(file, String(bootMs))),
    rows: [{ metric: "ms", label: "first token", unit: "ms", gate, aim }],
  };
}
