/**
 * Tests one wire (API) of a provider in the same way as a turn uses it. There are five small steps: a whole answer, a streamed answer, a
 * tool call, the answer to the tool's result, and sending the model's reasoning back.
 */

import type { LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { errorInfo } from "../core/errors.js";
import { parseJson } from "../core/json.js";
import type { Completion, CompletionRequest, KeptPart, Message, ToolCall, ToolDefinition } from "../core/messages.js";
import { LlmClient } from "../llm/client.js";
import type { ResolvedModel } from "../llm/providers/providers.js";
import { type Finding, fail, ok, warn, withoutEnd } from "./finding.js";

export interface TrialParts {
  env: Environment;
  tools: readonly ToolDefinition[];
  /** True if turns stream their answers in this configuration. */
  streaming: boolean;
  signal: AbortSignal;
}

/** The tool that the model is asked to call. It has a name that no server or model is likely to use. */
const probe: ToolDefinition = {
  name: "mcp_platform_doctor",
  description: "Says that tools work. Takes the word `works`.",
  inputSchema: {
    type: "object",
    properties: { word: { type: "string", description: "works" } },
    required: ["word"],
  },
};

/**
 * Conversation id of the tool call and of the tool's result. With this id both requests use the same API key; if there are several keys,
 * requests without a conversation id alternate between the keys.
 */
const conversation = "mcp-platform-doctor";

/**
 * Runs the steps, and stops at the first failed request. `kind` is the error kind of that request. `wire` is the wire of the last request.
 * It differs from the configured wire if the provider has asked for another wire. Rejects only with the signal's reason.
 */
export async function tryWire(
  llm: LlmConfig,
  target: ResolvedModel,
  parts: TrialParts,
): Promise<{ findings: Finding[]; kind?: string; wire: string }> {
  const trial = new Trial(llm, target, parts);
  try {
    const kind = await trial.run();
    return { findings: trial.findings, kind, wire: trial.wire };
  } finally {
    await trial.close();
  }
}

class Trial {
  readonly #findings: Finding[] = [];
  readonly #notices: Finding[] = [];
  readonly #client: LlmClient;
  readonly #target: ResolvedModel;
  readonly #parts: TrialParts;
  #check = "";
  #refusesReasoning = false;
  /**
   * True if the client has corrected the request and sent it again. The second attempt is then not reported as a problem of the provider.
   */
  #isCorrected = false;

  constructor(llm: LlmConfig, target: ResolvedModel, parts: TrialParts) {
    this.#target = target;
    this.#parts = parts;
    this.#client = new LlmClient(
      { ...llm, fallback: [] },
      {
        env: parts.env,
        observe: ({ level, message, fields = {} }) => {
          if (level === "debug" || message.startsWith("request failed")) return;
          this.#isCorrected = true;
          if ("forgets" in fields) this.#refusesReasoning = true;
          else if (level === "warn") this.#notices.push(this.#notice(message));
        },
      },
    );
  }

  get findings(): Finding[] {
    return [...this.#findings, ...this.#notices];
  }

  get wire(): string {
    return this.#client.wireOf(this.#model).name;
  }

  get #model(): string {
    return `${this.#target.provider.name}/${this.#target.model}`;
  }

  /** Runs the steps. Resolves with the kind of the error that ended them, or with undefined if all requests succeeded. */
  async run(): Promise<string | undefined> {
    try {
      await this.#askForWord("plain", false);
      await this.#askForWord("stream", true);
      await this.#askForCall();
      return undefined;
    } catch (error) {
      this.#parts.signal.throwIfAborted();
      const { kind, message, hint } = errorInfo(error);
      this.#findings.push(fail(this.#check, message, withoutEnd(hint) || "read the error"));
      return kind;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #askForWord(check: string, streaming: boolean): Promise<void> {
    const { message, facts } = await this.#ask(check, streaming, {
      messages: [user("Reply with the single word: works")],
      tools: [],
    });
    this.#findings.push(textFinding(check, message.content, facts));
  }

  async #askForCall(): Promise<void> {
    const { streaming } = this.#parts;
    const tools = [probe, ...this.#parts.tools];
    const asked = user(`Call the ${probe.name} tool with word="works".`);
    const { message, facts } = await this.#ask("tools", streaming, { messages: [asked], tools, conversation });
    const finding = toolFinding(this.#target.provider.name, message.toolCalls, facts);
    this.#findings.push(finding);
    if (finding.status !== "ok") return;
    const messages = [asked, message, ...message.toolCalls.map(resultOf)];
    const answered = await this.#ask("result", streaming, { messages, tools, conversation });
    const isAnswer = answered.message.content.trim() !== "" || answered.message.toolCalls.length > 0;
    this.#findings.push(isAnswer ? ok("result", answered.facts) : emptyAnswer("result", answered.facts));
    this.#findings.push(this.#reasoningFinding(message.kept?.parts));
  }

  /** Sends one request. `facts` is a text with the model's name and the response times. */
  async #ask(
    check: string,
    streaming: boolean,
    request: CompletionRequest,
  ): Promise<Pick<Completion, "message"> & { facts: string }> {
    this.#check = check;
    this.#isCorrected = false;
    const beganAt = performance.now();
    let firstMs: number | undefined;
    const onDelta = () => {
      firstMs ??= performance.now() - beganAt;
    };
    const asked = { ...request, model: this.#model };
    const { signal } = this.#parts;
    const { message, model, attempts } = await this.#client.complete(asked, { streaming, signal }, onDelta);
    const ms = Math.round(performance.now() - beganAt);
    const first = firstMs === undefined ? "" : `, the first of it in ${Math.round(firstMs)} ms`;
    if (attempts > 1 && !this.#isCorrected) {
      const fix = "look at the provider's status page if this continues";
      this.#notices.push(warn(check, `only the ${attempts}. request was answered`, fix));
    }
    return { message, facts: `${model} answered in ${ms} ms${first}` };
  }

  /** Returns a finding for a warning of the client, with advice on what to change in the configuration. */
  #notice(message: string): Finding {
    const { name, wire } = this.#target.provider;
    const spoken = this.wire;
    const fix =
      spoken === wire
        ? `fix what is named, or see llm.providers.${name}.quirks`
        : `write "wire: ${spoken}" under llm.providers.${name} in config.yaml`;
    return warn(spoken === wire ? "request" : "wire", message, fix);
  }

  #reasoningFinding(parts: readonly KeptPart[] = []): Finding {
    if (this.#refusesReasoning) {
      const text = "the provider refuses the reasoning of its own answer: turns go on without it, and cost more";
      const fix = `check that base_url and all keys of llm.providers.${this.#target.provider.name} belong to the same account`;
      return warn("reasoning", text, fix);
    }
    return parts.some(isReasoning)
      ? ok("reasoning", "the reasoning of the call was sent back with its result, and accepted")
      : ok("reasoning", `the call came without reasoning that could be sent back over the wire ${this.wire}`);
  }
}

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });

const resultOf = ({ id }: ToolCall): Message => ({
  role: "tool",
  toolCallId: id,
  content: [{ type: "text", text: "It works." }],
  isError: false,
});

/** Returns true if the part is reasoning: a block that only its provider can read, or a part with a signature. */
function isReasoning(part: KeptPart): boolean {
  return "opaque" in part || /signature/i.test(JSON.stringify(part.extra ?? {}));
}

function textFinding(check: string, content: string, facts: string): Finding {
  return content.trim() === "" ? emptyAnswer(check, facts) : ok(check, facts);
}

function emptyAnswer(check: string, facts: string): Finding {
  return warn(check, `${facts}, with nothing`, "try another model, or a higher max_tokens");
}

function toolFinding(name: string, calls: readonly ToolCall[], facts: string): Finding {
  const fix = `use a model that can call tools (llm.providers.${name}.model)`;
  const call = calls.find((each) => each.name === probe.name);
  if (!call) return warn("tools", `${facts}, but the model did not call the tool that it was told to call`, fix);
  return parseJson(call.arguments) !== undefined
    ? ok("tools", `${facts}, with a tool call`)
    : warn("tools", `${facts}, but the arguments of the call are not JSON`, fix);
}
