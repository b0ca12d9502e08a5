/** Several hosts of the command line (`serve`) on one PostgreSQL, a model that counts, and a server whose effects can be counted. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { dump } from "js-yaml";
import pg from "pg";
import type { StoredEvent } from "../../src/core/events.js";
import { script } from "../support/app.js";
import { configFor, type Ended, ended, Workplace } from "../support/cli.js";
import {
  answer,
  type LlmRequest,
  type LlmServer,
  type Step,
  startLlmServer,
  toolCalls,
} from "../support/llm-server.js";
import { noServer, type PostgresServer, startPostgres } from "../support/postgres.js";

/** Time after which a wait fails with what it was waiting for, in ms. */
const longestMs = 60_000;
/** True under `npm run test:nodes`; otherwise only some of the tests run. */
export const isWhole = process.env.NODE_TESTS === "all";
export const whole = isWhole ? test : (test.skip as typeof test);

/** Declares tests that need PostgreSQL. If there is none, they are skipped with a line on stderr. */
export function withPostgres(name: string, tests: () => void): void {
  if (noServer) {
    process.stderr.write(`NOT TESTED, ${name}: ${noServer}\n`);
    test.skip(`${name}: ${noServer}`, () => {});
  } else describe(name, tests);
}

/** Declares tests like `withPostgres`, with a server of their own that they may kill. */
export function onServer(name: string, tests: (server: () => PostgresServer) => void): void {
  withPostgres(name, () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres(["max_connections=300"]);
    });
    afterAll(async () => server[Symbol.asyncDispose]());
    tests(() => server);
  });
}

interface ClusterOptions {
  /** URL by which the nodes find the database, if not `url`: that of a proxy. */
  seenAs?: string;
  nodes?: number;
  lease?: string;
  model?: (request: LlmRequest) => Step;
  /** More settings of the configuration. */
  config?: object;
  storage?: object;
}

interface StartOptions {
  /** Program that starts the node's command line: `unshare`, `nsenter`. */
  within?: readonly string[];
  env?: Record<string, string>;
  /** URL by which this node finds the database. */
  storageUrl?: string;
  /** URL by which this node finds the model. */
  llmUrl?: string;
  program?: readonly string[];
}

/** Returns the text of the last user message, and the number of tool results after it. */
export function askedIn({ body }: LlmRequest): { text: string; results: number } {
  const messages = body.messages ?? [];
  const last = messages.findLastIndex(({ role }) => role === "user");
  const content = messages[last]?.content;
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { text, results: messages.slice(last).filter(({ role }) => role === "tool").length };
}

/** Returns a model that books, looks and books again, each after this time, and then says that it is done. */
export function traveller(thinkMs: number): (request: LlmRequest) => Step {
  return (request) => {
    const { text, results } = askedIn(request);
    const name = results === 1 ? "s__look" : "s__book";
    const call = { name, arguments: { what: `${text}.${results}` }, id: `call_${results}` };
    const step = results < 3 ? toolCalls([call]) : answer(`done: ${text}`);
    return (response, asked) => void sleep(thinkMs).then(() => step(response, asked));
  };
}

/** Returns a model that answers at once, or after this time. */
export function speaker(thinkMs = 0): (request: LlmRequest) => Step {
  return (request) => {
    const step = answer(`said: ${askedIn(request).text}`);
    return thinkMs === 0 ? step : (response, asked) => void sleep(thinkMs).then(() => step(response, asked));
  };
}

/** A new connection for each request: a stopped node may have closed a kept one. */
const onItsOwn = { headers: { connection: "close" } };

