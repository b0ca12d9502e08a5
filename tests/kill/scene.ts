/** A turn that books two trips, in the middle of which a host may be killed, and checks that must pass afterwards, however often it was. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { expect } from "@jest/globals";
import type { StorageConfig, WireName } from "../../src/core/config.js";
import type { StoredEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { quarterMs } from "../../src/log/shared/spent.js";
import { usageExpectedIn } from "../log/expected-usage.js";
import { script } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { type Driver, newStorage } from "../support/storages.js";
import { type SceneModel, type Stop, startModel } from "./models.js";

/** True under `npm run test:kill`. */
export const isWhole = process.env.KILL_TESTS === "all";

interface Line {
  status: string;
  seq?: number;
  chunk: { type?: string; data?: unknown; metadata?: Record<string, unknown> };
}

const preload = pathToFileURL(resolve("tests/support/kill-at-commit.mjs")).href;

export interface SceneOptions {
  /** Default: the store that this run tests. */
  driver?: Driver;
  /** Default: `chat`. */
  wire?: WireName;
  stop?: Stop;
  /** The value of KILL_IN_CALL of counting-server.mjs. */
  killedInCall?: string;
}

export class Scene implements AsyncDisposable {
  readonly #place: Workplace;
  readonly #hosts = new Set<ChildProcess>();
  readonly #storage: StorageConfig;
  readonly #effects: string;
  readonly #model: SceneModel;
  /** Numbers of the events that any host has shown. */
  readonly shown = new Set<number>();

