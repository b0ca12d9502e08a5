/** One connection to one server, from its start to its end. A connection that ended is never used again. */
import type { ContentPart } from "../core/chat.js";
import type { ServerConfig } from "../core/config.js";
import { McpError } from "../core/errors.js";
import type { SendOptions } from "../core/ports.js";
import { carry } from "../core/trace-context.js";
import type { Callbacks } from "./callbacks.js";
import { resourceParts } from "./content.js";
import { pagesWanted } from "./elicitation.js";
import { FreshResources, ListAge } from "./freshness.js";
import { asArray, asText, isRecord, type Json } from "./json.js";
import { RunningLimits } from "./limits.js";
import type { ListedTool } from "./listed.js";
import type { Ask } from "./listing.js";
import { type Era, type Peer, RpcError, type ToolRun } from "./peer.js";
import { Requests } from "./requests.js";
import { readLists, type ServerLists } from "./server-lists.js";
import { timeoutOf } from "./tools.js";
import type { Route } from "./transports/route.js";

export interface ConnectionEvents {
  listsChanged(): void;
  resourceChanged(uri: string): void;
  /** Something odd but harmless. */
  noticed(message: string): void;
  logged(level: string, text: string): void;
}

export type RouteEnd = Pick<Route, "isFatal" | "explain" | "close">;

interface ConnectionParts {
  route: RouteEnd;
  peer: Peer;
  callbacks: Callbacks;
}

const extraListTimeoutMs = 5000;

export class McpConnection {
  /** Resolves with the reason when the connection is lost; never after `close`. */
  readonly lost: Promise<McpError>;
  #lose: (reason: McpError) => void = () => {};
  #lossReason: McpError | undefined;
  readonly #config: ServerConfig;
  readonly #parts: ConnectionParts;
  readonly #requests: Requests;
  readonly #listAge = new ListAge();
  readonly #resources = new FreshResources();

  constructor(config: ServerConfig, events: ConnectionEvents, parts: ConnectionParts) {
    this.#config = config;
    this.#parts = parts;
    this.#requests = new Requests(parts, () => this.#lossReason);
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    const { peer, route, callbacks } = parts;
    peer.listen({
      closed: (reason) => this.#end(reason ?? new Error("the server closed the connection")),
      failed: (error) => {
        events.noticed(error.message);
        if (route.isFatal(error)) this.#end(error);
      },
      notified: (method, params) => {
        if (method === "notifications/resources/list_changed") this.#resources.allChanged();
        if (/^notifications\/(tools|prompts|resources)\/list_changed$/.test(method)) events.listsChanged();
        if (method === "notifications/resources/updated") {
          this.#resources.changed(asText(params.uri));
          events.resourceChanged(asText(params.uri));
        }
        if (method === "notifications/message") events.logged(asText(params.level), logText(params));
      },
      answer: (method, params, signal) => callbacks.answer(method, params, signal),
    });
  }

  get era(): Era {
    return this.#parts.peer.era;
  }

  get serverVersion(): string | undefined {
    return this.#parts.peer.serverVersion;
  }

  get changesLists(): boolean {
    const { tools, prompts, resources } = this.#declared;
    return Boolean(tools?.listChanged || prompts?.listChanged || resources?.listChanged);
  }

  /** True if the server declared resources, listed or not. */
  get hasResources(): boolean {
    return this.#declared.resources !== undefined;
  }