export class ClusterNode {
  readonly child: ChildProcess;
  readonly end: Promise<Ended>;
  url = "";
  #stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.end = ended(child);
    child.stderr?.on("data", (text) => {
      this.#stderr += text;
    });
  }

  get said(): string {
    return this.#stderr;
  }

  /** Resolves when the node takes requests. Rejects if the node ends first. */
  async listening(): Promise<this> {
    const address = /listening on (\S+)/;
    await new Promise<void>((done, failed) => {
      const look = () => address.test(this.#stderr) && done();
      this.child.stderr?.on("data", look);
      look();
      void this.end.then(({ exitCode, stderr }) => failed(new Error(`the node ended with ${exitCode}: ${stderr}`)));
    });
    this.url = address.exec(this.#stderr)?.[1] ?? "";
    return this;
  }

  /** Resolves when the request is acknowledged. Rejects if the node is gone or answers another status than 202. */
  async submit(
    conversationId: string,
    requestId: string,
    text = requestId,
  ): Promise<{ turn_id: string; cached: boolean }> {
    const body = JSON.stringify({ request_id: requestId, text });
    const response = await fetch(`${this.url}/api/sessions/${conversationId}/turns`, {
      ...onItsOwn,
      method: "POST",
      body,
    });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as { turn_id: string; cached: boolean };
  }

  /** Resolves to the status of the answer: 204 if there was something to cancel. */
  async cancel(conversationId: string, requestId?: string): Promise<number> {
    const body = JSON.stringify({ request_id: requestId });
    const response = await fetch(`${this.url}/api/sessions/${conversationId}/cancel`, {
      ...onItsOwn,
      method: "POST",
      body,
    });
    return response.status;
  }

  /** Yields the messages of an existing conversation as they arrive, from the first one. */
  async *events(conversationId: string, signal?: AbortSignal): AsyncGenerator<FollowedMessage> {
    const response = await fetch(`${this.url}/api/sessions/${conversationId}/events?from=1`, { ...onItsOwn, signal });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    let text = "";
    for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const data = part.split("\n").find((line) => line.startsWith("data: "));
        if (data) yield JSON.parse(data.slice(6)) as FollowedMessage;
      }
    }
  }

  /** Resolves to the conversation's messages so far. */
  async history(conversationId: string): Promise<FollowedMessage[]> {
    const response = await fetch(`${this.url}/api/sessions/${conversationId}`, onItsOwn);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return ((await response.json()) as { messages: FollowedMessage[] }).messages;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export interface FollowedMessage {
  seq?: number;
  status: string;
  chunk: { type?: string; data?: unknown; metadata?: Record<string, unknown> };
}

export class Cluster implements AsyncDisposable {
  readonly #place = new Workplace();
  #client: Promise<pg.Client> | undefined;
  readonly #options: ClusterOptions;
  readonly nodes: ClusterNode[] = [];
  readonly llm: LlmServer;
  readonly url: string;
  readonly effectsFile = join(this.#place.folder, "effects");
  #changed: (() => void)[] = [];

  private constructor(url: string, llm: LlmServer, options: ClusterOptions) {
    this.url = url;
    this.llm = llm;
    this.#options = options;
  }

  /** Opens a cluster on a new, empty database. */
  static async open(url: string, options: ClusterOptions = {}): Promise<Cluster> {
    const llm = await startLlmServer(options.model ?? speaker());
    const cluster = new Cluster(url, llm, options);
    await Promise.all(Array.from({ length: options.nodes ?? 3 }, () => cluster.start()));
    return cluster;
  }

  /** Returns one of the nodes; any number is valid. */
  node(index: number): ClusterNode {
    return this.nodes[index % this.nodes.length] as ClusterNode;
  }

  /** Starts one more node and resolves when it listens. */
  async start(options: StartOptions = {}): Promise<ClusterNode> {
    return this.spawn(options).listening();
  }

  spawn({
    within = [],
    env = {},
    storageUrl,
    llmUrl = this.llm.url,
    program = [resolve("dist/main.js"), "serve", "--port", "0", "--no-token"],
  }: StartOptions = {}): ClusterNode {
    const { seenAs = this.url, lease = "2s", config, storage } = this.#options;
    const server = { ...script("tests/support/counting-server.mjs", this.effectsFile), trusted: true };
    const chat = {
      storage: { url: storageUrl ?? seenAs, lease, ...storage },
      service: { approval: "auto", drain_timeout: 1 },
    };
    const serve = { requests_per_minute: 1_000_000, max_connections: 10_000 };
    const whole = { ...configFor(llmUrl, { s: server }, { chat, serve }), ...config };
    const file = this.#place.write(`config-${this.nodes.length}.yaml`, dump(whole));
    const [command = "", ...args] = [...within, process.execPath, ...program];
    const child = spawn(command, args, {
      cwd: this.#place.folder,
      env: { ...this.#place.environment, MCP_PLATFORM_CONFIG: file, ...env },
    });
    const node = new ClusterNode(child);
    this.nodes.push(node);
    return node;
  }

  /** Requests to the model in their order, as `text#results`. */
  get asked(): string[] {
    return this.llm.requests.map((request) => {
      const { text, results } = askedIn(request);
      return `${text}#${results}`;
    });
  }

  /** Effects of the server, as `tool what call-id`. */
  get effects(): string[] {
    return existsSync(this.effectsFile) ? readFileSync(this.effectsFile, "utf8").trim().split("\n") : [];
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    this.#client ??= this.#connect();
    try {
      return (await (await this.#client).query<Row>(sql, values)).rows;
    } catch (error) {
      this.#client = undefined; // the next query opens another connection
      throw error;
    }
  }

  async log(conversationId: string): Promise<StoredEvent[]> {
    const rows = await this.query<{ seq: string; at: string; payload: string }>(
      "SELECT seq, at, payload FROM events WHERE conversation_id = $1 ORDER BY seq",
      [conversationId],
    );
    return rows.map(({ seq, at, payload }) => ({ ...JSON.parse(payload), seq: Number(seq), at: Number(at) }));
  }

  /** Resolves when the condition holds. Checks it after every write to the log, and at intervals, also while the database is away. */
  async until(condition: () => Promise<boolean>): Promise<void> {
    for (const lateAt = performance.now() + longestMs; ; ) {
      if (performance.now() > lateAt) throw new Error(`not within ${longestMs / 1000} s: ${await this.#state()}`);
      const changed = new Promise<void>((done) => this.#changed.push(done));
      if (await condition().catch(() => false)) return;
      await Promise.race([changed, sleep(100, undefined, { ref: false })]); // changes outside the log cause no notice
    }
  }

  /** Resolves when so many turns have ended. */
  async ended(count: number): Promise<void> {
    await this.until(async () => (await this.endings()).length >= count);
  }

  async endings(): Promise<{ conversationId: string; type: string; at: number }[]> {
    const rows = await this.query<{ conversation_id: string; type: string; at: string }>(
      "SELECT conversation_id, type, at FROM events WHERE type IN ('turn_end', 'turn_error') ORDER BY id",
    );
    return rows.map(({ conversation_id, type, at }) => ({ conversationId: conversation_id, type, at: Number(at) }));
  }

  /** Returns the number of turns for each process. */
  async holders(): Promise<Map<number, number>> {
    const rows = await this.query<{ pid: number; count: string }>(
      "SELECT pid, count(*) FROM turns JOIN nodes USING (node_id) WHERE state = 'running' GROUP BY pid",
    );
    return new Map(rows.map(({ pid, count }) => [pid, Number(count)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) {
      node.kill("SIGCONT");
      node.kill("SIGKILL");
    }
    await Promise.all(this.nodes.map(({ end }) => end));
    await (await this.#client)?.end().catch(() => {});
    this.#place[Symbol.dispose]();
    await this.llm[Symbol.asyncDispose]();
  }

  async #state(): Promise<string> {
    const turns =
      "SELECT conversation_id, turn_id, state, place, fold, node_id, crashes FROM turns WHERE state <> 'ended'";
    const tickets = "SELECT workflow_uuid, status, queue_name, executor_id, priority FROM dbos.workflow_status";
    const found = [await this.query(turns), await this.query(tickets), await this.query("SELECT * FROM nodes")];
    return `${JSON.stringify(found, null, 1)}\n${this.nodes.map(({ said }) => said).join("\n--\n")}`;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url });
    client.on("error", () => {
      this.#client = undefined;
    });
    client.on("notification", () => this.#wake());
    await client.connect();
    await client.query("LISTEN mcp_platform_log");
    return client;
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const done of changed) done();
  }
}
