/** Ports between layers: interfaces to layers that the caller must not import. Ports of the event log are in `store-ports.ts`. */
import type { ApprovalAnswer } from "./approval.js";
import type { Question, ServerState } from "./events.js";
import type { ContentPart, ToolCall, ToolDefinition, ToolResult } from "./messages.js";
import type { TraceContext } from "./trace-context.js";

export type { ToolResult };

/**
 * Sink of log entries: layers report, `app.ts` subscribes; measurements go to a `Meter`. Must not throw. Fields never hold a secret or
 * prompt text.
 */
export type Observe = (event: Observation) => void;

export interface Observation {
  level: "debug" | "info" | "warn" | "error";
  /** Reporting layer: `llm`, `mcp`, `history`… */
  scope: string;
  message: string;
  fields?: Record<string, unknown>;
}

export interface ToolProgress {
  progress: number;
  total?: number;
  message?: string;
}

export interface SendOptions {
  signal: AbortSignal;
  onProgress?: (progress: ToolProgress) => void;
  /**
   * Asks the person behind the turn a server's question. Resolves with the answer, or with `false` if nobody can be asked. Never rejects.
   */
  ask?: (question: Question) => Promise<unknown>;
  /**
   * Handles a server's `sampling/createMessage` instead of this host's model; parameters and result as in MCP. Returns undefined if this
   * host's model is to handle it.
   */
  sample?: (params: Record<string, unknown>) => Promise<Record<string, unknown>> | undefined;
  /** Id of this call, unique to this turn, by which a server may recognise a repeated call. */
  callId?: string;
  trace?: TraceContext;
  /** Called with the result as the server sent it. Not called if there is no result. */
  onAnswer?: (result: Record<string, unknown>) => void;
}

/** A server's claims about a tool. All false unless the user trusts the server. */
export interface ToolAnnotations {
  readOnly: boolean;
  idempotent: boolean;
  destructive: boolean;
  openWorld: boolean;
}

/** Facts about a tool that the policy may use. */
export interface ToolFacts extends ToolAnnotations {
  server: string;
  /** The tool's name on its server. */
  tool: string;
  /** Hash of the server and its address or command: differs for another server of the same name. */
  place: string;
  /** True if the tool matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /** Set if the tool's definition differs from the one that the user approved: `its description changed since …`. */
  change?: string;
  /** The host's own tool through which the model reached this server. Rules may also name that tool: `host.read_resource`. */
  hostTool?: string;
}

/** Facts about a tool that patterns are compared with. */
export type NamedTool = ToolAnnotations & Pick<ToolFacts, "server" | "tool" | "hostTool">;

/** A tool, the server that has it, and its name on that server. */
export interface HubTool extends ToolDefinition, ToolAnnotations {
  server: string;
  tool: string;
  /** Only for tools of the host itself: the servers on which the tool acts. */
  actsOn?: readonly string[];
}

