/**
 * A host with a provider for each wire, each at the strict mock of its vendor, and a tool server in this process. A table of tests
 * checks what must hold on every wire.
 *
 *   const host = await everyWire();                       // in beforeAll, once for each file
 *   test.each(WIRES)("… over $name", async (wire) => {
 *     const talk = host.talk(wire, [answer(calls("s__echo")), answer("done")]);
 *     const events = await talk.turn("go");               // the events of a turn
 *     talk.expectTaken();                                 // the script is used up, and nothing was refused or lost
 *   });
 */
import { expect } from "@jest/globals";
import type { WireName } from "../../src/core/config.js";
import type { TurnEvent } from "../../src/core/events.js";
import type { Observation } from "../../src/core/ports.js";
import type { PromptRequest } from "../../src/session/shared/prompt-options.js";
import { collect, startApp } from "./app.js";
import { type HttpServer, httpServer } from "./mcp-http.js";
import {
  pngOf,
  type Script,
  type StrictMock,
  startAnthropic,
  startDeepSeek,
  startGemini,
  startOpenAi,
} from "./strict/index.js";

type Step = Exclude<Script, (...given: never) => unknown>[number];

export interface TriedWire {
  name: string;
  wire: WireName;
  /** Name of the provider in the configuration. */
  provider: string;
  model: string;
  start: typeof startOpenAi;
}

const responses: TriedWire = {
  name: "responses",
  wire: "responses",
  provider: "openai",
  model: "gpt-5.6-sol",
  start: startOpenAi,
};
const messages: TriedWire = {
  name: "messages",
  wire: "messages",
  provider: "anthropic",
  model: "claude-opus-5-5",
  start: startAnthropic,
};
const gemini: TriedWire = {
  name: "gemini",
  wire: "gemini",
  provider: "gemini",
  model: "gemini-3.5-pro",
  start: startGemini,
};
const chat: TriedWire = { name: "chat", wire: "chat", provider: "gateway", model: "gpt-5.1", start: startOpenAi };
const deepSeek: TriedWire = {
  name: "chat at DeepSeek",
  wire: "chat",
  provider: "deepseek",
  model: "deepseek-flash",
  start: startDeepSeek,
};

export const wires: readonly TriedWire[] = [responses, messages, gemini, chat];
/** All wires, with a second vendor of Chat Completions: the first one gives out no reasoning, the second one wants it back. */
export const allVendors: readonly TriedWire[] = [...wires, deepSeek];

export const png = "iVBORw0KGgo=";
/** A picture that every vendor refuses, because it is too large. */
export const tallPng = pngOf(100, 9000);
export const jpeg = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//";
export const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>").toString("base64");

interface Talk {
  mock: StrictMock;
  /** Sends a prompt and returns the events of the turn. */
  turn(text: string, options?: Partial<PromptRequest>): Promise<TurnEvent[]>;
  /** Returns the accepted requests since the conversation began. */
  hops(): StrictMock["hops"];
  requests(): StrictMock["requests"];
  /** Returns the host's log lines since then, without debug lines. */
  observed(): Observation[];
  /** Checks that the script is used up and that no request was refused. `isLost`: reasoning need not be sent back. */
  expectTaken(options?: { isLost?: boolean }): void;
}

export interface EveryWire extends AsyncDisposable {
  /** Begins a new conversation with that script. `variant`: its provider, if it is not the wire's own. */
  talk(wire: TriedWire, script: readonly Step[], variant?: string): Talk;
}

interface EveryWireOptions {
  /**
   * Number of conversations on each wire that have their own provider, so that no breaker and no retry budget remembers an earlier test.
   * Default: one provider for each wire, under its preset's name.
   */
  talks?: number;
  /** More providers of each wire: the prefix of their names, with their configuration. */
  variants?: Record<string, object>;
}

