/** Ports between layers: interfaces to layers that the caller must not import. The event log has `chat-store.ts` and `turn-leases.ts`. */
import type { ApprovalAnswer } from "./approval.js";
import type { Question, ServerState } from "./events.js";
import type { ContentPart, JsonSchema, ToolCall, ToolDefinition, ToolResult } from "./messages.js";
import type { TraceContext } from "./trace-context.js";

export type { ToolResult };

/**
 * Receives log entries: all layers call it, and `app.ts` provides it. (Measurements go to a `Meter`.) Must not throw. Fields never hold a
 * secret or prompt text.
 */
export type Observe = (event: Observation) => void;

export interface Observation {
  level: "debug" | "info" | "warn" | "error";
  /** The layer that reports: `llm`, `mcp`, `history`… */
  scope: string;
  message: string;
  fields?: Record<string, unknown>;
}

export interface ToolProgress {
  progress: number;
  total?: number;
  message?: string;
}

export type AskPerson = (question: Question, over: AbortSignal) => Promise<unknown>;

export interface SendOptions {
  signal: AbortSignal;
  onProgress?: (progress: ToolProgress) => void;
  /**
   * Asks a server's question to the person behind the turn. Resolves with the answer, or with `false` if nobody can be asked or if `over`
   * aborts first: the server no longer waits for the answer. Never rejects.
   */
  ask?: AskPerson;
  /**
   * Handles a server's `sampling/createMessage` in place of this host's model. Parameters and result are as in MCP. Returns undefined if
   * this host's model must handle it. `over` aborts when the server no longer waits for the result.
   */
  sample?: (params: Record<string, unknown>, over: AbortSignal) => Promise<Record<string, unknown>> | undefined;
  /**
   * Identifies the caller: the id of a turn, or an object that stands for a client. A question of a server that may belong to several
   * running calls is asked only if all of them have the same caller. Default: the call has a caller of its own.
   */
  caller?: unknown;
  /** Id of this call, unique within the turn. A server may use this id to recognise a repeated call. */
  callId?: string;
  trace?: TraceContext;
  /** Called with the result as the server sent it. Not called if there is no result. */
  onAnswer?: (result: Record<string, unknown>) => void;
}

/** A server's claims about a tool. All are false unless the user trusts the server. */
export interface ToolAnnotations {
  readOnly: boolean;
  idempotent: boolean;
  destructive: boolean;
  openWorld: boolean;
}

/** Facts about a tool by which the host decides whether a call may run. */
export interface ToolFacts extends ToolAnnotations {
  server: string;
  /** The tool's name on its server. */
  tool: string;
  /**
   * Hash that covers the server and its address or command, with the folder that decides which program the command is. Another server of
   * the same name has another hash.
   */
  place: string;
  /** True if the tool matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /**
   * How the tool's definition differs from the one that the user approved: `its description changed since …`. Absent if it does not differ.
   */
  change?: string;
  /** The host's own tool through which the model called this server. Rules may also name that tool: `host.read_resource`. */
  hostTool?: string;
}

/** The facts about a tool that patterns are compared with. */
export type NamedTool = ToolAnnotations & Pick<ToolFacts, "server" | "tool" | "hostTool">;

/** A tool, the server that has it, and its name on that server. */
export interface HubTool extends ToolDefinition, ToolAnnotations {
  server: string;
  tool: string;
  /** Only for tools of the host itself: the servers on which the tool acts. */
  actsOn?: readonly string[];
}

