import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChatStore, CheckpointStore, ConversationSummary, TurnRequest } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import type { ToolCall } from "../../src/core/messages.js";
import type { TurnGrant } from "../../src/core/turn-leases.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { query } from "../support/postgres.js";

/** Calls `work` with a new empty folder and deletes the folder afterwards. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "history-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the work as an ordinary user, because root may write anywhere and would void a test of permissions. */
export async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

/** Appends an event: as the owner of the turn or, without a grant, as what no turn waits for. */
export async function append(
  store: ChatStore,
  conversationId: string,
  event: ChatEvent,
  grant?: TurnGrant,
): Promise<StoredEvent> {
  if (!grant) return store.archive.amend(conversationId, () => event);
  const [stored] = await store.appendAll(conversationId, [event], grant);
  return stored as StoredEvent;
}

/** Runs a turn that consists of its request and these events. */
export async function runTurn(store: ChatStore, conversationId: string, events: readonly ChatEvent[]): Promise<void> {
  const turnId = events[0]?.turnId ?? "";
  await store.claim(conversationId, turn(turnId).user("hello"), request("n"));
  const { fence = 0 } = (await store.turns.acquire(conversationId, turnId, "n")) ?? {};
  await store.appendAll(conversationId, events, { fence, position: 2 });
}

/** Runs the statement in the log and returns its rows. The log must be a file or a database. */
export async function rowsIn(storage: StorageConfig, sql: string): Promise<Record<string, unknown>[]> {
  if (storage.driver === "postgres") return query(storage.url, sql);
  if (storage.driver === "memory") throw new Error("only its store reaches the rows of a log in memory");
  const db = await connect(storage.path);
  try {
    return db.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    db.close();
  }
}

/** Returns all conversations of the log, the latest first, also those of single API calls. */
export async function listed(store: ChatStore): Promise<ConversationSummary[]> {
  return (await store.conversations({ most: 10_000, includesHidden: true })).conversations;
}

/** Returns a turn request of this node. */
export function request(nodeId: string, workspace = "here"): TurnRequest {
  return { nodeId, workspace, options: {} };
}

/** Returns the events numbered as a store numbers them. */
export function stored(events: readonly ChatEvent[]): StoredEvent[] {
  return events.map((event, index) => ({ ...event, seq: index + 1, at: 1_000 + index }));
}

/** Returns a reader of these events. It reads them as a store does. */
export function readerOf(events: readonly StoredEvent[]): Pick<ChatStore, "read"> {
  return {
    read: async (_, from = 1, most = events.length) => events.filter(({ seq }) => seq >= from).slice(0, most),
  };
}

/** Returns a store of checkpoints without a log. */
export function checkpointsAlone(): CheckpointStore {
  const checkpoints = new Map<string, string>();
  return {
    put: async (conversationId, checkpoint) => void checkpoints.set(conversationId, checkpoint),
    read: async (conversationId) => checkpoints.get(conversationId),
  };
}

/** Returns the whole text of these pieces. */
export async function joined(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

export function call(id: string, name = "everything__add", args = '{"a":2,"b":40}'): ToolCall {
  return { id, name, arguments: args };
}

/** Returns short constructors for the events of one turn. */
export function turn(turnId: string) {
  const text = (value: string) => [{ type: "text" as const, text: value }];
  const facts = { finishReason: "stop", provider: "demo", model: "demo-1", attempts: 1 } as const;
  return {
    user: (value: string, requestId = `request-${turnId}`) =>
      ({ type: "user_message", turnId, requestId, content: text(value) }) as const,
    answer: (content: string, toolCalls: ToolCall[] = [], more: { interrupted?: true; attempts?: number } = {}) =>
      ({
        type: "assistant_message",
        turnId,
        message: { role: "assistant", content, toolCalls },
        ...facts,
        ...more,
      }) as const,
    planned: (planned: ToolCall) => ({ type: "tool_call", turnId, call: planned }) as const,
    sent: (callId: string) => ({ type: "tool_sent", turnId, callId }) as const,
    result: (callId: string, value: string, isError = false) =>
      ({ type: "tool_result", turnId, callId, name: "everything__add", content: text(value), isError }) as const,
    stored: (callId: string, resultId: string) =>
      ({
        type: "tool_result",
        turnId,
        callId,
        name: "everything__add",
        content: text(`… ${resultId} …`),
        isError: false,
        resultIds: [resultId],
      }) as const,
    trim: (upToSeq: number) => ({ type: "trim", turnId, upToSeq }) as const,
    compaction: (upToSeq: number, summary: string) =>
      ({ type: "compaction", turnId, upToSeq, summary, provider: "demo", model: "demo-1", attempts: 1 }) as const,
    lost: (...servers: string[]) => ({ type: "state_lost", turnId, servers }) as const,
    end: (stopReason: "end_turn" | "cancelled" | "refusal" = "end_turn") =>
      ({ type: "turn_end", turnId, stopReason }) as const,
    error: (mayPass = true) => {
      const kind = mayPass ? "rate_limit" : "unexpected";
      return { type: "turn_error", turnId, error: { kind, message: "busy", retryable: mayPass, hint: "" } } as const;
    },
  };
}
