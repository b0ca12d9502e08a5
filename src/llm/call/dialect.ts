import { remember } from "../../core/async/remember.js";
import type { WireName } from "../../core/config.js";
import {
  type AssistantMessage,
  type CompletionRequest,
  type KeptPart,
  type KeptParts,
  type MediaKind,
  type Message,
  mediaKinds,
  type ToolDefinition,
} from "../../core/messages.js";
import type { Observe } from "../../core/ports.js";
import { headOf } from "../../core/text/excerpt.js";
import { bytesPerToken } from "../../core/token-usage.js";
import { accountOf } from "../providers/provider-account.js";
import type { Provider, ResolvedModel } from "../providers/providers.js";
import { failure } from "../shared/llm-errors.js";
import { wireOf } from "../wires/all-wires.js";
import { keptFor } from "../wires/shared/kept.js";
import type { Lesson, Wire, WireQuirks } from "../wires/wire.js";
import { textsIn } from "./quotes.js";
import { RefusedMedia } from "./refused-media.js";

/** Prompts with fewer tokens are not checked for being cut off: they fit every window, and the estimate of their tokens is too rough. */
const leastCompared = 1000;

/** Settings of Ollama that hold a model's window. */
const windowOfModel = "OLLAMA_CONTEXT_LENGTH, or num_ctx of the model";

export class Dialects {
  readonly #known = new Map<string, Dialect>();
  readonly #observe: Observe;

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  of(target: ResolvedModel): Dialect {
    const key = `${target.provider.name}/${target.model}`;
    const known = this.#known.get(key);
    if (known?.provider === target.provider) return known;
    return remember(this.#known, key, new Dialect(target, this.#observe, known));
  }
}

/**
 * How to write requests to one model of one provider: its wire, and its quirks from preset and configuration, corrected by what the
 * provider refused.
 */
export class Dialect {
  readonly provider: Provider;
  readonly model: string;
  readonly #observe: Observe;
  readonly #learnt = new Set<string>();
  /**
   * The refused schema of each tool that is left out of requests, keyed by the tool's name. If the tool's server changes the schema, the
   * tool is sent again.
   */
  readonly #refused = new Map<string, string>();
  readonly #forgotten = new WeakSet<KeptParts>();
  readonly media = new RefusedMedia();
  #wire: Wire;
  /**
   * The wire (kind of API, such as `chat`) that the provider has refused for this model, either for all requests or for those with tools.
   */
  #refusedWire: WireName | undefined;
  #urls: { streamed?: string; whole?: string } = {};
  #quirks: WireQuirks;
  #account: string | undefined;
  #offered = 0;
  #cuts = false;

  /**
   * `before`: the dialect of the same provider and model in an earlier configuration. If the provider has the same address and wire, the
   * wire that `before` had switched to stays in use.
   */
  constructor({ provider, model }: ResolvedModel, observe: Observe, before?: Dialect) {
    this.provider = provider;
    this.model = model;
    const isSame = before?.provider.baseUrl === provider.baseUrl && before.provider.wire === provider.wire;
    this.#refusedWire = isSame ? before.#refusedWire : undefined;
    this.#wire = isSame ? before.#wire : wireOf(provider.wire);
    this.#quirks = this.#wire.quirks(provider, model);
    this.#observe = observe;
  }

  get wire(): Wire {
    return this.#wire;
  }

  get wireBy(): string {
    const { provider, model } = this;
    return this.#refusedWire
      ? `${provider.name}, which refused ${model} through ${this.#refusedWire} (${provider.wireBy})`
      : provider.wireBy;
  }

  /**
   * Kinds of content that the model takes besides text, as far as it is known before the first request. What a provider refuses later does not
   * count, so that a repeated request is treated as the first one was.
   */
  get takes(): MediaKind[] {
    const { images, audio, files } = this.#wire.quirks(this.provider, this.model);
    const taken = { image: images, audio, file: files };
    return mediaKinds.filter((kind) => taken[kind]);
  }