/** A call that is checked but not yet sent. `send` never rejects: a failure becomes a result with `isError`. */
export interface PreparedCall extends ToolFacts {
  arguments: Readonly<Record<string, unknown>>;
  /** Hashes of the parts of the tool's definition. Undefined for tools of the host, whose definition no server can change. */
  definition?: Readonly<Record<string, string>>;
  /** Records the tool's current definition as the approved one. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
}

/**
 * The user's answers to approval questions, as far as they hold for more than one call. If answers contradict each other, the one that
 * refuses counts.
 */
export interface ApprovalMemory {
  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined;
  remember(tool: RememberedTool, answer: Required<ApprovalAnswer>): void;
}

/** Identifies a tool in stored approval answers. Tools with different `place` are different tools, even if they have the same name. */
export type RememberedTool = Pick<ToolFacts, "server" | "tool" | "place">;

/**
 * The user's stored answers to approval questions. They outlive the host. The methods never throw: if an answer cannot be stored, that is
 * logged, and the answer holds until the host ends.
 */
export interface StoredApprovals {
  find(tool: RememberedTool, project: string): Required<ApprovalAnswer> | undefined;
  /** If undefined, nothing is stored: every answer ends with its session. */
  keep?(tool: RememberedTool, answer: { allow: boolean; remember: "project" | "always" }, project: string): void;
}

export interface ServerStatus {
  name: string;
  state: ServerState;
  transport: string;
  tools: number;
  prompts: number;
  resources: number;
  /** Time from the server's start until it was ready, in ms. */
  startMs?: number;
  version?: string;
  /** Time that the server took to answer the last ping or, before the first ping, the first request for its lists, in ms. */
  latencyMs?: number;
  /** Version of the MCP protocol: `legacy` up to 2025-11-25, `modern` from 2026-07-28 on. */
  era?: "legacy" | "modern";
  /** Why the server is not ready, and what to do about it. */
  reason?: string;
}

export interface PromptInfo {
  /** Name of the prompt, unique over all servers: `server__prompt`. */
  name: string;
  server: string;
  description: string;
  arguments: { name: string; description: string; required: boolean }[];
}

export interface ResourceInfo {
  uri: string;
  server: string;
  name: string;
  description: string;
  mimeType?: string;
}

export interface Toolbox {
  /** Returns the tools. Their order is stable, so that a provider's prompt cache stays valid from request to request. */
  tools(): readonly HubTool[];
  /** Finds the tool, then parses and validates the arguments. If the call is invalid, `refused` is the result that the model gets. */
  prepare(call: ToolCall): Promise<PreparedCall | { refused: ToolResult }>;
}

/** All MCP servers, with one list of all their tools. */
export interface ToolHub extends Toolbox {
  /** The servers' lists and results in the format of MCP. */
  readonly mcpResults: McpResults;
  /**
   * Resolves when every server is ready or has failed. For an optional server, waits only until its grace period is over. Rejects if a
   * required server is down.
   */
  settled(signal?: AbortSignal): Promise<void>;
  /**
   * Waits like `settled`, but does not wait for an optional server whose tools are known from an earlier run. A call of such a tool then
   * waits for the server.
   */
  offered(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  /**
   * Returns the name of the tool's server if it runs as a process of this host now, otherwise undefined. A change of the configuration may
   * change the result.
   */
  processOf(tool: string): string | undefined;
  /** Reconnects to the server at once. The old connection is closed when its running calls have ended. Throws RequestError. */
  reconnect(name: string): void;
  /** Returns the latest stderr output of the server, with secrets removed. Returns "" if there is none. Throws RequestError. */
  stderr(name: string): string;
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /**
   * Returns the servers' instructions, prompts and resources as text for the system prompt, with a limited length. Returns "" if there are
   * none. Leaves out servers whose tools are all hidden. Leaves out resources of servers whose tool `read_resource` is hidden, because the
   * model cannot read them.
   */
  catalogue(isHidden?: (tool: NamedTool) => boolean): string;
  /** Returns the prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Reads a resource. Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** Messages that a server sends without being asked, for front doors (such as MCP) that pass them on to their clients. */
export type ServerNews =
  | { type: "lists" }
  | { type: "resource"; server: string; uri: string }
  | { type: "log"; server: string; level: string; text: string };

/**
 * The servers' complete lists and results in the format of MCP, for a front door that passes them on to its clients. Tools and prompts have the names
 * that the hub gives them. All methods throw McpError. If the server answered with an error, that RpcError is its cause, without secrets.
 */
export interface McpResults {
  /**
   * Returns, keyed by the tool's name, those fields of each tool's listing that the model does not get (title, annotations, result schema,
   * `_meta`, …).
   */
  toolDetails(): ReadonlyMap<string, Record<string, unknown>>;
  /**
   * Returns a copy of this result, which the server has sent, in which each resource address is replaced by the unique address that
   * `resources` returns for it.
   */
  withAddresses(server: string, result: Record<string, unknown>): Record<string, unknown>;
  /** Returns all prompts. `own`: the prompt's name on its server; `details`: all other fields of the prompt's listing. */
  prompts(): readonly (PromptInfo & { own: string; details: Record<string, unknown> })[];
  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Record<string, unknown>>;
  /**
   * Returns the resources as the servers list them, but each with an address that is unique over all servers. Only servers for which
   * `isShown` returns true are included. Servers whose `tools.deny` matches `read_resource` are left out.
   */
  resources(isShown: (server: string) => boolean): readonly Record<string, unknown>[];
  resourceTemplates(isShown: (server: string) => boolean): readonly Record<string, unknown>[];
  /** Returns URI templates (RFC 6570) for resources that are not listed. */
  templates(): readonly { uriTemplate: string; server: string }[];
  /**
   * Returns the resource that clients know under this address. Throws McpError if there is none, or if its server's `tools.deny` matches
   * `read_resource`.
   */
  resourceAt(address: string): ServedResource;
  /**
   * Returns the values that a server proposes for an argument. `of`: the prompt, by its name in this hub, or the URI template that has the argument.
   * With `isShown`, asks only the servers whose templates `resourceTemplates` returns.
   */
  complete(
    of: { prompt: string } | { template: string; isShown?: (server: string) => boolean },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]>;
  /** Returns the servers' own instructions; skips servers without any. */
  instructions(): readonly { server: string; text: string }[];
  /** Calls the listener until the returned function is called. */
  onNews(listener: (news: ServerNews) => void): () => void;
}

/** A resource of one server. Its server and address are fixed, so that what the rules decide about is what is read. */
export interface ServedResource extends Pick<ToolFacts, "server" | "place"> {
  /** Address that the server gave the resource. Clients may know the resource under another address. */
  uri: string;
  /** Returns the result of `resources/read`. */
  read(signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Watches the resource until the returned function is called. `McpResults.onNews` reports the changes. */
  watch(signal: AbortSignal): Promise<() => void>;
}

/** The host's hub plus the servers of one session. */
export interface SessionHub extends ToolHub {
  close(): Promise<void>;
}

/** The second argument of the function of a `ProgramTool`. */
export interface ToolContext {
  /** Aborts when the turn is cancelled, the call takes too long, or the host closes. The result is not awaited any more then. */
  signal: AbortSignal;
  /** Id of the call. It is the same when an idempotent call is repeated after a crash. Undefined for calls that belong to no turn. */
  callId: string | undefined;
  /** Shows how far the call is. Each report extends the call's time limit. */
  progress(progress: ToolProgress): void;
}

export interface ToolTraits {
  /** Name for the model and for rules: a rule calls it `app.NAME`. */
  name: string;
  description: string;
  /** True if the tool changes nothing. It then runs without approval. Default: false. */
  readOnly?: boolean;
  /** True if a repeated call does no harm. A call that a crash has interrupted is then sent again. Default: false. */
  idempotent?: boolean;
  /** False if the tool only adds things. Default: true, unless the tool is read-only. */
  destructive?: boolean;
  /** Time in ms after which a call without a result or progress fails. Default: 60 s. */
  timeoutMs?: number;
}

/** A tool of the program, made by `tool`. */
export interface ProgramTool extends Readonly<ToolTraits> {
  /** The schema of the arguments as JSON Schema. */
  readonly inputSchema: JsonSchema;
  /** Checks the arguments, which already fit `inputSchema`, and runs the call. Rejects if they do not fit, or if the tool throws. */
  readonly call: (args: Record<string, unknown>, context: ToolContext) => Promise<unknown>;
}