/** A checked call, not yet sent. `send` never rejects: a failure is an `isError` result. */
export interface PreparedCall extends ToolFacts {
  /** Arguments to be sent. */
  arguments: Readonly<Record<string, unknown>>;
  /** Hashes of the parts of the tool's definition. Undefined for tools of the host, whose definition no server can change. */
  definition?: Readonly<Record<string, string>>;
  /** Makes the tool's current definition the approved one. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
}

/** The user's answers that hold for more than one call. A no outweighs a yes. */
export interface ApprovalMemory {
  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined;
  remember(tool: RememberedTool, answer: Required<ApprovalAnswer>): void;
}

/** Identifies a tool in stored answers. A tool with the same name but another `place` is another tool. */
export type RememberedTool = Pick<ToolFacts, "server" | "tool" | "place">;

/**
 * Stored answers, which outlive the host. Methods never throw: an answer that cannot be stored is logged, and holds until the host ends.
 */
export interface KeptApprovals {
  find(tool: RememberedTool, workspace: string): Required<ApprovalAnswer> | undefined;
  keep(tool: RememberedTool, answer: { allow: boolean; remember: "project" | "always" }, workspace: string): void;
}

export interface ServerStatus {
  name: string;
  state: ServerState;
  transport: string;
  tools: number;
  prompts: number;
  resources: number;
  /** Time from start to ready, in ms. */
  startMs?: number;
  version?: string;
  /** Time that the server took to answer its last trivial request, in ms. */
  latencyMs?: number;
  /** Protocol era: `legacy` up to 2025-11-25, `modern` from 2026-07-28 on. */
  era?: "legacy" | "modern";
  /** Why the server is not ready, and what to do about it. */
  reason?: string;
}

export interface PromptInfo {
  /** `server__prompt`, unique over all servers. */
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

/** Tools as a turn sees them. */
export interface Toolbox {
  /** Returns the tools in a stable order, so that a provider's prompt cache holds from request to request. */
  tools(): readonly HubTool[];
  /** Finds the tool, then parses and validates the arguments. If the call is refused, `refused` is the error result for the model. */
  prepare(call: ToolCall): PreparedCall | { refused: ToolResult };
}

/** Completions for what a person types. */
interface ArgumentChoices {
  /** Returns URI templates (RFC 6570) of resources, besides the listed resources. */
  templates(): readonly { uriTemplate: string; server: string }[];
  /**
   * Returns proposed values for an argument of a prompt or of a URI template. `prompt` is the prompt's name in this hub. Throws McpError.
   */
  complete(
    of: { prompt: string } | { template: string },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]>;
}

/** All MCP servers as one tool list. */
export interface ToolHub extends Toolbox, ArgumentChoices {
  /**
   * Resolves when every server is ready or has failed. Waits for an optional server only until its grace period is over. Rejects if a
   * required server is down.
   */
  settled(signal?: AbortSignal): Promise<void>;
  /**
   * Waits like `settled`, but not for an optional server whose tools are known from last time. A call of such a tool then waits for its
   * server.
   */
  offered(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  /** Returns the name of the tool's server if that server now runs as a process of this host. A new configuration may change the result. */
  processOf(tool: string): string | undefined;
  /** Reconnects to the server now. The old connection is closed when its running calls have ended. Throws RequestError. */
  reconnect(name: string): void;
  /** Returns the server's latest stderr output, without secrets; "" if there is none. Throws RequestError. */
  stderr(name: string): string;
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /**
   * Returns the servers' instructions, prompts and resources as text of bounded length for the system prompt; "" if there are none. Leaves
   * out servers whose tools are all hidden. Leaves out resources whose server's tool `read_resource` is hidden, because the model cannot
   * read them.
   */
  catalogue(isHidden?: (tool: NamedTool) => boolean): string;
  /** Returns the prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** Messages that a server sends unasked, for frontends that pass them on. */
export type ServerNews =
  | { type: "lists" }
  | { type: "resource"; server: string; uri: string }
  | { type: "log"; server: string; level: string; text: string };

/** The servers' complete MCP results, for a frontend that passes them on. Names are those of the hub. Methods throw McpError. */
export interface Passage extends ArgumentChoices {
  /**
   * Returns a map from a tool's name to the fields of its listing that the model does not get (title, annotations, result schema, `_meta`,
   * …).
   */
  toolDetails(): ReadonlyMap<string, Record<string, unknown>>;
  /** Returns this server's result, with its resource addresses replaced by the unique ones that `resources` returns. */
  withAddresses(server: string, result: Record<string, unknown>): Record<string, unknown>;
  /** Returns all prompts. `own`: the prompt's name on its server; `details`: the remaining fields of the prompt's listing. */
  prompts(): readonly (PromptInfo & { own: string; details: Record<string, unknown> })[];
  /** Returns the result of `prompts/get`. */
  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Record<string, unknown>>;
  /**
   * Returns the resources of the servers for which `isShown` is true, as they list them, each under an address that is unique over all
   * servers.
   */
  resources(isShown: (server: string) => boolean): readonly Record<string, unknown>[];
  resourceTemplates(isShown: (server: string) => boolean): readonly Record<string, unknown>[];
  /** Returns the server from which `readResource` would read this address. Throws McpError if there is none. */
  serverOf(uri: string): string;
  /** Returns the servers' own instructions; skips servers without any. */
  instructions(): readonly { server: string; text: string }[];
  /** Returns the result of `resources/read`. */
  readResource(uri: string, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Subscribes to changes of the resource, reported by `onNews`. */
  watchResource(uri: string, signal: AbortSignal): Promise<void>;
  /** Calls the listener until the returned function is called. */
  onNews(listener: (news: ServerNews) => void): () => void;
}

/** The host's hub plus the servers of one session. */
export interface SessionHub extends ToolHub {
  /** Ends the servers of the session. */
  close(): Promise<void>;
}