  /** Rejects if the tools cannot be listed; for other lists the result holds the problem. */
  lists(signal: AbortSignal): Promise<ServerLists> {
    const { timeoutMs } = this.#config;
    return this.#listAge.during((saw) => {
      const askWithin =
        (ms: number): Ask =>
        async (method, params) => {
          const page = await this.#requests.send(method, params, { timeoutMs: ms, signal });
          saw(page);
          return page;
        };
      return readLists(this.#declared, {
        ask: askWithin(timeoutMs),
        askBriefly: askWithin(Math.min(timeoutMs, extraListTimeoutMs)),
        objectionTo: (inputSchema) => this.#parts.peer.objectionTo(inputSchema),
        instructions: this.#parts.peer.instructions,
      });
    });
  }

  get areListsStale(): boolean {
    return this.#listAge.isStale;
  }

  /**
   * Returns the unmapped result. If the call needs a visit to a page first, sends it again after the visit: the server refused it without
   * running it.
   */
  callTool(tool: ListedTool, args: Json, options: SendOptions): Promise<Json> {
    return this.#call(tool, args, options, true);
  }

  async #call(tool: ListedTool, args: Json, options: SendOptions, mayVisit: boolean): Promise<Json> {
    const { name, isTask, inputSchema } = tool;
    const { signal, ask = nobody, sample, onProgress } = options;
    const { callbacks, peer } = this.#parts;
    const opening = peer.canBeAsked();
    if (opening) await opening;
    const timeoutMs = timeoutOf(this.#config, name);
    const maxTotalTimeoutMs = Math.max(timeoutMs, this.#config.maxTotalTimeoutMs);
    const limits = new RunningLimits({ timeoutMs, maxTotalTimeoutMs, signal, onProgress });
    const running = { ask, sample, limits };
    const run: ToolRun = {
      ending: limits,
      onProgress: limits.progress,
      inputSchema,
      isTask: isTask === true,
      ask: (method, more) => peer.request(method, more, run),
      send: this.#requests.unlimited,
    };
    let failure: unknown;
    callbacks.begin(running);
    try {
      return await peer.callTool(paramsOf(name, args, options), run);
    } catch (error) {
      failure = this.#requests.explained(error, limits);
    } finally {
      callbacks.end(running);
      limits.end();
    }
    const pages = mayVisit && failure instanceof McpError ? pagesWanted(failure.cause) : [];
    if (!(await callbacks.visit(pages, ask))) throw failure;
    return this.#call(tool, args, options, false);
  }

  getPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<Json> {
    const { timeoutMs } = this.#config;
    return this.#requests.send("prompts/get", { name, arguments: args }, { timeoutMs, signal });
  }

  fetchResource(uri: string, signal?: AbortSignal): Promise<Json> {
    const { timeoutMs } = this.#config;
    return this.#requests.send("resources/read", { uri }, { timeoutMs, signal });
  }

  /** Reads from memory while the server's freshness lasts. */
  async readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    return this.#resources.get(uri, async () => {
      const result = await this.fetchResource(uri, signal);
      return { content: resourceParts(result), result };
    });
  }

  /** Resolves with the server's proposals for an argument of a prompt or a URI template; empty if the server does not complete. */
  async complete(ref: Json, argument: { name: string; value: string }, signal?: AbortSignal): Promise<string[]> {
    if (!this.#declared.completions) return [];
    const { timeoutMs } = this.#config;
    const { completion } = await this.#requests.send("completion/complete", { ref, argument }, { timeoutMs, signal });
    return isRecord(completion) ? asArray(completion.values).filter((value) => typeof value === "string") : [];
  }

  /** Subscribes to changes of the resource, if the server supports that. */
  async subscribe(uri: string): Promise<void> {
    if (this.#declared.resources?.subscribe) await this.#parts.peer.subscribe(uri);
  }

  /** Rejects if there is no answer. An error from the server is an answer. */
  async ping(signal: AbortSignal): Promise<void> {
    const limits = new RunningLimits({ signal });
    try {
      await this.#parts.peer.ping(limits);
    } catch (error) {
      if (!(error instanceof RpcError) || signal.aborted) throw error;
    } finally {
      limits.end();
    }
  }

  /** Ends a useless connection as lost. */
  giveUp(reason: McpError): void {
    this.#end(reason);
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#lose = () => {};
    await this.#parts.route.close();
  }

  get #declared() {
    return this.#parts.peer.capabilities;
  }

  #end(error: Error): void {
    if (this.#lossReason) return;
    this.#lossReason = this.#parts.route.explain(error);
    this.#lose(this.#lossReason);
    void this.#parts.route.close();
  }
}

const nobody = async () => false;

function paramsOf(name: string, args: Json, { callId, trace }: SendOptions): Json {
  if (!callId && !trace) return { name, arguments: args };
  const carried = trace && carry(trace);
  const meta: Json = callId ? { "mcp-platform/call-id": callId, ...carried } : { ...carried };
  return { name, arguments: args, _meta: meta };
}

/** `data` may be anything; `logger` names the part of the server that logs. */
function logText({ data, logger }: Json): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return typeof logger === "string" ? `${logger}: ${text}` : text;
}
