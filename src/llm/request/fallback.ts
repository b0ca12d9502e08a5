import { LlmError, type LlmErrorKind } from "../../core/errors.js";
import { largest } from "../../core/lists/long-lists.js";
import type { Observe } from "../../core/ports.js";
import type { ResolvedModel } from "../providers/providers.js";

export interface Chain<T> {
  length: number;
  /** Returns the model at this position. Throws LlmError if it cannot be asked. */
  target(position: number): ResolvedModel;
  ask(target: ResolvedModel): Promise<T>;
  isOpen(): boolean;
  observe: Observe;
}

const final: ReadonlySet<LlmErrorKind> = new Set([
  "aborted",
  "total_timeout",
  "content_filter",
  "cassette",
  "scripted",
]);

/**
 * Failures caused by the request or by a provider's configuration. If the first model fails with one of them, no other model is tried, so
 * that the user sees the failure. If a later model fails with one of them, the next model is tried.
 */
const atFault: ReadonlySet<LlmErrorKind> = new Set(["bad_request", "tool_generation_failed", "html", "redirect"]);

const maxNoteLength = 160;

/** Asks the models in order until one answers. If all fail, throws one LlmError for all of them (`summary`). */
export async function firstAnswer<T>(chain: Chain<T>): Promise<T> {
  const failures: LlmError[] = [];
  const named: string[] = [];
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
      if (final.has(error.kind) || !chain.isOpen() || (position === 0 && atFault.has(error.kind))) break;
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

/**
 * Returns one error for all models that failed. If the last failure is one that no other model could avoid (`FINAL`), that failure is
 * returned, otherwise the first model's failure. The message also names the other failures.
 */
function summary(failures: readonly LlmError[]): LlmError {
  const last = failures.at(-1);
  const main = last && final.has(last.kind) ? last : failures[0];
  if (!main) return new LlmError("bad_request", "no model to ask");
  const others = failures.filter((failure) => failure !== main);
  if (others.length === 0 || main.kind === "aborted") return main;
  const notes = others.map(({ message }) =>
    message.length > maxNoteLength ? `${message.slice(0, maxNoteLength)}…` : message,
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
    attempts: largest(failures.map(({ attempts = 0 }) => attempts)),
  });
}
