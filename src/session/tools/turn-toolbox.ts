/**
 * The tools of one turn: tools of the servers, and tools of the host. One tool of the host reads results that were too large to be shown.
 * Another searches for tools if there are too many to send all. The found tools and the stored results are read from the log, so they are
 * known after a restart and in a copy of the conversation too.
 */

import type { ResultStore } from "../../core/chat-store.js";
import type { StoredEvent } from "../../core/events.js";
import type { NewId } from "../../core/ids.js";
import type { ToolCall, ToolResult } from "../../core/messages.js";
import type { HubTool, PreparedCall, Toolbox } from "../../core/ports.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import { type KnownTools, noteTools } from "../../log/folds/known-tools.js";
import { withoutRewound } from "../../log/folds/rewind.js";
import { isHidden, type PolicyRules } from "../../turn/policy.js";
import type { TurnContext } from "../../turn/turn-context.js";
import type { PromptOptions, TurnDefaults } from "../shared/prompt-options.js";
import { findTools } from "./find-tools.js";
import { type HostTool, prepareHostCall } from "./host-tool.js";
import { OfferRecord } from "./offer-record.js";
import { type OffloadParts, offload } from "./offload.js";
import { readResult } from "./read-result.js";
import { firstTools, fitsAll, foundTools, type ToolLimits } from "./tool-choice.js";

interface ToolboxTurn {
  parts: { hub: Toolbox; newId: NewId; conversationId: string };
  settings: {
    llm: Pick<TurnContext["llm"], "resolve">;
    defaults: Pick<TurnDefaults, "toolBudgetTokens" | "resultLimitTokens">;
  };
  options: Pick<PromptOptions, "model" | "toolChoice">;
  rules: PolicyRules;
  log: LogSince;
  results: ResultStore;
}

/** Maximum share of the model's window for tool definitions. No configuration can raise it. */
const toolShare = 0.25;

interface ToolChoices {
  /** The tools as the hub returned them. The hub returns the same array while no tool changes. */
  offered: readonly HubTool[];
  /** The tools in `offered` that are not hidden. */
  tools: readonly HubTool[];
  /** Set if there are too many tools to send all. Every request contains the tools in `first`; `search` finds the tools in `byName`. */
  deferral?: { search: HostTool; first: ReadonlySet<HubTool>; byName: ReadonlyMap<string, HubTool> };
}

export class TurnToolbox implements Toolbox {
  readonly #turn: ToolboxTurn;
  readonly #limits: ToolLimits;
  readonly #reader: HostTool;
  readonly #offload: OffloadParts;
  readonly #known: KnownTools;
  /** Record of how requests begin. It covers all turns of the conversation. */
  readonly record = new OfferRecord();
  #choice: ToolChoices | undefined;

  /** Throws LlmError if the model cannot be used. */
  constructor(turn: ToolboxTurn) {
    this.#turn = turn;
    const { parts, settings, options, log, results } = turn;
    const { checkpoint, events } = log;
    const { toolBudgetTokens, resultLimitTokens } = settings.defaults;
    const { contextWindow, provider } = settings.llm.resolve(options.model);
    this.#limits = {
      maxTokens: Math.min(toolBudgetTokens, contextWindow * toolShare),
      maxTools: provider.quirks.maxTools,
    };
    const known = { found: new Set(checkpoint?.found), resultIds: new Set(checkpoint?.resultIds) };
    this.#known = known;
    this.#reader = readResult({ results, known: known.resultIds, maxBytes: resultLimitTokens * 4 });
    const put = (resultId: string, text: string) => results.put(parts.conversationId, resultId, text);
    const reader = this.#reader.definition.name;
    this.#offload = { limitTokens: resultLimitTokens, put, newId: parts.newId, reader };
    for (const event of events) noteTools(known, event);
    for (const event of withoutRewound(events)) this.record.note(event);
    if (typeof options.toolChoice !== "object") return;
    // The tool that the first answer must call is offered even if there are too many tools. It is moved to the end, because those tools that
    // were found last are dropped last.
    known.found.delete(options.toolChoice.name);
    known.found.add(options.toolChoice.name);
  }

  note(event: StoredEvent): void {
    this.record.note(event);
    noteTools(this.#known, event);
  }

  /**
   * Returns the tools for the next request: first those that are always sent, then those that were found, the oldest first. This keeps the
   * beginning of requests the same. The tool that reads results is included only if a result is stored, because most conversations never
   * store one. `record` determines the final order.
   */
  tools(): readonly HubTool[] {
    const { tools, deferral } = this.#chosen();
    const reader = this.#known.resultIds.size > 0 ? [this.#reader.definition] : [];
    if (!deferral) return reader.length === 0 ? tools : [...tools, ...reader];
    const { search, first, byName } = deferral;
    const found = [...this.#known.found].flatMap((name) => byName.get(name) ?? []);
    return [search.definition, ...first, ...reader, ...foundTools(found, this.#limits)];
  }

  async prepare(call: ToolCall): Promise<PreparedCall | { refused: ToolResult }> {
    const { deferral } = this.#chosen();
    const search = deferral?.search;
    if (call.name === this.#reader.definition.name) return prepareHostCall(this.#reader, call);
    const isSearch = call.name === search?.definition.name;
    const prepared = isSearch ? prepareHostCall(search, call) : await this.#turn.parts.hub.prepare(call);
    if ("refused" in prepared) return prepared;
    const whole = prepared.send;
    // A model may call a tool that it was not offered. Such a tool is offered from the next request on.
    const called = deferral?.byName.has(call.name) ? call.name : undefined;
    // The function is first assigned to a variable. If it were assigned to `prepared.send` directly, V8 would keep the last such function
    // in memory for ever, with everything that it refers to (AGENTS.md explains why).
    const send: PreparedCall["send"] = async (options) => {
      const result = await whole(options);
      return this.#withFresh(isSearch ? result : await offload(result, this.#offload), called);
    };
    // `prepared` belongs to this call only, so it is changed and not copied. Copying its many fields would cost more than the rest of this
    // function.
    prepared.send = send;
    return prepared;
  }

  /**
   * Sets the result's `found` to the tools, including the called one, that the model has not been sent yet. A tool that was sent already
   * keeps its position in the list of tools, so it is not listed again.
   */
  #withFresh(result: ToolResult, called: string | undefined): ToolResult {
    const { found, ...rest } = result;
    const names = called === undefined ? (found ?? []) : [...(found ?? []), called];
    if (names.length === 0) return result;
    const fresh = names.filter((name) => !this.record.has(name));
    return fresh.length > 0 ? { ...rest, found: fresh } : rest;
  }

  #chosen(): ToolChoices {
    const { parts, rules } = this.#turn;
    const offered = parts.hub.tools();
    if (this.#choice?.offered === offered) return this.#choice;
    const hides = (tool: HubTool) => isHidden(tool, rules);
    const tools = offered.some(hides) ? offered.filter((tool) => !hides(tool)) : offered;
    this.#choice = { offered, tools, ...(!fitsAll(tools, this.#limits) && { deferral: this.#deferral(tools) }) };
    return this.#choice;
  }

  #deferral(tools: readonly HubTool[]): ToolChoices["deferral"] {
    const first = new Set(firstTools(tools, this.#limits, this.record));
    const later = tools.filter((tool) => !first.has(tool));
    return { search: findTools(tools), first, byName: new Map(later.map((tool) => [tool.name, tool])) };
  }
}
