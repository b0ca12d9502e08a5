/**
 * The servers' tools as one turn sees them, plus the host's own: too large results are stored and can be read, and too many tools can be
 * searched. What was found or stored is read from the log, so it survives a restart and a copy.
 */
import type { StoredEvent, ToolCall, ToolResult } from "../../core/chat.js";
import type { NewId } from "../../core/ids.js";
import type { HubTool, PreparedCall, Toolbox } from "../../core/ports.js";
import type { ResultStore } from "../../core/store-ports.js";
import { withoutRewound } from "../../history/rewind.js";
import { findTools } from "./find-tools.js";
import { type HostTool, prepareHostCall } from "./host-tool.js";
import { OfferRecord } from "./offer-record.js";
import { type OffloadParts, offload } from "./offload.js";
import { readResult } from "./read-result.js";
import { firstTools, fitsAll, foundTools, type ToolLimits } from "./tool-choice.js";

interface TurnToolboxParts {
  hub: Toolbox;
  results: ResultStore;
  conversationId: string;
  isHidden: (tool: HubTool) => boolean;
  limits: ToolLimits;
  resultLimitTokens: number;
  newId: NewId;
}

interface Choice {
  /** The hub's list: the same object while no tool changes. */
  offered: readonly HubTool[];
  /** Its tools that are not hidden. */
  tools: readonly HubTool[];
  /** Set if there are too many tools: those always sent, and the search for the others. */
  deferral?: { search: HostTool; first: ReadonlySet<HubTool>; byName: ReadonlyMap<string, HubTool> };
}

export class TurnToolbox implements Toolbox {
  readonly #parts: TurnToolboxParts;
  readonly #reader: HostTool;
  readonly #offload: OffloadParts;
  readonly #resultIds = new Set<string>();
  /** Names of tools that were called or found, in the order of the log. */
  readonly #found = new Set<string>();
  /** Covers all turns of the conversation. */
  readonly record = new OfferRecord();
  #choice: Choice | undefined;

  /** `wanted`: the tool that the turn must begin with, offered even if tools have to be searched. */
  constructor(parts: TurnToolboxParts, log: readonly StoredEvent[], wanted?: string) {
    this.#parts = parts;
    const { results, conversationId, resultLimitTokens, newId } = parts;
    this.#reader = readResult({ results, known: this.#resultIds, maxBytes: resultLimitTokens * 4 });
    const put = (resultId: string, text: string) => results.put(conversationId, resultId, text);
    this.#offload = { limitTokens: resultLimitTokens, put, newId, reader: this.#reader.definition.name };
    for (const event of log) this.#noteTools(event);
    for (const event of withoutRewound(log)) this.record.note(event);
    if (wanted === undefined) return;
    // The last tool found is dropped last.
    this.#found.delete(wanted);
    this.#found.add(wanted);
  }

  note(event: StoredEvent): void {
    this.record.note(event);
    this.#noteTools(event);
  }

  #noteTools(event: StoredEvent): void {
    if (event.type === "assistant_message") for (const { name } of event.message.toolCalls) this.#found.add(name);
    if (event.type !== "tool_result") return;
    for (const resultId of event.resultIds ?? []) this.#resultIds.add(resultId);
    for (const name of event.found ?? []) this.#found.add(name);
  }

  /**
   * Returns the tools in an order that keeps the beginning of requests: the first tools, then found ones, oldest first. The reader of
   * results appears only with the first stored result, as most conversations never have one. `record` decides the final order.
   */
  tools(): readonly HubTool[] {
    const { tools, deferral } = this.#chosen();
    const reader = this.#resultIds.size > 0 ? [this.#reader.definition] : [];
    if (!deferral) return reader.length === 0 ? tools : [...tools, ...reader];
    const { search, first, byName } = deferral;
    const found = [...this.#found].flatMap((name) => byName.get(name) ?? []);
    return [search.definition, ...first, ...reader, ...foundTools(found, this.#parts.limits)];
  }

  prepare(call: ToolCall): PreparedCall | { refused: ToolResult } {
    const { deferral } = this.#chosen();
    const search = deferral?.search;
    if (call.name === this.#reader.definition.name) return prepareHostCall(this.#reader, call);
    const isSearch = call.name === search?.definition.name;
    const prepared = isSearch ? prepareHostCall(search, call) : this.#parts.hub.prepare(call);
    if ("refused" in prepared) return prepared;
    const whole = prepared.send;
    // The model may call a tool that it was not offered; the tool is offered from here on.
    const called = deferral?.byName.has(call.name) ? call.name : undefined;
    // Not written inline: V8 would treat the function as permanent and retain all it refers to (AGENTS.md).
    const send: PreparedCall["send"] = async (options) => {
      const result = await whole(options);
      return this.#withFresh(isSearch ? result : await offload(result, this.#offload), called);
    };
    // Mutated, since it was made for this call: copying so many fields costs more than the rest of this function.
    prepared.send = send;
    return prepared;
  }

  /** Limits the result's `found` to new tools: one already sent keeps its position. */
  #withFresh(result: ToolResult, called: string | undefined): ToolResult {
    const { found, ...rest } = result;
    const names = called === undefined ? (found ?? []) : [...(found ?? []), called];
    if (names.length === 0) return result;
    const fresh = names.filter((name) => !this.record.has(name));
    return fresh.length > 0 ? { ...rest, found: fresh } : rest;
  }

  #chosen(): Choice {
    const { hub, isHidden, limits } = this.#parts;
    const offered = hub.tools();
    if (this.#choice?.offered === offered) return this.#choice;
    const tools = offered.some(isHidden) ? offered.filter((tool) => !isHidden(tool)) : offered;
    this.#choice = { offered, tools, ...(!fitsAll(tools, limits) && { deferral: this.#deferral(tools) }) };
    return this.#choice;
  }

  #deferral(tools: readonly HubTool[]): Choice["deferral"] {
    const first = new Set(firstTools(tools, this.#parts.limits, this.record));
    const later = tools.filter((tool) => !first.has(tool));
    return { search: findTools(tools), first, byName: new Map(later.map((tool) => [tool.name, tool])) };
  }
}
