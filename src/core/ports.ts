/** The seams between layers: what a layer needs of another one that it must not import. */
import type {
  ChatEvent,
  ContentPart,
  Question,
  ServerState,
  StoredEvent,
  ToolCall,
  ToolDefinition,
  UserMessageEvent,
} from "./chat.js";

/** Logs and measurements: layers report, `app.ts` subscribes. Must not throw. Fields never hold a secret or prompt text. */
export type Observe = (event: Observation) => void;

export interface Observation {
  level: "debug" | "info" | "warn" | "error";
  /** The layer that speaks: `llm`, `mcp`, `history`… */
  scope: string;
  message: string;
  fields?: Record<string, unknown>;
}

export interface ToolResult {
  content: ContentPart[];
  isError: boolean;
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
  /** The model's id of the call, for the server's own log. */
  callId?: string;
  /** W3C trace context that the call belongs to. */
  traceparent?: string;
}

/** What the policy may know of a tool. Annotations of an untrusted server are not in here: they would be hearsay. */
export interface ToolFacts {
  server: string;
  /** The server's own name of the tool. */
  tool: string;
  readOnly: boolean;
  idempotent: boolean;
  /** Matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /** How its definition differs from the one that the user goes by: `its description changed since …`. */
  change?: string;
}

/** A tool with the server that offers it and that server's own name of it. */
export interface HubTool extends ToolDefinition {
  server: string;
  tool: string;
}

/** A checked call, not yet sent. `send` never rejects: what goes wrong is an `isError` result. */
export interface PreparedCall extends ToolFacts {
  /** The user goes by the tool's definition from now on. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
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

/** All MCP servers as one tool list. */
export interface ToolHub {
  /** In a stable order, so that a provider's prompt cache holds from request to request. */
  tools(): readonly HubTool[];
  /** Finds the tool, parses and validates the arguments. A refusal is the error result for the model. */
  prepare(call: ToolCall): PreparedCall | { refused: ToolResult };
  /** Resolves when every server has settled or used up its own grace. Rejects when a required server is down. */
  settled(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /** Prompts and resources that are available, as text for the system prompt; "" when none. Bounded. */
  catalogue(): string;
  /** The prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** `created`: this call stored the user message. Else `events` is what is known of the request's turn so far. */
export interface Claim {
  created: boolean;
  events: StoredEvent[];
}

export interface ConversationSummary {
  conversationId: string;
  lastSeq: number;
  updatedAt: number;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  /** One transaction: stores the user message unless its request id is already there. */
  claim(conversationId: string, event: UserMessageEvent): Promise<Claim>;
  /** Resolves when the event is as durable as the store makes it. */
  append(conversationId: string, event: ChatEvent): Promise<StoredEvent>;
  /** Events with `seq >= from` (default all), in order. */
  read(conversationId: string, from?: number): Promise<StoredEvent[]>;
  /** Latest first. */
  conversations(): Promise<ConversationSummary[]>;
  close(): Promise<void>;
}
