import type { Completion, CompletionRequest } from "../core/chat.js";
import type { LlmConfig, StreamRecovery } from "../core/config.js";
import { type NewId, newId } from "../core/ids.js";
import type { Observe } from "../core/ports.js";
import type { Attempts, OnDelta } from "./attempts.js";
import { Call, TotalTimeout } from "./call.js";
import { type Environment, type ResolvedModel, resolveModel } from "./providers.js";
import { requestBody } from "./wire.js";

export interface LlmClientParts {
  env: Environment;
  observe: Observe;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
  newId?: NewId;
}

export interface CompleteOptions {
  streaming: boolean;
  signal?: AbortSignal;
  /** Called as deltas arrive, when streaming. Must not throw. */
  onDelta?: OnDelta;
  /** After the first delta, what `llm.stream_recovery: auto` stands for. Default: `fail`, nothing is sent again. */
  streamRecovery?: StreamRecovery;
  /** Sent as `X-Client-Request-Id`. */
  requestId?: string;
}

/** `llm.http.total_timeout` unless the file sets it. A stream gets more, since `idle_timeout` watches its progress. */
const DEFAULT_TOTAL_MS = 300_000;
const DEFAULT_STREAM_TOTAL_MS = 900_000;

/** Chat Completions of any provider. The HTTP stack is loaded with the first request: an idle host does without. */
export class LlmClient {
  readonly #config: LlmConfig;
  readonly #parts: Required<LlmClientParts>;
  readonly #resolved = new Map<string, ResolvedModel>();
  #attempts: Promise<Attempts> | undefined;

  constructor(config: LlmConfig, parts: LlmClientParts) {
    this.#config = config;
    this.#parts = { now: Date.now, random: Math.random, newId, ...parts };
  }

  /** Throws LlmError: unknown provider, no model, no key. */
  resolve(model?: string): ResolvedModel {
    const known = this.#resolved.get(model ?? "");
    if (known) return known;
    const resolved = resolveModel(this.#config, this.#parts.env, model);
    this.#resolved.set(model ?? "", resolved);
    return resolved;
  }

  /** One completion, streamed or not: the same answer gives the same completion. Throws LlmError. */
  async complete(request: CompletionRequest, options: CompleteOptions): Promise<Completion> {
    const { now, observe } = this.#parts;
    const target = this.resolve(request.model);
    const totalTimeoutMs = this.#totalTimeoutMs(options.streaming);
    using limited = limitTime(totalTimeoutMs, options.signal);
    const call = new Call(
      target,
      {
        http: this.#config.http,
        requestId: options.requestId ?? this.#parts.newId("req"),
        streaming: options.streaming,
        signal: limited.signal,
        totalTimeoutMs,
        deadlineAt: now() + totalTimeoutMs,
      },
      Buffer.from(JSON.stringify(requestBody(request, { ...target, streaming: options.streaming }))),
    );
    const attempts = await this.#load();
    const fold = await attempts.answer(call, options.streaming ? options.onDelta : undefined, this.#restarts(options));
    const answer = fold.finish(() => this.#parts.newId("call"), idsIn(request));
    const completion = { ...answer, provider: target.provider.name, model: target.model, attempts: call.attempts };
    const { provider, model, finishReason, usage } = completion;
    const fields = { provider, model, finishReason, attempts: call.attempts, ...usage };
    observe({ level: "debug", scope: "llm", message: "completion", fields });
    return completion;
  }

  /** Closes the connections; requests in flight fail. */
  async close(): Promise<void> {
    (await this.#attempts)?.close();
  }

  #load(): Promise<Attempts> {
    this.#attempts ??= import("./attempts.js").then(({ Attempts }) => new Attempts(this.#config.http, this.#parts));
    return this.#attempts;
  }

  #restarts({ streamRecovery = "fail" }: CompleteOptions): boolean {
    const configured = this.#config.streamRecovery;
    return (configured === "auto" ? streamRecovery : configured) === "restart";
  }

  #totalTimeoutMs(streaming: boolean): number {
    const { totalTimeoutMs } = this.#config.http;
    return streaming && totalTimeoutMs === DEFAULT_TOTAL_MS ? DEFAULT_STREAM_TOTAL_MS : totalTimeoutMs;
  }
}

/** A signal that follows the caller's and aborts on its own when time is up. Disposing of it stops the clock. */
function limitTime(totalMs: number, outer: AbortSignal | undefined): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new TotalTimeout()), totalMs);
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  else outer?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", follow);
    },
  };
}

/** Servers that count their calls anew in every answer give the same id twice in a conversation. */
function idsIn({ messages }: CompletionRequest): (id: string) => boolean {
  const ids = new Set(
    messages.flatMap((message) => (message.role === "assistant" ? message.toolCalls : [])).map(({ id }) => id),
  );
  return (id) => ids.has(id);
}
