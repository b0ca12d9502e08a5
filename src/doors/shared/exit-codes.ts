import type { ScriptErrorKind } from "../../core/errors.js";
import type { ErrorInfo, StopReason } from "../../core/events.js";

/** Process exit codes, as listed in docs/troubleshooting.md. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  serverDown: 5,
  denied: 6,
  limit: 7,
  /** A scripted session has a result that its file does not expect. */
  unmet: 8,
  cancelled: 130,
  /** The process was ended by SIGTERM. */
  terminated: 143,
} as const;

const byErrorKind: Readonly<Record<string, number>> = {
  config: exitCodes.usage,
  usage: exitCodes.usage,
  request_mismatch: exitCodes.usage,
  not_found: exitCodes.usage,
  busy: exitCodes.usage,
  auth: exitCodes.refused,
  quota: exitCodes.refused,
  bad_request: exitCodes.refused,
  tool_generation_failed: exitCodes.refused,
  output: exitCodes.refused,
  model_gone: exitCodes.refused,
  context_length: exitCodes.refused,
  content_filter: exitCodes.refused,
  rate_limit: exitCodes.unreachable,
  overloaded: exitCodes.unreachable,
  server: exitCodes.unreachable,
  connect: exitCodes.unreachable,
  connect_timeout: exitCodes.unreachable,
  network: exitCodes.unreachable,
  timeout: exitCodes.unreachable,
  ttft_timeout: exitCodes.unreachable,
  idle_timeout: exitCodes.unreachable,
  queue_timeout: exitCodes.unreachable,
  total_timeout: exitCodes.unreachable,
  empty_stream: exitCodes.unreachable,
  stream_interrupted: exitCodes.unreachable,
  required_server_down: exitCodes.serverDown,
  aborted: exitCodes.cancelled,
  cancelled: exitCodes.cancelled,
};

/** Exit codes of errors that occur within a script. `byErrorKind` has the exit codes of errors that prevent a script from running. */
const byScriptErrorKind: Readonly<Record<ScriptErrorKind, number>> = {
  template: exitCodes.unmet,
  condition: exitCodes.unmet,
  answer: exitCodes.unmet,
  save: exitCodes.unmet,
  output: exitCodes.unmet,
  repeat: exitCodes.unmet,
  tool_error: exitCodes.unmet,
  not_found: exitCodes.unmet,
  cassette: exitCodes.unmet,
  scripted: exitCodes.unmet,
  limit: exitCodes.limit,
  aborted: exitCodes.cancelled,
};

const byStopReason: Readonly<Record<StopReason, number>> = {
  end_turn: exitCodes.done,
  max_tokens: exitCodes.done,
  refusal: exitCodes.refused,
  max_tool_hops: exitCodes.limit,
  budget: exitCodes.limit,
  cancelled: exitCodes.cancelled,
  error: exitCodes.unexpected,
};

export function exitCodeOfError({ kind }: ErrorInfo): number {
  return byErrorKind[kind] ?? exitCodes.unexpected;
}

/**
 * Returns the exit code of a turn. `denied` is true if a tool was refused because nobody could be asked. A denial takes precedence over a
 * limit, because the denial may have caused the turn to reach the limit.
 */
export function exitCodeOfTurn(turn: { stopReason?: StopReason; error?: ErrorInfo; denied: boolean }): number {
  if (turn.error) return exitCodeOfError(turn.error);
  if (turn.stopReason === "cancelled") return exitCodes.cancelled;
  return turn.denied ? exitCodes.denied : byStopReason[turn.stopReason ?? "error"];
}

interface Ended {
  passed: boolean;
  error?: { kind: string };
  steps: readonly { passed: boolean; error?: { kind: string } }[];
}

/** Returns the exit code that all failed scripts share, or `unmet` if their codes differ. */
export function exitCodeOfScripts(results: readonly Ended[]): number {
  const codes = new Set(results.filter(({ passed }) => !passed).map(exitCodeOfScript));
  const [code = exitCodes.done] = codes;
  return codes.size > 1 ? exitCodes.unmet : code;
}

function exitCodeOfScript({ error, steps }: Ended): number {
  const cause = error ?? steps.find(({ passed }) => !passed)?.error;
  if (!cause) return exitCodes.unmet;
  const byKind: Readonly<Record<string, number>> = { ...byErrorKind, ...byScriptErrorKind };
  return byKind[cause.kind] ?? exitCodes.unexpected;
}
