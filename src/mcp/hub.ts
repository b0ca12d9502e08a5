/** All MCP servers as one tool list. A slow, broken or malicious server never delays the others. */
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../core/config.js";
import { RequestError } from "../core/errors.js";
import type { ContentPart, ToolCall } from "../core/messages.js";
import type {
  HubTool,
  McpResults,
  NamedTool,
  Observe,
  PreparedCall,
  PromptInfo,
  ResourceInfo,
  ServerNews,
  ServerStatus,
  ToolHub,
  ToolResult,
} from "../core/ports.js";
import { didYouMean } from "../core/text/nearest.js";
import { errorResult } from "./protocol/result-content.js";
import { ServerSet, trust } from "./server/server-set.js";
import { StartSlots } from "./server/start-slots.js";
import { type ServerHostOptions, SupervisedServer } from "./server/supervised-server.js";
import { readArguments } from "./shared/tool-arguments.js";
import { ServerMcpResults } from "./tools/mcp-results.js";
import { applyPrompt } from "./tools/prompts.js";
import { buildRegistry, type Registry, visibleCatalogue } from "./tools/registry.js";
import { readFrom } from "./tools/resource-owner.js";
import { ToolOrder } from "./tools/tool-order.js";

/**
 * Time in ms from the start of the host to the start of the servers whose start was postponed, if no model has answered by then (see
 * `scheduleBackgroundStarts`).
 */
const backgroundStartsAfterMs = 2000;
/** Time in ms from the beginning of a model's answer to such a start. Starting a process blocks the host for some milliseconds. */
const afterAnswerMs = 200;

/** @internal */
export interface HubOptions extends ServerHostOptions {
  observe: Observe;
  onStatus?: (status: ServerStatus) => void;
}

