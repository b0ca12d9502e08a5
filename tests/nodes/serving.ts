/** `serve` in several processes on one database, and a model that writes what a test tells it to, at the time that the test chooses. */
import { type ChildProcess, spawn } from "node:child_process";
import type { ServerResponse } from "node:http";
import { resolve } from "node:path";
import { configFor, Workplace } from "../support/cli.js";
import { chunk, type LlmServer, startLlmServer } from "../support/llm-server.js";

export interface Serving {
  /** Name of the node. It is also its key at the model, which so recognises it. */
  name: string;
  url: string;
  child: ChildProcess;
}

/** Hosts in one folder, so that each can continue another host's turns. */
export class Cluster implements AsyncDisposable {
  readonly #place = new Workplace();
  readonly #llm: string;
  readonly #storage: object;
  readonly #more: { mcpServers?: object; service?: object };
  readonly nodes: Serving[] = [];

  constructor(llm: string, storage: object, more: { mcpServers?: object; service?: object } = {}) {
    this.#llm = llm;
    this.#storage = storage;
    this.#more = more;
  }

  async start(...names: string[]): Promise<Serving[]> {
    const started = await Promise.all(names.map((name) => this.#serve(name)));
    this.nodes.push(...started);
    return started;
  }

  others(...than: string[]): Serving[] {
    return this.nodes.filter(({ name }) => !than.includes(name));
  }

  async #serve(name: string): Promise<Serving> {
    const { mcpServers, service } = this.#more;
    const config = configFor(this.#llm, mcpServers, {
      chat: { storage: this.#storage, service },
      serve: { requests_per_minute: 10_000 },
      mcp: { serve: { chat: true } },
    });
    Object.assign((config as { llm: { providers: { test: object } } }).llm.providers.test, { api_key: `sk-${name}` });
    const file = this.#place.write(`${name}.json`, JSON.stringify(config));
    const program = [resolve("dist/main.js"), "--config", file, "serve", "--port", "0", "--no-token"];
    const { folder: cwd, environment: env } = this.#place;
    const child = spawn(process.execPath, program, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    const url = await new Promise<string>((listening, reject) => {
      child.once("exit", () => reject(new Error(said)));
      child.stderr?.on("data", (text) => {
        said += text;
        const [, address] = /listening on (\S+)/.exec(said) ?? [];
        if (address) listening(address);
      });
    });
    return { name, url, child };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.nodes) child.kill("SIGKILL");
    this.#place[Symbol.dispose]();
  }
}

/** A request to the model, which the test answers as slowly as it wants. */
export interface Writing {
  /** The node that asked. */
  by: string;
  write(...texts: string[]): void;
  finish(): void;
}

export class SlowModel implements AsyncDisposable {
  readonly #server: LlmServer;
  readonly #asked: Writing[];

  private constructor(server: LlmServer, asked: Writing[]) {
    this.#server = server;
    this.#asked = asked;
  }

  static async start(): Promise<SlowModel> {
    const asked: Writing[] = [];
    const server = await startLlmServer(({ headers }) => (response: ServerResponse) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      const say = (delta: object, reason: string | null = null) =>
        response.write(`data: ${JSON.stringify(chunk(delta, reason))}\n\n`);
      asked.push({
        by: String(headers.authorization).slice("Bearer sk-".length),
        write: (...texts) => {
          for (const content of texts) say({ content });
        },
        finish: () => {
          say({}, "stop");
          response.end("data: [DONE]\n\n");
        },
      });
    });
    return new SlowModel(server, asked);
  }

  get url(): string {
    return this.#server.url;
  }

  /** Resolves to the request with this number, from 1, when it arrives. */
  async asked(number: number): Promise<Writing> {
    await this.#server.received(number);
    for (;;) {
      const writing = this.#asked[number - 1];
      if (writing) return writing;
      await new Promise((next) => setImmediate(next));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
