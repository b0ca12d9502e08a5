import { LlmError, type LlmErrorKind } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { ResolvedModel } from "../providers/providers.js";

export interface Chain<T> {
  length: number;
  /** Returns the model to ask at that position. Throws LlmError if it cannot be asked. */
  target(position: number): ResolvedModel;
  ask(target: ResolvedModel): Promise<T>;
  /** Returns true while another answer may still replace the failed one. */
  isOpen(): boolean;
  observe: Observe;
}

/** Failures that end the whole completion. */
const FINAL: ReadonlySet<LlmErrorKind> = new Set([
  "aborted",
  "total_timeout",
  "content_filter",
  "cassette",
  "scripted",
]);

/**
 * Failures of the request itself, or of a provider's configuration. From the first model they end the chain, so that they are seen; a later
 * model is only passed over.
 */
const AT_FAULT: ReadonlySet<LlmErrorKind> = new Set(["bad_request", "tool_generation_failed", "html", "redirect"]);

const MAX_NOTE_LENGTH = 160;

/**
 * Resolves with the answer of the first model that gives one. Otherwise throws the first model's LlmError, with a note of what the others
 * said.
 */
export async function firstAnswer<T>(chain: Chain<T>): Promise<T> {
  const failures: LlmError[] = [];
  const named: string[] = [];
  /** The largest context window that was too small. */
  let tooSmall = 0;
  for (let position = 0; position < chain.length; position++) {
    let target: ResolvedModel | undefined;
    try {
      target = chain.target(position);
      const name = nameOf(target);
      if (named.includes(name) || target.contextWindow <= tooSmall) continue;
      named.push(name);
      const last = failures.at(-1);
      if (last) report(chain.observe, "another provider is asked", last, name);
      return await chain.ask(target);
    } catch (error) {
      if (!(error instanceof LlmError)) throw error;
      if (!target && position > 0) report(chain.observe, "a fallback cannot be asked", error);
      failures.push(error);
      if (error.kind === "context_length") tooSmall = target?.contextWindow ?? 0;
      if (FINAL.has(error.kind) || !chain.isOpen() || (position === 0 && AT_FAULT.has(error.kind))) break;
    }
  }
  throw summary(failures);
}

function nameOf({ provider, model }: ResolvedModel): string {
  return `${provider.name}/${model}`;
}

function report(observe: Observe, message: string, { provider, model, kind, status }: LlmError, next?: string): void {
  observe({ level: "warn", scope: "llm", message, fields: { provider, model, kind, status, next } });
}

/** Merges the failures. A final failure says most; otherwise the error of the first model counts. */
function summary(failures: readonly LlmError[]): LlmError {
  const last = failures.at(-1);
  const main = last && FINAL.has(last.kind) ? last : failures[0];
  if (!main) return new LlmError("bad_request", "no model to ask");
  const others = failures.filter((failure) => failure !== main);
  if (others.length === 0 || main.kind === "aborted") return main;
  const notes = others.map(({ message }) =>
    message.length > MAX_NOTE_LENGTH ? `${message.slice(0, MAX_NOTE_LENGTH)}…` : message,
  );
  const { provider, model, status, requestId, retryAfterMs, hint } = main;
  return new LlmError(main.kind, `${main.message} [also: ${notes.join("; ")}]`, {
    provider,
    model,
    status,
    requestId,
    retryAfterMs,
    hint,
    retryable: failures.some(({ retryable }) => retryable),
    attempts: Math.max(...failures.map(({ attempts = 0 }) => attempts)),
  });
}
