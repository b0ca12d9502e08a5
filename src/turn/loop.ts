/** The loop of a turn: requests to the model and tool calls, until the model is done. */

import { errorInfo, RequestError } from "../core/errors.js";
import type { AssistantMessageEvent, ChatEvent, StopReason } from "../core/events.js";
import { addAll } from "../core/lists/long-lists.js";
import type { Completion, CompletionRequest, Message, ToolDefinition } from "../core/messages.js";
import type { HubTool } from "../core/ports.js";
import { checkSchema } from "../core/schemas/caller-schemas.js";
import { runHop } from "./hop.js";
import { type AskedLimit, LimitGate } from "./limit-gate.js";
import type { TurnEnd } from "./outlet.js";
import { isHidden } from "./policy.js";
import { runToolCalls } from "./tool-batch.js";
import { unofferedChoice } from "./tool-use.js";
import { type Answer, abortReason, type ResumedAnswer, type TurnContext } from "./turn-context.js";

export interface LoopStart {
  /**
   * The system prompt, the conversation, and the user's message or, if the turn resumes, its last answer. The loop appends to this array.
   */
  messages: Message[];
  resume?: ResumedAnswer | undefined;
  /** Questions about limits that the turn asked before it resumed, in their order. */
  askedLimits?: readonly AskedLimit[];
  /** `uncutTokens` of the first request. The later requests also have what this host has added, and may be cut. */
  uncutTokens?: CompletionRequest["uncutTokens"];
}

/**
 * Runs a turn. Everything that a hop is about to do is stored in one write. Deltas are shown without waiting for writes. A failure of a model,
 * a tool or a provider does not reject: resolves with the last events, which the caller still has to store; the last of them is `turn_end` or
 * `turn_error`. Rejects only if the outlet does.
 *
 * If an answer calls a tool of `callerTools`, the turn ends after this answer. The calls of servers' tools in this answer are still run;
 * the calls of the caller's tools get no result.
 */
export async function driveTurn(turn: TurnContext, start: LoopStart): Promise<readonly ChatEvent[]> {
  const { turnId, budget, prices, options, out } = turn;
  const fail = (error: RequestError) => out.endWith({ type: "turn_error", turnId, error: errorInfo(error) });
  if (budget.limitsMoney && prices.unpriced !== undefined) return fail(noPrice(prices.unpriced));
  const unusable = options.output && (await checkSchema(options.output.jsonSchema));
  if (unusable) return fail(new RequestError("usage", unusable));
  return new TurnLoop(turn, start).run();
}

class TurnLoop {
  readonly #turn: TurnContext;
  readonly #start: LoopStart;
  readonly #gate: LimitGate;
  #offered: { all: readonly HubTool[]; tools: readonly ToolDefinition[] } | undefined;

  constructor(turn: TurnContext, start: LoopStart) {
    this.#turn = turn;
    this.#start = start;
    this.#gate = new LimitGate(turn);
  }

