import type { CompletionRequest, ToolDefinition } from "../../core/chat.js";
import type { Observe } from "../../core/ports.js";
import { remember } from "../../core/remember.js";
import type { Quirks } from "../providers/presets.js";
import type { Provider, ResolvedModel } from "../providers/providers.js";
import { writeBody } from "../wires/chat/body-text.js";
import { isAboutTools, type Lesson, lessonsIn, toolNamedIn } from "../wires/chat/learn.js";
import type { ProviderError } from "../wires/shared/provider-error.js";
import type { RequestBody } from "../wires/shared/request-body.js";
import { textsIn } from "./quotes.js";

/** Of English and code; other texts have more tokens. */
const BYTES_PER_TOKEN = 4;
/** Tokens. A shorter prompt fits everywhere, and is compared badly. */
const LEAST_COMPARED = 1000;

/** A request that was corrected so often is wrong in itself. */
const MAX_CORRECTIONS = 8;

/** What is known of how providers want to be spoken to, for each model of each, for the life of the process. */
export class Dialects {
  readonly #known = new Map<string, Dialect>();
  readonly #observe: Observe;

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  /** The request in the words of that model. */
  draft(request: CompletionRequest, target: ResolvedModel, streaming: boolean): Draft {
    const key = `${target.provider.name}/${target.model}`;
    const dialect = this.#known.get(key) ?? new Dialect(target, this.#observe);
    remember(this.#known, key, dialect);
    return new Draft(request, dialect, streaming);
  }
}

/** One model of one provider: its quirks by preset and configuration, corrected by what it refused. */
class Dialect {
  readonly provider: Provider;
  readonly model: string;
  readonly #observe: Observe;
  readonly #learnt = new Set<keyof Quirks>();
  /** Tools left out, each with the schema that was refused: a server may mend it. */
  readonly #refused = new Map<string, string>();
  #quirks: Quirks;
  #offered = 0;
  #cuts = false;

  constructor({ provider, model }: ResolvedModel, observe: Observe) {
    this.provider = provider;
    this.model = model;
    this.#quirks = provider.quirks;
    this.#observe = observe;
  }

  get quirks(): Quirks {
    return this.#quirks;
  }

  /** The quirks with that lesson. What was learnt once stays: a provider that refuses both is not asked in turns for ever. */
  with({ quirk, value }: Lesson): Quirks {
    return this.#learnt.has(quirk) ? this.#quirks : { ...this.#quirks, [quirk]: value };
  }

  learn(lesson: Lesson): void {
    const { quirk, value, note } = lesson;
    if (this.#learnt.has(quirk)) return;
    this.#quirks = this.with(lesson);
    this.#learnt.add(quirk);
    this.#say("info", note, { quirk, value });
  }

  leaveOut(tool: ToolDefinition): void {
    this.#refused.set(tool.name, JSON.stringify(tool.inputSchema));
    this.#say("warn", `the tool ${tool.name} is left out: its definition is refused`, { tool: tool.name });
  }

  /** The tools that are sent: the first ones, where there are too many, so that it is the same ones every time. */
  tools(offered: readonly ToolDefinition[], { maxTools }: Quirks): readonly ToolDefinition[] {
    const usable = this.#refused.size === 0 ? offered : offered.filter((tool) => !this.#isRefused(tool));
    if (usable.length <= maxTools) return usable;
    if (usable.length !== this.#offered) {
      this.#offered = usable.length;
      const key = `llm.providers.${this.provider.name}.quirks.max_tools`;
      const advice = "Offer fewer: mcpServers.*.tools.allow and deny.";
      this.#say("warn", `${usable.length} tools are too many, the first ${maxTools} are sent (${key}). ${advice}`, {
        offered: usable.length,
        sent: maxTools,
      });
    }
    return usable.slice(0, maxTools);
  }

  /**
   * Warns, once until it is over, where the provider read far less than was sent: Ollama cuts off the beginning of what is longer than its
   * window, and the model knows neither its instructions nor its tools.
   */
  counted(inputTokens: number, request: CompletionRequest): void {
    if (!this.#quirks.cutsPrompts) return;
    const bytes = textsIn(request).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const sent = Math.round(bytes / BYTES_PER_TOKEN);
    const wasCut = this.#cuts;
    this.#cuts = sent >= LEAST_COMPARED && inputTokens < sent / 2;
    if (!this.#cuts || wasCut) return;
    const advice = `Raise its window (OLLAMA_CONTEXT_LENGTH, or num_ctx of the model), or lower llm.providers.${this.provider.name}.context_window.`;
    const said = `${this.model} read ${inputTokens} tokens of about ${sent} that were sent: the beginning was cut off. ${advice}`;
    this.#say("warn", said, { inputTokens, sent });
  }

  #isRefused({ name, inputSchema }: ToolDefinition): boolean {
    const refused = this.#refused.get(name);
    return refused !== undefined && refused === JSON.stringify(inputSchema);
  }

  #say(level: "info" | "warn", message: string, fields: Record<string, unknown>): void {
    const { provider, model } = this;
    const named = { provider: provider.name, model, ...fields };
    this.#observe({ level, scope: "llm", message: `${provider.name}: ${message}`, fields: named });
  }
}

/** A request on its way into the words of a provider. */
export class Draft {
  readonly #request: CompletionRequest;
  readonly #dialect: Dialect;
  readonly #streaming: boolean;
  #quirks: Quirks;
  #tools: readonly ToolDefinition[] = [];
  #corrections = 0;
  #body: RequestBody | undefined;

  constructor(request: CompletionRequest, dialect: Dialect, streaming: boolean) {
    this.#request = request;
    this.#dialect = dialect;
    this.#streaming = streaming;
    this.#quirks = dialect.quirks;
  }

  /** The body as it is to be sent, serialised once for all attempts. */
  get body(): RequestBody {
    this.#body ??= this.#write(this.#quirks);
    return this.#body;
  }

  /** The provider's count of what was sent; see `Dialect.counted`. */
  counted(inputTokens: number): void {
    this.#dialect.counted(inputTokens, this.#request);
  }

  /** Frees the memory of `body`; should it be needed after all, it is made again. */
  release(): void {
    this.#body = undefined;
  }

  /** Learns from a refusal. True: `body` reads differently now, and is worth sending again. */
  correct(said: ProviderError): boolean {
    if (++this.#corrections > MAX_CORRECTIONS) return false;
    for (const lesson of lessonsIn(said, this.#quirks)) {
      const quirks = this.#dialect.with(lesson);
      if (!this.#rewrite(quirks)) continue;
      this.#dialect.learn(lesson);
      return true;
    }
    return isAboutTools(said) && this.#leaveOutTool(said);
  }

  #leaveOutTool(said: ProviderError): boolean {
    const names = this.#tools.map(({ name }) => name);
    const name = toolNamedIn(said, names);
    const tool = this.#tools.find((one) => one.name === name);
    if (!tool) return false;
    this.#dialect.leaveOut(tool);
    return this.#rewrite(this.#dialect.quirks);
  }

  /** True when that changes anything. */
  #rewrite(quirks: Quirks): boolean {
    const body = this.#write(quirks);
    if (String(body) === String(this.body)) return false;
    this.#quirks = quirks;
    this.#body = body;
    return true;
  }

  #write(quirks: Quirks): RequestBody {
    const { provider, model } = this.#dialect;
    this.#tools = this.#dialect.tools(this.#request.tools, quirks);
    const request = this.#tools === this.#request.tools ? this.#request : { ...this.#request, tools: this.#tools };
    return writeBody(request, { provider, model, streaming: this.#streaming, quirks });
  }
}
