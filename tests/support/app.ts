import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StoredEvent, TurnEvent } from "../../src/core/chat.js";
import type { Observe } from "../../src/core/ports.js";
import { type App, createApp } from "../../src/index.js";
import { driverUnderTest, newStorage } from "./storages.js";

/** So that nothing of these tests comes into the home of whoever runs them. */
const home = mkdtempSync(join(tmpdir(), "mcp-platform-home-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

interface TestApp {
  /** `base_url` of the provider. */
  llm: string;
  mcpServers?: Record<string, object>;
  /** More of the configuration, in the shape of the file. */
  config?: Record<string, unknown>;
  storage?: object;
  streamRecovery?: string;
  recover?: boolean;
  scraped?: boolean;
  questionTimeoutMs?: number;
  /** Called with what the host logs. */
  observe?: Observe;
}

/** A whole host in this process: real HTTP to the given provider, real servers. Nothing is kept unless `storage` says so, or TEST_STORAGE does. */
export async function startApp({
  llm,
  mcpServers = {},
  config = {},
  storage,
  streamRecovery = "auto",
  recover,
  scraped,
  questionTimeoutMs,
  observe = () => {},
}: TestApp): Promise<App> {
  const http = { initial_retry_delay: 0.001, max_retry_delay: 0.01 };
  return createApp({
    // What one host has seen of servers must not be known to the next one, which would not wait for them.
    env: { HOME: home, XDG_CACHE_HOME: mkdtempSync(join(home, "cache-")) },
    recover,
    scraped,
    questionTimeoutMs,
    observe,
    config: {
      llm: {
        active: "test",
        http,
        stream_recovery: streamRecovery,
        providers: { test: { base_url: llm, model: "m1", api_key: "sk-test-0123456789" } },
      },
      mcpServers,
      ...config,
      chat: {
        storage:
          storage ??
          (await newStorage(mkdtempSync(join(home, "log-")), process.env.TEST_STORAGE ? driverUnderTest : "memory")),
        service: { approval: "auto" },
        ...(config.chat as object),
      },
    },
  });
}

/** `mcpServers.<name>` for a script of this project. */
export function script(path: string, ...args: string[]): object {
  return { command: process.execPath, args: [resolve(path), ...args], startup_grace: "20s" };
}

/** The server of mcp-server.mjs. */
export function fixtureServer(behaviour: Record<string, unknown> = {}, more: object = {}): object {
  return { ...script("tests/support/mcp-server.mjs", JSON.stringify(behaviour)), ...more };
}

export async function collect(events: AsyncIterable<TurnEvent>): Promise<TurnEvent[]> {
  const all: TurnEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function isStored(event: TurnEvent): event is StoredEvent {
  return "seq" in event;
}

/** The types of the stored events, in order: the shape of a turn at a glance. */
export function shape(events: readonly TurnEvent[]): string[] {
  return events.filter(isStored).map(({ type }) => type);
}

/** Which host ran a server is another one in each run. */
export function withoutNode<Event extends object>(event: Event): Event {
  return "process" in event ? { ...event, process: {} } : event;
}