  /**
   * Switches to the wire of this name. Returns false if there is no such wire, if it is already in use, or if the provider has refused it.
   */
  speak(name: WireName, note: string): boolean {
    const wire = wireOf(name);
    if (wire.name !== name || wire === this.#wire || this.#refusedWire === name) return false;
    this.#refusedWire = this.#wire.name;
    this.#wire = wire;
    this.#urls = {};
    this.#quirks = wire.quirks(this.provider, this.model);
    this.#learnt.clear();
    this.say("warn", note, { wire: name });
    return true;
  }

  url(streaming: boolean): string {
    const { provider, model } = this;
    const urls = this.#urls;
    if (streaming) urls.streamed ??= this.#wire.url({ provider, model, streaming });
    else urls.whole ??= this.#wire.url({ provider, model, streaming });
    return (streaming ? urls.streamed : urls.whole) ?? "";
  }

  get quirks(): WireQuirks {
    return this.#quirks;
  }

  get account(): string {
    this.#account ??= accountOf(this.provider);
    return this.#account;
  }

  /**
   * Returns the parts of an answer, such as signed reasoning, that may be sent back to this model. It is a field instead of a method so
   * that it can be passed on as a function.
   */
  readonly keptIn = (message: AssistantMessage): readonly KeptPart[] | undefined => {
    if (!message.kept || this.#forgotten.has(message.kept)) return undefined;
    const { provider, model, account } = this;
    const wire = this.#wire;
    const family = (name: string) => wire.family(name);
    return keptFor(message, { wire: wire.name, provider: provider.name, account, model, family });
  };

  /** Never sends the kept parts of these messages again. */
  forgetKept(messages: readonly Message[]): void {
    const forgets = messages.flatMap((message) => (message.role === "assistant" && message.kept) || []);
    for (const kept of forgets) this.#forgotten.add(kept);
    const what = "the signed reasoning and the ids of earlier answers are refused";
    this.say("warn", `${what}; leaving them out of this conversation from now on`, { forgets: forgets.length });
  }

  /**
   * Returns the quirks with these changes applied. A quirk that has already been learnt is not changed again: if a provider refuses both
   * values of a quirk, the host would otherwise alternate between them forever.
   */
  with(changes: object): WireQuirks {
    const fresh = Object.entries(changes).filter(([quirk]) => !this.#learnt.has(quirk));
    return fresh.length === 0 ? this.#quirks : { ...this.#quirks, ...Object.fromEntries(fresh) };
  }

  learn({ changes = {}, note, isLoss = false }: Lesson): void {
    const quirks = this.with(changes);
    if (quirks === this.#quirks) return;
    this.#quirks = quirks;
    for (const quirk of Object.keys(changes)) this.#learnt.add(quirk);
    this.say(isLoss ? "warn" : "info", note, { changes });
  }

  leaveOut(tool: ToolDefinition): void {
    this.#refused.set(tool.name, JSON.stringify(tool.inputSchema));
    this.say("warn", `the tool ${tool.name} is left out, because the provider refuses its definition`, {
      tool: tool.name,
    });
  }

  /**
   * Returns the tools to send, with descriptions that the provider accepts. If there are more than `maxTools`, the first `maxTools` of them are
   * sent, the same ones in every request.
   */
  tools(offered: readonly ToolDefinition[], { maxTools, maxDescription }: WireQuirks): readonly ToolDefinition[] {
    const accepted = this.#refused.size === 0 ? offered : offered.filter((tool) => !this.#isRefused(tool));
    const usable = maxDescription === undefined ? accepted : accepted.map((tool) => shortened(tool, maxDescription));
    if (usable.length <= maxTools) return usable;
    if (usable.length !== this.#offered) {
      this.#offered = usable.length;
      const key = `llm.providers.${this.provider.name}.quirks.max_tools`;
      const advice = "Offer fewer tools: mcpServers.*.tools.allow and deny.";
      this.say(
        "warn",
        `${usable.length} tools are too many, so only the first ${maxTools} are sent (${key}). ${advice}`,
        {
          offered: usable.length,
          sent: maxTools,
        },
      );
    }
    return usable.slice(0, maxTools);
  }

  /** Throws LlmError `context_length` if the provider would cut off the beginning of a prompt with this many tokens. */
  requireUncut(inputTokens: number): void {
    const { provider, model } = this;
    const { name, contextWindow } = provider;
    if (!this.#quirks.cutsPrompts || inputTokens <= contextWindow) return;
    const setting = `llm.providers.${name}.context_window`;
    const said = `about ${inputTokens} tokens are more than its window of ${contextWindow} (${setting}), so the beginning would be cut off`;
    const hint = `Shorten the conversation. Or raise the model's window (${windowOfModel}), and set ${setting} to the same.`;
    throw failure("context_length", said, { provider, model, attempts: 0 }, { hint });
  }

  /**
   * Warns if the provider has read far fewer tokens than were sent: Ollama cuts off the beginning of a prompt that exceeds its window,
   * including instructions and tools. The warning is repeated only after a prompt has been read whole in the meantime.
   */
  counted(inputTokens: number, request: CompletionRequest): void {
    if (!this.#quirks.cutsPrompts) return;
    const bytes = textsIn(request).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const sent = Math.round(bytes / bytesPerToken);
    const wasCut = this.#cuts;
    this.#cuts = sent >= leastCompared && inputTokens < sent / 2;
    if (!this.#cuts || wasCut) return;
    const advice = `Raise its window (${windowOfModel}), or lower llm.providers.${this.provider.name}.context_window.`;
    const said = `${this.model} read ${inputTokens} tokens of about ${sent} that were sent: the beginning was cut off. ${advice}`;
    this.say("warn", said, { inputTokens, sent });
  }

  #isRefused({ name, inputSchema }: ToolDefinition): boolean {
    const refused = this.#refused.get(name);
    return refused !== undefined && refused === JSON.stringify(inputSchema);
  }

  say(level: "info" | "warn", message: string, fields: Record<string, unknown> = {}): void {
    const { provider, model } = this;
    const named = { provider: provider.name, model, ...fields };
    this.#observe({ level, scope: "llm", message: `${provider.name}: ${message}`, fields: named });
  }
}

function shortened(tool: ToolDefinition, maxDescription: number): ToolDefinition {
  if (tool.description.length <= maxDescription) return tool;
  return { ...tool, description: `${headOf(tool.description, maxDescription - 1)}…` };
}
