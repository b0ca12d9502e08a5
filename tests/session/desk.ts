import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StorageConfig } from "../../src/core/config.js";
import type { TurnEvent } from "../../src/core/events.js";
import type { App } from "../../src/index.js";
import { fixtureServer, startApp } from "../support/app.js";
import type { LlmServer } from "../support/llm-server.js";
import { type Driver, newStorage } from "../support/storages.js";

/** A log that outlives hosts, and hosts of this process on it. */
export class Desk implements AsyncDisposable {
  readonly #folder: string;
  readonly #apps: App[] = [];
  readonly storage: StorageConfig;

  /** Opens a log with the driver of TEST_STORAGE; by default a file. */
  static async open(driver?: Driver): Promise<Desk> {
    const folder = mkdtempSync(join(tmpdir(), "recovery-"));
    return new Desk(folder, await newStorage(folder, driver));
  }

  private constructor(folder: string, storage: StorageConfig) {
    this.#folder = folder;
    this.storage = storage;
  }

  async host(
    llm: LlmServer,
    service: object = { approval: "auto" },
    llmConfig?: object,
    limits?: object,
  ): Promise<App> {
    const app = await startApp({
      llm: llm.url,
      mcpServers: { s: fixtureServer() },
      storage: this.storage,
      config: { chat: { service, ...(limits && { limits }) }, ...(llmConfig && { llm: llmConfig }) },
    });
    this.#apps.push(app);
    return app;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const app of this.#apps) await app.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Returns the events up to the first one of this type. */
export async function until(events: AsyncIterable<TurnEvent>, type: TurnEvent["type"]): Promise<TurnEvent[]> {
  const seen: TurnEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (event.type === type) break;
  }
  return seen;
}