  private constructor(model: SceneModel, place: Workplace, storage: StorageConfig, killedInCall: string | undefined) {
    this.#model = model;
    this.#place = place;
    this.#storage = storage;
    this.#effects = join(place.folder, "effects");
    const env = killedInCall === undefined ? {} : { KILL_IN_CALL: killedInCall };
    const server = { ...script("tests/support/counting-server.mjs", this.#effects), trusted: true, env };
    const more = { chat: { storage: this.#storage, service: { approval: "auto" } } };
    this.#place.configure(configFor(model.provider, { s: server }, more));
  }

  static async open({ driver, wire = "chat", stop, killedInCall }: SceneOptions = {}): Promise<Scene> {
    const model = await startModel(wire, stop);
    const place = new Workplace();
    return new Scene(model, place, await newStorage(place.folder, driver), killedInCall);
  }

  start(env: Record<string, string> = {}): ChildProcess {
    const host = spawn(process.execPath, ["--import", preload, resolve("dist/main.js"), "stdio"], {
      cwd: this.#place.folder,
      env: { ...this.#place.environment, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#hosts.add(host);
    host.stdin?.on("error", () => {}); // the host may be killed during a write
    return host;
  }

  /** Sends the request and reads messages until the turn ends. Undefined if the host was killed first. */
  async request(host: ChildProcess, request_id = "r", text = "book a trip"): Promise<Line | undefined> {
    host.stdin?.write(`${JSON.stringify({ action: "chat", request_id, conversation_id: "c", payload: { text } })}\n`);
    for await (const written of createInterface({ input: host.stdout as NodeJS.ReadableStream })) {
      const line = JSON.parse(written) as Line;
      if (line.seq !== undefined) this.shown.add(line.seq);
      if (line.status === "complete" || line.status === "error") return line;
    }
    return undefined;
  }

  async log(): Promise<StoredEvent[]> {
    if (this.#storage.driver === "sqlite" && !existsSync(this.#storage.path)) return [];
    const store = await openStore(this.#storage, { now: Date.now, observe: () => {} });
    try {
      return await store.read("c");
    } finally {
      await store.close();
    }
  }

  /** Returns the conversations that a search for each of these texts finds. */
  async searches(texts: readonly string[]): Promise<string[][]> {
    const store = await openStore(this.#storage, { now: Date.now, observe: () => {} });
    try {
      const pages = texts.map((text) => store.conversations({ most: 10, text }));
      return (await Promise.all(pages)).map(({ conversations }) =>
        conversations.map(({ conversationId }) => conversationId),
      );
    } finally {
      await store.close();
    }
  }

  /** Starts a host without a request and waits until it has finished the turn that an earlier host began. */
  async endsByItself(): Promise<void> {
    const host = this.start();
    for (;;) {
      host.stdin?.write(`${JSON.stringify({ action: "history", conversation_id: "c" })}\n`);
      const types: unknown[] = [];
      for await (const text of createInterface({ input: host.stdout as NodeJS.ReadableStream })) {
        const { chunk } = JSON.parse(text) as Line;
        types.push(chunk.type);
        if (chunk.type === "history_end") break;
      }
      if (types.includes("turn_end")) break;
    }
    await this.end(host);
  }

  async end(host: ChildProcess): Promise<void> {
    const closed = host.exitCode === null && host.signalCode === null ? once(host, "close") : undefined;
    host.stdin?.end();
    host.stdout?.resume();
    await closed;
    this.#hosts.delete(host);
  }

  /** Checks that nothing is lost, and that nothing was done or answered twice. */
  async check(last: Line | undefined): Promise<void> {
    expect(last).toMatchObject({ status: "complete", chunk: { data: "Let me see.\n\nall booked" } });
    const log = await this.log();
    expect(await this.searches(["book a TRIP", "book two trips"])).toEqual([["c"], []]);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    expect(log.map(({ seq }) => seq)).toEqual(expect.arrayContaining([...this.shown]));
    expect(log.filter(({ type }) => type === "turn_end")).toHaveLength(1);
    const answers = log.filter((event) => event.type === "assistant_message");
    expect(answers.map(({ message }) => message.content)).toEqual(["Let me see.", "", "all booked"]);

    const effects = existsSync(this.#effects) ? readFileSync(this.#effects, "utf8").trim().split("\n") : [];
    const results = log.filter((event) => event.type === "tool_result");
    expect(results).toHaveLength(3);
    for (const what of ["train", "hotel"]) {
      const done = effects.filter((line) => line.startsWith(`book ${what} `)).length;
      const text = JSON.stringify(results.filter(({ content }) => JSON.stringify(content).includes(what)));
      const isKnown = text.includes("done");
      // A booking is sent at most once; if its result is not known, the model is told so.
      expect(done).toBeLessThanOrEqual(1);
      if (isKnown) expect(done).toBe(1);
    }
    const unknown = results.filter(({ content }) => JSON.stringify(content).includes("outcome unknown")).length;
    const known = results.filter(({ content }) => JSON.stringify(content).includes(": done")).length;
    expect(known + unknown).toBe(3);
    expect(JSON.stringify(results)).toContain("look weather: done"); // read-only, so it was sent again
    await this.#checkUsage(answers.length);
  }

  /** Checks that the counters of usage equal the events. */
  async #checkUsage(requests: number): Promise<void> {
    const store = await openStore(this.#storage, { now: Date.now, observe: () => {} });
    const { usage } = store;
    const always = [{ since: 0, until: Math.ceil(Date.now() / quarterMs) * quarterMs }];
    const models = await usage.models(always);
    expect(models).toMatchObject([{ requests }]);
    const expected = await usageExpectedIn(store);
    expect(models).toEqual(expected.models(always));
    expect(await usage.tools(always)).toEqual(expect.arrayContaining(expected.tools(always)));
    await store.close();
  }

  /** Runs another turn, which sends the whole history: no reasoning of the model is lost, and the provider accepts it. */
  async checkNextTurn(host: ChildProcess): Promise<void> {
    expect(await this.request(host, "r2", "thanks")).toMatchObject({ status: "complete", chunk: { data: "gladly" } });
    expect(this.#model.faults()).toEqual([]);
  }

  /** Number of requests that the provider received. */
  get requests(): number {
    return this.#model.requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts) host.kill("SIGKILL");
    this.#place[Symbol.dispose]();
    await this.#model[Symbol.asyncDispose]();
  }
}
