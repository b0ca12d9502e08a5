/** Several hosts as processes on one database, each with its network door. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { configFor, Workplace } from "./cli.js";
import type { LlmServer } from "./llm-server.js";

export interface Node {
  child: ChildProcess;
  url: string;
  /** Sends a request. Resolves to the status of the answer; undefined if the node died during the request. */
  ask(): Promise<number | undefined>;
}

/** Hosts with an open network door, whose provider has these limits. */
export class Nodes implements AsyncDisposable {
  readonly place = new Workplace();
  readonly all: Node[] = [];

  static async start(
    llm: LlmServer,
    url: string,
    limits: object,
    http: object = {},
    count = 3,
    service: object = {},
  ): Promise<Nodes> {
    const nodes = new Nodes();
    const config = configFor(llm.url, {}, { chat: { storage: { url }, service } }) as {
      llm: { http: object; providers: object };
    };
    Object.assign(config.llm.http, http);
    Object.assign((config.llm.providers as { test: object }).test, limits);
    nodes.place.configure(config);
    nodes.all.push(...(await Promise.all(Array.from({ length: count }, () => nodes.#startOne()))));
    return nodes;
  }

  async #startOne(): Promise<Node> {
    const child = spawn(process.execPath, [resolve("dist/main.js"), "serve", "--port", "0", "--no-token"], {
      cwd: this.place.folder,
      env: this.place.environment,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const url = await readyAt(child);
    return { child, url, ask: this.askAt(url) };
  }

  /** Returns a function that sends a request to a door, or to a balancer in front of several doors. */
  askAt(url: string): () => Promise<number | undefined> {
    return async () => {
      try {
        const body = JSON.stringify({ model: "m1", messages: [{ role: "user", content: "hello" }] });
        const headers = { "content-type": "application/json" };
        const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
        await response.text();
        return response.status;
      } catch {
        return undefined;
      }
    };
  }

  /** Sends `each` requests to each node, all at once. */
  ask(each: number): Promise<(number | undefined)[]> {
    return Promise.all(this.all.flatMap(({ ask }) => Array.from({ length: each }, ask)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alive = this.all.map(({ child }) => child).filter((child) => child.signalCode === null);
    const ends = alive.map((child) => once(child, "close"));
    for (const child of alive) child.kill("SIGKILL");
    await Promise.all(ends);
    this.place[Symbol.dispose]();
  }
}

async function readyAt(child: ChildProcess): Promise<string> {
  let said = "";
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    said += `${line}\n`;
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (!url) continue;
    child.stderr?.resume();
    return url;
  }
  throw new Error(`the host ended: ${said}`);
}
