import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";
import type { StorageConfig } from "../../src/core/config.js";
import type { StoredEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { configFor } from "../support/cli.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { newStorage } from "../support/storages.js";

class Desk implements Disposable {
  readonly folder: string;
  readonly storage: StorageConfig;
  readonly #config: string;

  static async open(llm: string): Promise<Desk> {
    const folder = mkdtempSync(join(tmpdir(), "processes-"));
    return new Desk(folder, await newStorage(folder), llm);
  }

  private constructor(folder: string, storage: StorageConfig, llm: string) {
    this.folder = folder;
    this.storage = storage;
    this.#config = join(folder, "config.json");
    writeFileSync(this.#config, JSON.stringify(configFor(llm, {}, { chat: { storage } })));
  }

  submit(count: number, ids: number): ChildProcess {
    const args = [resolve("tests/support/submitter.mjs"), this.#config, String(count), String(ids)];
    return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], cwd: this.folder });
  }

  async log(): Promise<StoredEvent[]> {
    const store = await openStore(this.storage, { now: Date.now, observe: () => {} });
    const events = await store.read("c");
    await store.close();
    return events;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

interface Answered {
  id: number;
  text: string;
  end: string;
}

async function answersOf(child: ChildProcess): Promise<Answered[]> {
  const lines: Answered[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    lines.push(JSON.parse(line));
  return lines;
}

test("300 submits of 50 request ids by two processes cause 50 model runs with equal answers", async () => {
  let answers = 0;
  await using llm = await startLlmServer(() => answer(`answer ${++answers}`));
  using desk = await Desk.open(llm.url);
  const all = (await Promise.all([desk.submit(150, 50), desk.submit(150, 50)].map(answersOf))).flat();
  expect(all).toHaveLength(300);
  expect(llm.requests).toHaveLength(50);
  for (let id = 0; id < 50; id++) {
    const same = all.filter((each) => each.id === id);
    expect(same).toHaveLength(6);
    expect(new Set(same.map(({ text, end }) => `${text} ${end}`)).size).toBe(1);
  }
  const log = await desk.log();
  expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
});

test("a process that stopped for longer than its lease writes nothing after a takeover, and shows the new process's answer", async () => {
  let release = () => {};
  const gate = new Promise<void>((open) => {
    release = open;
  });
  let asked = 0;
  await using llm = await startLlmServer(() => {
    const isFirst = ++asked === 1;
    return (response, request) => {
      void (isFirst ? gate : Promise.resolve()).then(() => answer(isFirst ? "stale" : "fresh")(response, request));
    };
  });
  using desk = await Desk.open(llm.url);
  const owner = desk.submit(1, 1);
  const shown = answersOf(owner);
  await llm.received(1);
  owner.kill("SIGSTOP");
  const [taken] = await answersOf(desk.submit(1, 1)); // waits for the lease of 10 s
  expect(taken).toMatchObject({ text: "fresh", end: "turn_end" });
  const before = await desk.log();
  release();
  owner.kill("SIGCONT");
  expect(await shown).toEqual([taken]);
  if (owner.exitCode === null) await once(owner, "close");
  expect(await desk.log()).toEqual(before);
  expect(before.map(({ type }) => type)).toEqual(["user_message", "assistant_message", "turn_end"]);
});
