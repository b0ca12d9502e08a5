/**
 * The servers' tools as one turn sees them, with the host's own: results that are too large are stored and can be read, and tools that
 * are too many can be found. What was found or stored is read off the log, so that it is the same after a restart and in a copy.
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
  /** Whether the model must not see the tool. */
  isHidden: (tool: HubTool) => boolean;
  limits: ToolLimits;
  resultLimitTokens: number;
  newId: NewId;
}

interface Choice {
  /** The hub's list: the same object while no tool changes. */
  offered: readonly HubTool[];
  /** Those of it that are not denied. */
  tools: readonly HubTool[];
  /** Where they are too many: the ones that are always there, and how to get at the others. */
  deferral?: { search: HostTool; first: ReadonlySet<HubTool>; byName: ReadonlyMap<string, HubTool> };
}

export class TurnToolbox implements Toolbox {
  readonly #parts: TurnToolboxParts;
  readonly #reader: HostTool;
  readonly #offload: OffloadParts;
  readonly #resultIds = new Set<string>();
  /** Names of tools that came up beside the first ones, in the order of the log. */
  readonly #found = new Set<string>();
  /** Over all turns of the conversation. */
  readonly record = new OfferRecord();
  #choice: Choice | undefined;

  /** `wanted`: name of the tool that the turn has to begin with. It is offered even where tools have to be found. */
  constructor(parts: TurnToolboxParts, log: readonly StoredEvent[], wanted?: string) {
    this.#parts = parts;
    const { results, conversationId, resultLimitTokens, newId } = parts;
    this.#reader = readResult({ results, known: this.#resultIds, maxBytes: resultLimitTokens * 4 });
    const put = (resultId: string, text: string) => results.put(conversationId, resultId, text);
    this.#offload = { limitTokens: resultLimitTokens, put, newId, reader: this.#reader.definition.name };
    for (const event of log) this.#noteTools(event);
    for (const event of withoutRewound(log)) this.record.note(event);
    if (wanted === undefined) return;
    // The last one found is the last one to be left out.
    this.#found.delete(wanted);
    this.#found.add(wanted);
  }

  /** An event was stored. */
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
   * What a request begins with stays: the first tools, and behind them what was found, oldest first. The reader of results is there
   * from the first stored result on, and not before: most conversations never have one. `record` has the last word.
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
    // The model may know a tool that it was not offered by name: it is offered from here on.
    const called = deferral?.byName.has(call.name) ? call.name : undefined;
    // Not written where it is assigned: V8 takes such a function for one that stays, and with it all that it refers to (AGENTS.md).
    const send: PreparedCall["send"] = async (options) => {
      const result = await whole(options);
      return this.#withFresh(isSearch ? result : await offload(result, this.#offload), called);
    };
    // In place, since it was made for this call: a copy of so many fields costs more than all else that is done here.
    prepared.send = send;
    return prepared;
  }

  /** A tool that a request has had already stays where it is: the result names those alone that are new. */
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