  async run(): Promise<readonly ChatEvent[]> {
    const { turnId, budget, loops, maxToolHops, options, signal, out } = this.#turn;
    const { messages, resume, askedLimits } = this.#start;
    const gate = this.#gate;
    const end = (stopReason: StopReason) => out.endWith({ type: "turn_end", turnId, stopReason });
    if (askedLimits?.length) await gate.resume(askedLimits);
    let known: Answer | undefined = resume;
    for (let hop = resume?.hop ?? 0; ; hop++) {
      const answered = known ?? (await this.#ask(hop));
      known = undefined;
      if ("type" in answered) return out.endWith(answered);
      const { calls, finishReason } = answered;
      if (calls.length === 0) {
        return end(gate.stopReason ?? (hop < maxToolHops ? stopReasonOf(finishReason) : "max_tool_hops"));
      }
      const own = options.callerTools ? calls.filter(({ call }) => !this.#isCallers(call.name)) : calls;
      const fresh = own.filter(({ sent, result }) => !sent && !result).length;
      const pause = gate.beforeCalls(fresh);
      if (pause) await pause;
      const runnable = gate.runnable(fresh);
      const truncated = finishReason === "length";
      addAll(messages, await runToolCalls({ calls: own, hop, runnable, truncated }, this.#turn));
      budget.called(Math.min(runnable, fresh), loops.endHop());
      if (signal.aborted) return end(abortReason(signal));
      if (own.length < calls.length) return end(stopReasonOf(finishReason));
    }
  }

  /** Requests the next answer and appends it to the messages. Returns the answer or, if the turn ends here, its last event. */
  async #ask(hop: number): Promise<Answer | TurnEnd> {
    const { turnId, budget, maxToolHops, options, promptCacheName: conversation, signal } = this.#turn;
    const { messages } = this.#start;
    const gate = this.#gate;
    const tools = this.#tools();
    const pause = hop < maxToolHops ? gate.beforeRequest({ messages, tools }, hop) : undefined;
    if (pause) await pause;
    const stopReason = gate.stopReason ?? (hop < maxToolHops ? undefined : "max_tool_hops");
    const bounds = stopReason ? await gate.lastRequest({ messages, tools }) : {};
    if (!bounds && !signal.aborted) return { type: "turn_end", turnId, stopReason: stopReason ?? "budget" };
    const toolChoice = stopReason ? "none" : hop === 0 ? options.toolChoice : undefined;
    const unoffered = toolChoice && unofferedChoice(toolChoice, tools);
    if (unoffered) return { type: "turn_error", turnId, error: errorInfo(unoffered) };
    const { model, temperature, effort, parallelToolCalls, output } = options;
    const most = Math.min(options.maxTokens ?? Number.POSITIVE_INFINITY, bounds?.maxTokens ?? Number.POSITIVE_INFINITY);
    const bound = Number.isFinite(most) ? { maxTokens: most } : {};
    const use = { tools, toolChoice, parallelToolCalls, output };
    const uncutTokens = hop === 0 ? this.#start.uncutTokens : undefined;
    // Later requests wait for the end of a provider's pause: if they failed, tools that have run would run again.
    const refusesPause = hop === 0 && options.unattended === true;
    const first = { uncutTokens, refusesPause };
    const request: CompletionRequest = {
      messages,
      ...use,
      model,
      temperature,
      effort,
      ...bound,
      conversation,
      ...first,
    };
    let answered = await runHop(request, this.#turn);
    if (answered.type === "assistant_message" && saidNothing(answered, request)) {
      budget.answered(answered.spent);
      answered = await runHop({ ...request, tools: [], refusesPause: false }, this.#turn);
    }
    if (answered.type !== "assistant_message") return answered;
    const { message, finishReason, spent } = answered;
    budget.answered(spent);
    messages.push(message);
    return { finishReason, calls: message.toolCalls.map((call) => ({ call, planned: false, sent: false })) };
  }

  /**
   * Returns the tools to offer. The list is read at every hop, so that a running turn also gets the tools of a server that becomes ready late.
   * Returns the same array object as long as the tools do not change, so that callers can reuse what they computed from it.
   */
  #tools(): readonly ToolDefinition[] {
    const { tools, record } = this.#turn;
    const all = tools.tools();
    if (this.#offered?.all !== all) {
      const offered = this.#offeredOf(all);
      this.#offered = { all, tools: record?.sorted(offered) ?? offered };
    }
    return this.#offered.tools;
  }

  #offeredOf(all: readonly HubTool[]): readonly ToolDefinition[] {
    const { rules, options } = this.#turn;
    const { callerTools = [] } = options;
    const tools = all.some((tool) => isHidden(tool, rules)) ? all.filter((tool) => !isHidden(tool, rules)) : all;
    if (callerTools.length === 0) return tools;
    return [...tools.filter(({ name }) => !this.#isCallers(name)), ...callerTools];
  }

  /** True if the tool is not run by a server but by the caller that started the turn. */
  #isCallers(name: string): boolean {
    return this.#turn.options.callerTools?.some((tool) => tool.name === name) ?? false;
  }
}

/**
 * True if the model called tools and wrote no text, although `tool_choice` was `none`; some servers ignore this parameter. In this case,
 * the caller repeats the request without tools, so that the model has to write text.
 */
function saidNothing({ message, finishReason }: AssistantMessageEvent, request: CompletionRequest): boolean {
  const isForbidden = request.toolChoice === "none" && request.tools.length > 0;
  return isForbidden && finishReason === "tool_calls" && message.content.trim() === "";
}

function noPrice(model: string): RequestError {
  return new RequestError(
    "usage",
    `the limit in US dollars cannot be applied, because the price of ${model} is not known`,
    {
      hint: `Set llm.prices."${model}" to {input: …, output: …}, US dollars per million tokens, or take usd out of chat.limits.`,
    },
  );
}

function stopReasonOf(finishReason: Completion["finishReason"]): StopReason {
  if (finishReason === "length") return "max_tokens";
  if (finishReason === "content_filter") return "refusal";
  return "end_turn";
}
