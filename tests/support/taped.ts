// Modules that the host loads on demand are loaded here first: jest's module linker fails on two overlapping dynamic imports.
import "@modelcontextprotocol/sdk/client/index.js";
import "zod";
import "../../src/llm/request/admission.js";
import { readFileSync } from "node:fs";
import type { StoredEvent, TurnEvent } from "../../src/core/events.js";
import { type App, createApp } from "../../src/host/app.js";
import { type CassetteOptions, openCassette } from "../../src/scripted/cassette/cassette.js";
import { isStored } from "./app.js";

export interface TapedRun {
  /** Events of the session, without ids and times. */
  transcript: string;
  events: StoredEvent[];
  live: TurnEvent[];
  misses: readonly string[];
  problems: readonly string[];
}

export interface TapedSession {
  config: Record<string, unknown>;
  /** Prompts in order. */
  prompts: readonly string[];
  streaming?: boolean;
  env?: Record<string, string>;
  home: string;
  /** The answer to every question. */
  answer?: unknown;
  /** Work that replaces the prompts. */
  work?(app: App): Promise<void>;
}

/** Runs a session of a whole host with a cassette. */
export async function taped(cassette: CassetteOptions, session: TapedSession): Promise<TapedRun> {
  const { config, prompts, streaming = true, env = {}, home, answer = true, work } = session;
  const { tape, misses, finish } = await openCassette(cassette);
  const live: TurnEvent[] = [];
  const app = await createApp({
    tape,
    env: { HOME: home, ...env },
    observe: () => {},
    recover: false,
    config: { ...config, chat: { storage: { driver: "memory" }, service: { approval: "auto" } } },
  });
  try {
    await app.ready();
    await work?.(app);
    const open = app.sessions.open("conv");
    for (const [index, text] of prompts.entries()) {
      for await (const event of open.prompt({ requestId: `r${index}`, text, streaming })) {
        live.push(event);
        if (event.type === "question") void open.answer(event.questionId, answer);
      }
    }
  } finally {
    await app.close();
  }
  const problems = await finish();
  const events = live.filter(isStored);
  return { transcript: transcriptOf(events), events, live, misses, problems };
}

/** Returns a text that is the same byte for byte for the same session: ids are numbered in their order, times are removed. */
function transcriptOf(events: readonly StoredEvent[]): string {
  const ids = new Map<string, string>();
  const named = (text: string) =>
    text.replace(/\b[a-z]+_[0-9a-f]{32}\b/g, (id) => {
      if (!ids.has(id)) ids.set(id, `<${ids.size + 1}>`);
      return ids.get(id) ?? id;
    });
  return events.map(({ at: _, ...event }) => named(JSON.stringify(event))).join("\n");
}

export function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}