export class McpHub implements ToolHub, AsyncDisposable {
  readonly #own: ServerSet;
  readonly #base: McpHub | undefined;
  readonly #extensions = new Set<McpHub>();
  readonly #options: HubOptions;
  readonly #listeners = new Set<(news: ServerNews) => void>();
  readonly mcpResults: McpResults = new ServerMcpResults(() => this.#servers, this.#listeners);
  readonly #order = new ToolOrder();
  readonly #slots: StartSlots;
  #registry: Registry;
  #backgroundTimer: NodeJS.Timeout | undefined;
  /** True while several servers change at once. The lists are then rebuilt only once, afterwards. */
  #isChanging = false;
  #isClosed = false;

  /** @internal */
  constructor(configs: readonly ServerConfig[], options: HubOptions, base?: McpHub) {
    const { observe, onStatus = () => {}, ...host } = options;
    const listsChanged = () => {
      if (!this.#isChanging) this.#rebuild();
    };
    const events = { observe, statusChanged: onStatus, listsChanged, onNews: this.#tell };
    this.#options = options;
    this.#base = base;
    this.#slots = base ? base.#slots : new StartSlots();
    this.#own = new ServerSet(configs, (config) => new SupervisedServer(config, events, host, this.#slots));
    this.#registry = buildRegistry(this.#servers, this.#order);
  }

  /**
   * Starts all enabled servers, without waiting for them. A server whose lists are stored from an earlier run starts when it is used, or
   * later in the background.
   */
  start(): void {
    this.#change(() => this.#own.start());
    this.#startInBackgroundAfter(backgroundStartsAfterMs);
  }

  /**
   * Returns a new, started hub with the given servers and all servers of this hub. If a given server has the same name as a server of this
   * hub, it is not used, because the user's rules are about the server of this hub. Closing the new hub ends only the given servers.
   */
  extend(configs: readonly ServerConfig[], onStatus?: (status: ServerStatus) => void): McpHub {
    const extension = new McpHub(configs, { ...this.#options, onStatus }, this);
    this.#extensions.add(extension);
    extension.start();
    return extension;
  }

  /**
   * Switches to another configuration. New servers start and unchanged servers continue. Removed or changed servers end after their running
   * calls.
   */
  apply(configs: readonly ServerConfig[]): void {
    if (this.#isClosed) return;
    this.#change(() => this.#own.change(configs));
  }

  reconnect(name: string): void {
    const server = this.#own.named(name);
    if (this.#isClosed) return;
    this.#change(() => this.#own.reconnect(server));
  }

  stderr(name: string): string {
    return this.#own.named(name).stderr;
  }

  /** Resolves once every enabled server is ready or has failed. With `names`, waits only for the named servers. */
  async ready(names?: readonly string[]): Promise<void> {
    const awaited = this.#servers.filter(({ config }) => names?.includes(config.name) ?? true);
    await Promise.all(awaited.map((server) => server.untilStarted()));
  }

  /**
   * Starts the servers whose start was postponed, a few at a time. Called when a model answers. Earlier starts of 100 servers on 2 cores
   * delayed the first token by 10 s (`node scripts/bench/server-starts.mjs`).
   */
  scheduleBackgroundStarts(): void {
    if (this.#own.hasBackgroundStarts) this.#startInBackgroundAfter(afterAnswerMs);
    for (const extension of this.#extensions) extension.scheduleBackgroundStarts();
  }

  #startInBackgroundAfter(ms: number): void {
    clearTimeout(this.#backgroundTimer);
    this.#backgroundTimer = setTimeout(() => this.#own.startNextInBackground(), ms).unref();
  }

  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.untilReadyOrGraceOver(signal)));
    this.#begin();
  }

  async offered(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.untilListsKnown(signal)));
    this.#begin();
  }

  #begin(): void {
    this.#refuseWithoutRequired();
    this.#order.begin(this.#registry.tools);
  }

  #refuseWithoutRequired(): void {
    const down = this.#servers.find(({ config, isUsable }) => config.enabled && config.required && !isUsable);
    if (!down) return;
    const hint = "repair it, or set required: false to continue without it";
    const message = `mcpServers.${down.config.name} is required, but ${down.condition.sentence}`;
    throw new RequestError("required_server_down", message, { retryable: true, hint });
  }

  /**
   * Approves the current tool definitions of the server, or of one of its tools. Resolves with the changes since the last approval; the
   * keys are tool names. Throws RequestError for an unknown name, and McpError if the server is down.
   */
  trust(name: string, tool?: string): Promise<ReadonlyMap<string, string>> {
    return trust(this.#servers, name, tool);
  }

  tools(): readonly HubTool[] {
    return this.#registry.tools;
  }

  async prepare({ name, arguments: text }: ToolCall): Promise<PreparedCall | { refused: ToolResult }> {
    const tool = this.#registry.byName.get(name);
    if (!tool) return { refused: errorResult(this.#unknownTool(name)) };
    const args = await readArguments(text, tool.definition.inputSchema);
    if ("problem" in args) return { refused: errorResult(`${name} was not called: ${args.problem}`) };
    return tool.prepare(args.value);
  }

  servers(): readonly ServerStatus[] {
    return this.#servers.map((server) => server.status);
  }

  processOf(name: string): string | undefined {
    const tool = this.#registry.byName.get(name);
    return tool?.isProcess ? tool.definition.server : undefined;
  }

  prompts(): readonly PromptInfo[] {
    return this.#registry.prompts;
  }

  resources(): readonly ResourceInfo[] {
    return this.#registry.resources;
  }

  catalogue(isHidden?: (tool: NamedTool) => boolean): string {
    return isHidden ? visibleCatalogue(this.#registry, isHidden) : this.#registry.catalogue;
  }

  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]> {
    return applyPrompt(this.#servers, name, args, signal);
  }

  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    return readFrom(this.#servers, uri, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#backgroundTimer);
    if (this.#base) this.#base.#extensions.delete(this);
    await Promise.all([...this.#extensions, this.#own].map((part) => part.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #change(work: () => void): void {
    this.#isChanging = true;
    try {
      work();
    } finally {
      this.#isChanging = false;
      this.#rebuild();
    }
  }

  /**
   * Rebuilds the lists. Keeps the same array of tools as long as no tool changes, so that requests to the model stay the same, byte for
   * byte.
   */
  #rebuild(): void {
    const { tools } = this.#registry;
    const registry = buildRegistry(this.#servers, this.#order);
    this.#registry = isDeepStrictEqual(registry.tools, tools) ? { ...registry, tools } : registry;
    this.#tell({ type: "lists" });
    for (const extension of this.#extensions) extension.#rebuild();
  }

  readonly #tell = (news: ServerNews): void => {
    for (const listener of this.#listeners) listener(news);
  };

  get #servers(): readonly SupervisedServer[] {
    const own = this.#own.all;
    if (!this.#base) return own;
    const base = this.#base.#servers;
    const names = new Set(base.map(({ config }) => config.name));
    return [...own.filter(({ config }) => !names.has(config.name)), ...base];
  }

  #unknownTool(name: string): string {
    const down = this.#servers.find(({ config, isUsable }) => !isUsable && name.startsWith(`${config.name}__`));
    const reason = down ? `; ${down.condition.sentence}` : didYouMean(name, [...this.#registry.byName.keys()]);
    return `there is no tool ${name}${reason}`;
  }
}
