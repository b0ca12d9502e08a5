import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StoredEvent, TurnEvent } from "../../src/core/events.js";
import type { Observe } from "../../src/core/ports.js";
import { type App, type AppOptions, createApp } from "../../src/index.js";
import { driverUnderTest, newStorage } from "./storages.js";

/** A temporary home, so that tests write nothing into the home of the person who runs them. */
const home = mkdtempSync(join(tmpdir(), "mcp-platform-home-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

interface TestApp {
  /** `base_url` of the provider. */
  llm: string;
  mcpServers?: Record<string, object>;
  /** More settings, in the shape of the configuration file. */
  config?: Record<string, unknown>;
  storage?: object;
  streamRecovery?: string;
  recover?: boolean;
  workspace?: string;
  scraped?: boolean;
  questionTimeoutMs?: number;
  tools?: AppOptions["tools"];
  /** Receives what the host logs. */
  observe?: Observe;
}

/**
 * Starts a whole host in this process: real HTTP to the given provider, real servers. The log is in memory unless `storage` or TEST_STORAGE
 * says otherwise.
 */
export async function startApp({
  llm,
  mcpServers = {},
  config = {},
  storage,
  streamRecovery = "auto",
  recover,
  workspace,
  scraped,
  questionTimeoutMs,
  tools,
  observe = () => {},
}: TestApp): Promise<App> {
  const http = { initial_retry_delay: 0.001, max_retry_delay: 0.01 };
  return createApp({
    // A new cache for each host: a host that knows servers from an earlier host would not wait for them.
    env: { HOME: home, XDG_CACHE_HOME: mkdtempSync(join(home, "cache-")) },
    recover,
    workspace,
    scraped,
    questionTimeoutMs,
    tools,
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
        titles: "first-words", // so that a test counts the requests that it makes
        service: { approval: "auto" },
        ...(config.chat as object),
      },
    },
  });
}

/** Returns `mcpServers.<name>` for a script of this project. */
export function script(path: string, ...args: string[]): object {
  return { command: process.execPath, args: [resolve(path), ...args], startup_grace: "20s" };
}

/** Returns the configuration of the server mcp-server.mjs. */
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

/** Returns the types of the stored events in order: a summary of the turn. */
export function shape(events: readonly TurnEvent[]): string[] {
  return events.filter(isStored).map(({ type }) => type);
}

/** Removes the host that ran a server, which differs in each run. */
export function withoutNode<Event extends object>(event: Event): Event {
  return "process" in event ? { ...event, process: {} } : event;
}
