/** Calls over HTTP whose host is killed: without a request id, nobody can ask for the answer, so no host may continue the turn. */
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { StorageConfig } from "../../src/core/config.js";
import type { StoredEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { Cluster, type Serving } from "../nodes/serving.js";
import { script } from "../support/app.js";
import {
  answer,
  type LlmRequest,
  type LlmServer,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";
import { newStorage } from "../support/storages.js";

const messages = [{ role: "user", content: "book" }];
const bodies = {
  "chat/completions": { model: "m1", messages },
  responses: { model: "m1", input: "book" },
  messages: { model: "m1", max_tokens: 100, messages },
};
type Door = keyof typeof bodies | "chat of /mcp";

const doors: readonly Door[] = ["chat/completions", "responses", "messages", "chat of /mcp"];

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

/** Makes a call in the conversation `c`. Resolves when the host has answered, or has died. */
async function call({ url }: Serving, door: Door, requestId?: string): Promise<void> {
  if (door !== "chat of /mcp") {
    const headers = { "x-conversation-id": "c", ...(requestId && { "x-request-id": requestId }) };
    return post(`${url}/v1/${door}`, bodies[door], headers).then(read, () => {});
  }
  const accept = { accept: "application/json, text/event-stream" };
  const hello = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const begun = await post(`${url}/mcp`, { jsonrpc: "2.0", id: 1, method: "initialize", params: hello }, accept);
  await read(begun);
  const session = { ...accept, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  await post(`${url}/mcp`, { jsonrpc: "2.0", method: "notifications/initialized" }, session).then(read);
  const params = { name: "chat", arguments: { prompt: "book", conversation_id: "c", request_id: requestId ?? "" } };
  return post(`${url}/mcp`, { jsonrpc: "2.0", id: 2, method: "tools/call", params }, session).then(read, () => {});
}

const read = (response: Response): Promise<void> =>
  response.text().then(
    () => {},
    () => {},
  );

/** Waits until a host has ended the turn of the conversation `c`, as a client that follows the conversation sees it. */
async function ended({ url }: Serving): Promise<void> {
  const gone = new AbortController();
  const { body } = await fetch(`${url}/api/sessions/c/events`, { signal: gone.signal });
  let seen = "";
  for await (const part of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    seen += part;
    if (/"type":"turn_(end|error)"/.test(seen)) break;
  }
  gone.abort();
}

class Place implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "callers-"));
  #storage: StorageConfig | undefined;
  #cluster: Cluster | undefined;

  /** Starts a host. Calls of its tools are counted. `killedInCall` is the KILL_IN_CALL of counting-server.mjs. */
  async start(llm: string, name: string, killedInCall = ""): Promise<Serving> {
    this.#storage ??= await newStorage(this.#folder);
    const counting = script("tests/support/counting-server.mjs", join(this.#folder, "effects"));
    const server = { ...counting, trusted: true, env: { KILL_IN_CALL: killedInCall } };
    const more = { mcpServers: { s: server }, service: { approval: "auto" } };
    this.#cluster ??= new Cluster(llm, this.#storage, more);
    const [host] = await this.#cluster.start(name);
    return host as Serving;
  }

  get effects(): number {
    const file = join(this.#folder, "effects");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
  }

  async log(): Promise<StoredEvent[]> {
    const store = await openStore(this.#storage as StorageConfig, { now: Date.now, observe: () => {} });
    try {
      return await store.read("c");
    } finally {
      await store.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Returns a model that asks for one call of the tool, and ends the turn once it has the result. Its first `stalled` answers never come. */
function calling(tool: string, stalled: number): (request: LlmRequest) => Step {
  let asked = 0;
  return ({ body }) => {
    if (++asked <= stalled) return stream([stall]);
    if (body.messages?.at(-1)?.role === "tool") return answer("booked");
    return toolCalls([{ name: `s__${tool}`, arguments: { what: "trip" } }]);
  };
}

const dead = ({ child }: Serving) => child.signalCode ?? once(child, "exit");

/** Makes a call to a host, and kills the host while the model answers. */
async function killedInAnswer(host: Serving, llm: LlmServer, door: Door, requestId?: string): Promise<void> {
  const answering = call(host, door, requestId);
  await llm.received(1);
  host.child.kill("SIGKILL");
  await Promise.all([answering, dead(host)]);
}

describe("the turn of a call without a request id is cancelled", () => {
  test.each(doors)("after its host was killed while the model answered: %s", async (door) => {
    await using llm = await startLlmServer(calling("book", 1));
    await using place = new Place();
    await killedInAnswer(await place.start(llm.url, "a"), llm, door);
    await ended(await place.start(llm.url, "b"));
    expect((await place.log()).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "cancelled" } });
    expect([llm.requests.length, place.effects]).toEqual([1, 0]);
  });

  test("after its host was killed while a tool ran that could be repeated", async () => {
    await using llm = await startLlmServer(calling("look", 0));
    await using place = new Place();
    const first = await place.start(llm.url, "a", "after look trip");
    await Promise.all([call(first, "chat/completions"), dead(first)]);
    await ended(await place.start(llm.url, "b"));
    expect((await place.log()).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "cancelled" } });
    expect([llm.requests.length, place.effects]).toEqual([1, 1]);
  });

  test("by the host that takes the turn over", async () => {
    await using llm = await startLlmServer(calling("book", 1));
    await using place = new Place();
    const [first, other] = [await place.start(llm.url, "a"), await place.start(llm.url, "b")];
    await killedInAnswer(first, llm, "messages");
    await ended(other);
    expect((await place.log()).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "cancelled" } });
    expect([llm.requests.length, place.effects]).toEqual([1, 0]);
  });
});

test.each(doors)("the turn of a call with a request id continues after a crash: %s", async (door) => {
  await using llm = await startLlmServer(calling("book", 1));
  await using place = new Place();
  await killedInAnswer(await place.start(llm.url, "a"), llm, door, "r");
  await ended(await place.start(llm.url, "b"));
  expect((await place.log()).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect([llm.requests.length, place.effects]).toEqual([3, 1]);
});