export async function everyWire({ talks = 0, variants = {} }: EveryWireOptions = {}): Promise<EveryWire> {
  const observed: Observation[] = [];
  const vendors = new Map<TriedWire, Vendor>();
  for (const wire of allVendors) vendors.set(wire, await startVendor(wire));
  const server = await toolServer();
  const own = Array.from({ length: talks }, (_, index) => [`${index}_`, {}] as const);
  const kinds = [["", {}] as const, ...own, ...Object.entries(variants)];
  const providers = [...vendors].flatMap(([{ wire, provider, model }, { mock }]) =>
    kinds.map(([kind, more]) => {
      const apiKey = `key-of-${kind}${provider}`;
      return [kind + provider, { wire, base_url: mock.url, model, api_key: apiKey, ...more }] as const;
    }),
  );
  const app = await startApp({
    llm: "",
    mcpServers: { s: { url: server.url } },
    observe: (event) => observed.push(event),
    config: {
      llm: {
        active: "gateway",
        providers: Object.fromEntries(providers),
        http: { initial_retry_delay: 0.001, max_retry_delay: 0.002 },
      },
      chat: { service: { approval: "auto", max_tool_hops: 40 } },
    },
  });
  await app.ready();
  let conversations = 0;
  return {
    talk(wire, script, variant) {
      const { mock, steps } = vendors.get(wire) as Vendor;
      steps.splice(0, steps.length, ...script);
      const number = conversations++;
      const kind = variant ?? (talks > 0 ? `${number}_` : "");
      if (variant === undefined && talks > 0 && number >= talks) throw new Error(`more than ${talks} talks`);
      const session = app.sessions.open(`c${number}`);
      const before = { hops: mock.hops.length, requests: mock.requests.length, refusals: mock.refusals.length };
      const observedBefore = observed.length;
      let turns = 0;
      const model = `${kind}${wire.provider}/${wire.model}`;
      const hops = () => mock.hops.slice(before.hops);
      return {
        mock,
        turn: (text, options) =>
          collect(session.prompt({ requestId: `r${++turns}`, text, streaming: true, model, ...options })),
        hops,
        requests: () => mock.requests.slice(before.requests),
        observed: () => observed.slice(observedBefore).filter(({ level }) => level !== "debug"),
        expectTaken({ isLost = false } = {}) {
          expect(steps).toEqual([]);
          expect(mock.refusals.slice(before.refusals)).toEqual([]);
          const lost = hops().flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings]);
          if (!isLost) expect(lost).toEqual([]);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await server[Symbol.asyncDispose]();
      for (const { mock } of vendors.values()) await mock[Symbol.asyncDispose]();
    },
  };
}

interface Vendor {
  mock: StrictMock;
  /** The remaining steps of the current conversation. */
  steps: Step[];
}

async function startVendor(wire: TriedWire): Promise<Vendor> {
  const steps: Step[] = [];
  const mock = await wire.start((seen) => {
    const step = steps.shift();
    if (!step) throw new Error(`a request to ${wire.name} has no step`);
    return typeof step === "function" ? step(seen) : step;
  });
  return { mock, steps };
}

/**
 * Starts a server with `echo` and tools that return pictures: a good one, one with an error, one that is too large, and two of another type
 * than vendors accept or than the server says.
 */
function toolServer(): Promise<HttpServer> {
  const picture = (data: string, mimeType = "image/png") => ({ type: "image", data, mimeType });
  const text = (words: string) => ({ type: "text", text: words });
  return httpServer({
    answering: {
      snap: () => ({ content: [text("here:"), picture(png)] }),
      fail: () => ({ content: [text("broken"), picture(png)], isError: true }),
      tall: () => ({ content: [text("the page:"), picture(tallPng)] }),
      odd: () => ({ content: [text("a chart and a photo:"), picture(svg, "image/svg+xml"), picture(jpeg)] }),
    },
  });
}

/** Returns the text and reasoning shown in a turn, without discarded parts. */
export function shown(events: readonly TurnEvent[]): { text: string; reasoning: string } {
  const said = { text: "", reasoning: "" };
  for (const event of events) {
    if (event.type === "discard") Object.assign(said, { text: "", reasoning: "" });
    if (event.type === "text_delta") said.text += event.delta;
    if (event.type === "reasoning_delta") said.reasoning += event.delta;
  }
  return said;
}

type OfType<T extends TurnEvent["type"]> = Extract<TurnEvent, { type: T }>;

export const eventsOf = <T extends TurnEvent["type"]>(events: readonly TurnEvent[], type: T): OfType<T>[] =>
  events.filter((event): event is OfType<T> => event.type === type);
