/** The seams between layers: what a layer needs of another one that it must not import. The log is in `store-ports.ts`. */
import type { ApprovalAnswer } from "./approval.js";
import type { ContentPart, Question, ServerState, ToolCall, ToolDefinition, ToolResult } from "./chat.js";
import type { TraceContext } from "./trace-context.js";

export type { ToolResult };

/** Logs: layers report, `app.ts` subscribes; what is measured goes to a `Meter`. Must not throw. Fields never hold a secret or prompt text. */
export type Observe = (event: Observation) => void;

export interface Observation {
  level: "debug" | "info" | "warn" | "error";
  /** The layer that speaks: `llm`, `mcp`, `history`… */
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
  /** Puts a server's question to the person behind the turn. `false` when nobody can be asked. Never rejects. */
  ask?: (question: Question) => Promise<unknown>;
  /**
   * Takes a server's `sampling/createMessage` in place of this host's model, and gives its result, both as MCP has them. Undefined:
   * this one it does not take.
   */
  sample?: (params: Record<string, unknown>) => Promise<Record<string, unknown>> | undefined;
  /** The same for the same call of the same turn, and for no other: a server may tell a repetition by it. */
  callId?: string;
  /** The span of the call. */
  trace?: TraceContext;
  /** Gets the result as the server sent it, when there is one. */
  onAnswer?: (result: Record<string, unknown>) => void;
}

/** What a server says of a tool. All false for one that the user does not vouch for: its word would be hearsay. */
export interface ToolAnnotations {
  readOnly: boolean;
  idempotent: boolean;
  destructive: boolean;
  openWorld: boolean;
}

/** What the policy may know of a tool. */
export interface ToolFacts extends ToolAnnotations {
  server: string;
  /** The server's own name of the tool. */
  tool: string;
  /** The server and the place it runs at, hashed: another server of the same name has another one. */
  place: string;
  /** Matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /** How its definition differs from the one that the user goes by: `its description changed since …`. */
  change?: string;
  /** The host's own tool that the model called to reach this server. Rules may name it as well: `host.read_resource`. */
  hostTool?: string;
}

/** What a pattern of tools is compared with. */
export type NamedTool = ToolAnnotations & Pick<ToolFacts, "server" | "tool" | "hostTool">;

/** A tool with the server that offers it and that server's own name of it. */
export interface HubTool extends ToolDefinition, ToolAnnotations {
  server: string;
  tool: string;
  /** The servers that a tool of the host acts on. Undefined: it acts on none. */
  actsOn?: readonly string[];
}

/** A checked call, not yet sent. `send` never rejects: what goes wrong is an `isError` result. */
export interface PreparedCall extends ToolFacts {
  /** As they would be sent. */
  arguments: Readonly<Record<string, unknown>>;
  /** The user goes by the tool's definition from now on. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
}

/** What the user answered once and for longer than one call. A no weighs more than a yes. */
export interface ApprovalMemory {
  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined;
  remember(tool: RememberedTool, answer: Required<ApprovalAnswer>): void;
}

/** A tool of the same name from another place is another one. */
export type RememberedTool = Pick<ToolFacts, "server" | "tool" | "place">;

/** Answers that outlive the host. Never throws: what cannot be kept holds until the host ends, and that is observed. */
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
  /** Start to ready, milliseconds. */
  startMs?: number;
  version?: string;
  /** Milliseconds of its last answer to a question that needs no thought. */
  latencyMs?: number;
  /** Of the protocol: `legacy` is up to 2025-11-25, `modern` from 2026-07-28 on. */
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
  /** In a stable order, so that a provider's prompt cache holds from request to request. */
  tools(): readonly HubTool[];
  /** Finds the tool, parses and validates the arguments. A refusal is the error result for the model. */
  prepare(call: ToolCall): PreparedCall | { refused: ToolResult };
}

/** What may be filled in, for whoever types it. */
interface ArgumentChoices {
  /** URI templates (RFC 6570) of resources, beside those that are listed. */
  templates(): readonly { uriTemplate: string; server: string }[];
  /** Values proposed for an argument of a prompt (by its name here) or of a URI template. Throws McpError. */
  complete(
    of: { prompt: string } | { template: string },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]>;
}

/** All MCP servers as one tool list. */
export interface ToolHub extends Toolbox, ArgumentChoices {
  /** Resolves when every server has settled or used up its own grace. Rejects when a required server is down. */
  settled(signal?: AbortSignal): Promise<void>;
  /** As `settled`, for whoever goes by what servers offered the last time until they are ready: a call waits for its own server. */
  offered(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  /** The server of the tool, where that is a process of this host now: a configuration may make another one of it. */
  processOf(tool: string): string | undefined;
  /** Ends the connection to the server once the calls that run have ended, and makes a new one now. Throws RequestError. */
  reconnect(name: string): void;
  /** The last of what the server has written on stderr, without secrets; "" where there is none. Throws RequestError. */
  stderr(name: string): string;
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /**
   * What servers say of their tools, and their prompts and resources, as text for the system prompt; "" when none. Bounded. Says nothing of
   * servers whose every tool is hidden, and no resource that cannot be read: a read is the tool `read_resource` of its server.
   */
  catalogue(isHidden?: (tool: NamedTool) => boolean): string;
  /** The prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** What a server says without being asked, for whoever passes it on. */
export type ServerNews =
  | { type: "lists" }
  | { type: "resource"; server: string; uri: string }
  | { type: "log"; server: string; level: string; text: string };

/** The servers as they speak MCP, for a door that passes them on. Names are the hub's. Methods throw McpError. */
export interface Passage extends ArgumentChoices {
  /** What listings of tools say beside what the model gets (title, annotations, result schema, `_meta`, …), by the tool's name. */
  toolDetails(): ReadonlyMap<string, Record<string, unknown>>;
  /** The result of this server with the addresses that `resources` has. */
  withAddresses(server: string, result: Record<string, unknown>): Record<string, unknown>;
  /** `own` is the server's name of it, `details` what its listing says beside the rest. */
  prompts(): readonly (PromptInfo & { own: string; details: Record<string, unknown> })[];
  /** The result of `prompts/get`. */
  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** As they are listed, each under an address that no other server's has. */
  resources(): readonly Record<string, unknown>[];
  /** As they are listed. */
  resourceTemplates(): readonly Record<string, unknown>[];
  /** How to use what the servers offer, in their own words; only of servers that say something. */
  instructions(): readonly { server: string; text: string }[];
  /** The result of `resources/read`. */
  readResource(uri: string, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Its changes are news from now on. */
  watchResource(uri: string, signal: AbortSignal): Promise<void>;
  /** Until the returned function is called. */
  onNews(listener: (news: ServerNews) => void): () => void;
}

/** The host's hub and the servers of one session. */
export interface SessionHub extends ToolHub {
  /** Ends the servers of the session. */
  close(): Promise<void>;
}
