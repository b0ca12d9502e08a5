/**
 * The tools of one turn: those of the servers and the host's own. The host's own tools read results that were too large to be shown, and
 * search tools if there are too many to send all. Which tools were found and which results were stored is read from the log, so both
 * survive a restart or a copy of the conversation.
 */
import type { StoredEvent } from "../../core/events.js";
import type { NewId } from "../../core/ids.js";
import type { ToolCall, ToolResult } from "../../core/messages.js";
import type { HubTool, PreparedCall, Toolbox } from "../../core/ports.js";
import type { ResultStore } from "../../core/store-ports.js";
import { withoutRewound } from "../../log/folds/rewind.js";
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
  /** The list of tools as the hub returned it. It stays the same object while no tool changes. */
  offered: readonly HubTool[];
  /** The tools in `offered` that are not hidden. */
  tools: readonly HubTool[];
  /**
   * Set if there are too many tools to send all. The tools in `first` are sent with every request; `search` finds the tools in `byName`.
   */
  deferral?: { search: HostTool; first: ReadonlySet<HubTool>; byName: ReadonlyMap<string, HubTool> };
}

export class TurnToolbox implements Toolbox {
  readonly #parts: TurnToolboxParts;
  readonly #reader: HostTool;
  readonly #offload: OffloadParts;
  readonly #resultIds = new Set<string>();
  /** Names of tools that the model has called or found, in the order of the log. */
  readonly #found = new Set<string>();
  /** Record of how requests begin. It covers all turns of the conversation. */
  readonly record = new OfferRecord();
  #choice: Choice | undefined;

  /** `wanted` is the name of the tool that the first answer must call. It is offered even if there are too many tools. */
  constructor(parts: TurnToolboxParts, log: readonly StoredEvent[], wanted?: string) {
    this.#parts = parts;
    const { results, conversationId, resultLimitTokens, newId } = parts;
    this.#reader = readResult({ results, known: this.#resultIds, maxBytes: resultLimitTokens * 4 });
    const put = (resultId: string, text: string) => results.put(conversationId, resultId, text);
    this.#offload = { limitTokens: resultLimitTokens, put, newId, reader: this.#reader.definition.name };
    for (const event of log) this.#noteTools(event);
    for (const event of withoutRewound(log)) this.record.note(event);
    if (wanted === undefined) return;
    // Moved to the end: tools that were found last are dropped last.
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
   * Returns the tools so that requests keep their beginning: first the tools that are always sent, then the tools that were found, the
   * oldest first. The tool that reads results is included only once there is a stored result, because most conversations never have one.
   * `record` decides the final order.
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
    // A model may call a tool that it was not offered. The tool is then offered from the next request on.
    const called = deferral?.byName.has(call.name) ? call.name : undefined;
    // Not written inline: V8 would keep the function forever, and with it everything it refers to (AGENTS.md).
    const send: PreparedCall["send"] = async (options) => {
      const result = await whole(options);
      return this.#withFresh(isSearch ? result : await offload(result, this.#offload), called);
    };
    // The object is changed, not copied, since it was made for this call only. Copying its many fields would cost more than the rest of
    // this function.
    prepared.send = send;
    return prepared;
  }

  /** Limits `found` of the result to new tools, because a tool that was already sent keeps its position. */
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
