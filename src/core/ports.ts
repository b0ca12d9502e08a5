/** Ports between layers: what a layer needs of another that it must not import. The log's are in `store-ports.ts`. */
import type { ApprovalAnswer } from "./approval.js";
import type { ContentPart, Question, ServerState, ToolCall, ToolDefinition, ToolResult } from "./chat.js";
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
  /** Puts a server's question to the person behind the turn. `false` if nobody can be asked. Never rejects. */
  ask?: (question: Question) => Promise<unknown>;
  /**
   * Handles a server's `sampling/createMessage` instead of this host's model; parameters and result as in MCP. Undefined: not handled here.
   */
  sample?: (params: Record<string, unknown>) => Promise<Record<string, unknown>> | undefined;
  /** Unique to this call of this turn: a server may recognise a repetition by it. */
  callId?: string;
  trace?: TraceContext;
  /** Gets the result as the server sent it, if there is one. */
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
  /** True if it matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /** How its definition differs from the one that the user approved: `its description changed since …`. */
  change?: string;
  /** The host's own tool through which the model reached this server. Rules may name it as well: `host.read_resource`. */
  hostTool?: string;
}

/** Facts about a tool that patterns are compared with. */
export type NamedTool = ToolAnnotations & Pick<ToolFacts, "server" | "tool" | "hostTool">;

/** A tool with its server and its name there. */
export interface HubTool extends ToolDefinition, ToolAnnotations {
  server: string;
  tool: string;
  /** Servers that a tool of the host acts on; undefined: none. */
  actsOn?: readonly string[];
}

/** A checked call, not yet sent. `send` never rejects: a failure is an `isError` result. */
export interface PreparedCall extends ToolFacts {
  /** Arguments to be sent. */
  arguments: Readonly<Record<string, unknown>>;
  /** Makes the tool's current definition the approved one. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
}

/** The user's answers that hold for more than one call. A no outweighs a yes. */
export interface ApprovalMemory {
  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined;
  remember(tool: RememberedTool, answer: Required<ApprovalAnswer>): void;
}

/** A tool of the same name at another place is another tool. */
export type RememberedTool = Pick<ToolFacts, "server" | "tool" | "place">;

/** Answers that outlive the host. Never throws: an answer that cannot be stored holds until the host ends, and that is logged. */
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
  /** Duration of its last answer to a trivial request, in ms. */
  latencyMs?: number;
  /** Protocol era: `legacy` up to 2025-11-25, `modern` from 2026-07-28 on. */
  era?: "legacy" | "modern";
  /** Why it is not ready, and what to do. */
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
  /** Finds the tool, parses and validates the arguments. A refusal is the error result for the model. */
  prepare(call: ToolCall): PreparedCall | { refused: ToolResult };
}

/** Completions for what a person types. */
interface ArgumentChoices {
  /** Returns URI templates (RFC 6570) of resources, besides the listed resources. */
  templates(): readonly { uriTemplate: string; server: string }[];
  /** Returns values proposed for an argument of a prompt (by its name here) or of a URI template. Throws McpError. */
  complete(
    of: { prompt: string } | { template: string },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]>;
}

/** All MCP servers as one tool list. */
export interface ToolHub extends Toolbox, ArgumentChoices {
  /** Resolves when every server has settled or its grace period is over. Rejects if a required server is down. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Waits like `settled`, but accepts what a server offered last time until it is ready; a call then waits for its server. */
  offered(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  /** Returns the tool's server if it is now a process of this host; a new configuration may change that. */
  processOf(tool: string): string | undefined;
  /** Reconnects to the server now; the old connection ends once its running calls have. Throws RequestError. */
  reconnect(name: string): void;
  /** Returns the server's latest stderr output, without secrets; "" if there is none. Throws RequestError. */
  stderr(name: string): string;
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /**
   * Returns the servers' instructions, prompts and resources as text for the system prompt; "" if there are none. Bounded. Leaves out
   * servers whose every tool is hidden, and resources that cannot be read: reading is the tool `read_resource` of their server.
   */
  catalogue(isHidden?: (tool: NamedTool) => boolean): string;
  /** Returns the prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** Unrequested messages of a server, for front doors that pass them on. */
export type ServerNews =
  | { type: "lists" }
  | { type: "resource"; server: string; uri: string }
  | { type: "log"; server: string; level: string; text: string };

/** The servers' MCP results, for a front door that passes them on. Names are the hub's. Methods throw McpError. */
export interface Passage extends ArgumentChoices {
  /**
   * Returns, by the tool's name, the fields of tool listings that the model does not get (title, annotations, result schema, `_meta`, …).
   */
  toolDetails(): ReadonlyMap<string, Record<string, unknown>>;
  /** Returns this server's result with the addresses that `resources` uses. */
  withAddresses(server: string, result: Record<string, unknown>): Record<string, unknown>;
  /** Returns prompts. `own`: the name on the server; `details`: the remaining fields of its listing. */
  prompts(): readonly (PromptInfo & { own: string; details: Record<string, unknown> })[];
  /** Returns the result of `prompts/get`. */
  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Returns resources as listed, each under an address unique over all servers. */
  resources(): readonly Record<string, unknown>[];
  resourceTemplates(): readonly Record<string, unknown>[];
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
