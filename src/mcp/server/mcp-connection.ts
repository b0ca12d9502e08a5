/** One connection to one server, from start to end. A connection that has ended is never used again. */

import type { ServerConfig } from "../../core/config.js";
import { McpError, RpcError } from "../../core/errors.js";
import { asArray, isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import type { ContentPart } from "../../core/messages.js";
import type { SendOptions } from "../../core/ports.js";
import { beginningOf } from "../../core/text/excerpt.js";
import { carry } from "../../core/trace-context.js";
import type { Callbacks } from "../callbacks/callbacks.js";
import { pagesWanted } from "../callbacks/elicitation.js";
import { FreshResources, ListAge } from "../lists/freshness.js";
import type { ListedTool } from "../lists/listed.js";
import type { AskServer } from "../lists/listing.js";
import { readLists, type ServerLists } from "../lists/server-lists.js";
import { timeoutOf } from "../lists/tool-facts.js";
import { RequestLimits } from "../protocol/request-limits.js";
import { Requests } from "../protocol/requests.js";
import { resourceParts } from "../protocol/result-content.js";
import type { RouteEnd } from "../protocol/server-route.js";
import type { Era, ServerSession, ToolRun } from "../protocol/server-session.js";
import { RunningCalls } from "../shared/wait.js";

export interface ConnectionEvents {
  listsChanged(): void;
  resourceChanged(uri: string): void;
  /** Called when something odd but harmless has happened. */
  noticed(message: string): void;
  logged(level: string, text: string): void;
}

interface ConnectionParts {
  route: RouteEnd;
  session: ServerSession;
  callbacks: Callbacks;
}

const extraListTimeoutMs = 5000;
const maxVersionChars = 200;

export class McpConnection {
  /** Resolves with the reason when the connection is lost. Never resolves after `close` was called. */
  readonly lost: Promise<McpError>;
  #lose: (reason: McpError) => void = () => {};
  #lossReason: McpError | undefined;
  readonly #calls = new RunningCalls();
  #isEnding = false;
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
    const { session, route, callbacks } = parts;
    session.listen({
      closed: (reason) => this.#end(reason ?? new Error("the server closed the connection")),
      failed: (error) => {
        if (this.#lossReason) return; // a consequence of the loss, such as an answer that cannot be sent any more
        events.noticed(error.message);
        if (route.isFatal(error)) this.#end(error);
        else if (route.needsLogin?.(error)) void this.#endWhenIdle(error);
      },
      notified: (method, params) => {
        if (method === "notifications/resources/list_changed") this.#resources.allChanged();
        if (/^notifications\/(tools|prompts|resources)\/list_changed$/.test(method)) events.listsChanged();
        if (method === "notifications/resources/updated") {
          this.#resources.changed(textOrEmpty(params.uri));
          events.resourceChanged(textOrEmpty(params.uri));
        }
        if (method === "notifications/message") events.logged(textOrEmpty(params.level), logText(params));
      },
      answer: (method, params, signal, origin) => callbacks.answer(method, params, signal, origin),
    });
  }

  get era(): Era {
    return this.#parts.session.era;
  }

  get serverVersion(): string | undefined {
    const { serverVersion } = this.#parts.session;
    return serverVersion && beginningOf(serverVersion, maxVersionChars);
  }

  get changesLists(): boolean {
    const { tools, prompts, resources } = this.#declared;
    return Boolean(tools?.listChanged || prompts?.listChanged || resources?.listChanged);
  }

  /** True if the server declared support for resources, even if it lists none. */
  get hasResources(): boolean {
    return this.#declared.resources !== undefined;
  }

  /**
   * Reads all lists of the server. Rejects if the tools cannot be listed. If another list cannot be read, `problems` of the result gives
   * the reason.
   */
  lists(signal: AbortSignal): Promise<ServerLists> {
    const { timeoutMs } = this.#config;
    return this.#listAge.during((saw) => {
      const askWithin =
        (ms: number): AskServer =>
        async (method, params) => {
          const page = await this.#requests.send(method, params, { timeoutMs: ms, signal });
          saw(page);
          return page;
        };
      return readLists(this.#declared, {
        ask: askWithin(timeoutMs),
        askBriefly: askWithin(Math.min(timeoutMs, extraListTimeoutMs)),
        objectionTo: (inputSchema) => this.#parts.session.objectionTo(inputSchema),
        instructions: this.#parts.session.instructions,
      });
    });
  }

  get areListsStale(): boolean {
    return this.#listAge.isStale;
  }

  /**
   * Calls the tool, and resolves with the result as the server sent it. A server that first wants the person to visit a page refuses the
   * call without running it. The call is then sent again after the visit.
   */
  callTool(tool: ListedTool, args: JsonObject, options: SendOptions): Promise<JsonObject> {
    return this.#call(tool, args, options, true);
  }

  async #call(tool: ListedTool, args: JsonObject, options: SendOptions, mayVisit: boolean): Promise<JsonObject> {
    const { name, isTask, inputSchema } = tool;
    const { signal, ask = nobody, sample, onProgress, caller } = options;
    const { callbacks, session } = this.#parts;
    const opening = session.untilServerCanAsk();
    if (opening) await opening;
    const timeoutMs = timeoutOf(this.#config, name);
    const maxTotalTimeoutMs = Math.max(timeoutMs, this.#config.maxTotalTimeoutMs);
    const limits = new RequestLimits({ timeoutMs, maxTotalTimeoutMs, signal, onProgress });
    const running = { caller: caller ?? limits, ask, sample, limits };
    const run: ToolRun = {
      limits,
      onProgress: limits.progress,
      inputSchema,
      isTask: isTask === true,
      ask: (method, more) => session.request(method, more, run),
      send: this.#requests.unlimited,
    };
    let failure: unknown;
    callbacks.begin(running);
    this.#calls.began();
    try {
      return await session.callTool(paramsOf(name, args, options), run);
    } catch (error) {
      failure = this.#requests.explained(error, limits);
    } finally {
      callbacks.end(running);
      limits.end();
      this.#calls.ended();
    }
    const pages = mayVisit && failure instanceof McpError ? pagesWanted(failure.cause) : [];
    if (!(await callbacks.visit(pages, ask, signal))) throw failure;
    return this.#call(tool, args, options, false);
  }

  getPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<JsonObject> {
    return this.#sendOutsideCalls("prompts/get", { name, arguments: args }, signal);
  }

  /** Resolves with the server's result of `resources/read`, never from the cache. */
  readResourceUncached(uri: string, signal?: AbortSignal): Promise<JsonObject> {
    return this.#sendOutsideCalls("resources/read", { uri }, signal);
  }

  /** Resolves with the content of the resource. Uses the cached content while it is fresh. */
  async readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    return this.#resources.get(uri, async () => {
      const result = await this.readResourceUncached(uri, signal);
      return { content: resourceParts(result), result };
    });
  }

  /**
   * Resolves with the values that the server proposes for an argument of a prompt or a URI template. Resolves with an empty list if the
   * server does not support completion.
   */
  async complete(ref: JsonObject, argument: { name: string; value: string }, signal?: AbortSignal): Promise<string[]> {
    if (!this.#declared.completions) return [];
    const { completion } = await this.#sendOutsideCalls("completion/complete", { ref, argument }, signal);
    return isPlainObject(completion) ? asArray(completion.values).filter((value) => typeof value === "string") : [];
  }

  #sendOutsideCalls(method: string, params: JsonObject, signal: AbortSignal | undefined): Promise<JsonObject> {
    const { timeoutMs } = this.#config;
    const send = () => this.#requests.send(method, params, { timeoutMs, signal });
    return this.#parts.callbacks.outsideCalls(send, signal);
  }

  /** Subscribes to changes of the resource, if the server supports that. */
  subscribe(uri: string): Promise<void> {
    return this.#sendSubscription("subscribe", uri);
  }

  unsubscribe(uri: string): Promise<void> {
    return this.#sendSubscription("unsubscribe", uri);
  }

  async #sendSubscription(request: "subscribe" | "unsubscribe", uri: string): Promise<void> {
    if (!this.#declared.resources?.subscribe) return;
    const { timeoutMs } = this.#config;
    const { callbacks, session } = this.#parts;
    const send = () => this.#requests.within({ timeoutMs }, (limits) => session[request](uri, limits));
    await callbacks.outsideCalls(send);
  }

  /** Asks the server whether it is alive. Rejects if there is no answer. An error from the server counts as an answer. */
  async ping(signal: AbortSignal): Promise<void> {
    const limits = new RequestLimits({ signal });
    try {
      await this.#parts.session.ping(limits);
    } catch (error) {
      if (!(error instanceof RpcError) || signal.aborted) throw error;
    } finally {
      limits.end();
    }
  }

  /** Ends a connection that is open but useless. The connection then counts as lost. */
  giveUp(reason: McpError): void {
    this.#end(reason);
  }

  /** Closes the connection. Never rejects. */
  async close(): Promise<void> {
    this.#lose = () => {};
    await this.#parts.route.close();
  }

  get #declared() {
    return this.#parts.session.capabilities;
  }

  /** Ends the connection after its running tool calls, unless somebody has logged in by then. */
  async #endWhenIdle(needsLogin: Error): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    await this.#calls.untilIdle();
    this.#isEnding = false;
    if (this.#parts.route.needsLogin?.(needsLogin)) this.#end(needsLogin);
  }

  #end(error: Error): void {
    if (this.#lossReason) return;
    this.#lossReason = this.#parts.route.explain(error);
    this.#lose(this.#lossReason);
    void this.#parts.route.close();
  }
}

const nobody = async () => false;

function paramsOf(name: string, args: JsonObject, { callId, trace }: SendOptions): JsonObject {
  if (!callId && !trace) return { name, arguments: args };
  const carried = trace && carry(trace);
  const meta: JsonObject = callId ? { "mcp-platform/call-id": callId, ...carried } : { ...carried };
  return { name, arguments: args, _meta: meta };
}

/**
 * Returns the text of a server's log message. `data` may be any JSON value; `logger` names the part of the server that wrote the message.
 */
function logText({ data, logger }: JsonObject): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return typeof logger === "string" ? `${logger}: ${text}` : text;
}
