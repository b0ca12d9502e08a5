/**
 * One host with a provider for each wire, each at the strict mock of its vendor, and a server of tools in this process: what holds on every
 * wire is tried as a table.
 *
 *   const host = await everyWire();                       // in beforeAll; one a file
 *   test.each(WIRES)("… over $name", async (wire) => {
 *     const talk = host.talk(wire, [answer(calls("s__echo")), answer("done")]);
 *     const events = await talk.turn("go");               // the events of a turn
 *     talk.expectTaken();                                 // the script is used up, and nothing was refused or lost
 *   });
 */
import { expect } from "@jest/globals";
import type { TurnEvent } from "../../src/core/chat.js";
import type { WireName } from "../../src/core/config.js";
import type { Observation } from "../../src/core/ports.js";
import type { TurnOptions } from "../../src/session/turn-options.js";
import { collect, startApp } from "./app.js";
import { httpServer } from "./mcp-http.js";
import {
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
  /** The provider's name in the configuration. */
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

export const WIRES: readonly TriedWire[] = [responses, messages, gemini, chat];
/** Two vendors of Chat Completions: one gives out no reasoning, the other wants it back. */
export const VENDORS: readonly TriedWire[] = [...WIRES, deepSeek];

export const PNG = "iVBORw0KGgo=";

interface Talk {
  /** Asks, and returns what happened until the turn has ended. */
  turn(text: string, options?: Partial<TurnOptions>): Promise<TurnEvent[]>;
  /** Adds to the script. */
  goOn(...steps: Step[]): void;
  /** The accepted requests and all requests of this conversation. */
  hops: () => StrictMock["hops"];
  requests: () => StrictMock["requests"];
  refusals: () => StrictMock["refusals"];
  mock: StrictMock;
  /** What the log of the host says meanwhile, without its debug lines. */
  observed: () => Observation[];
  /** The script is used up and nothing was refused. `isLost`: reasoning is not sent back, and need not be. */
  expectTaken(options?: { isLost?: boolean }): void;
}

export interface EveryWire extends AsyncDisposable {
  /** A new conversation by that script. */
  talk(wire: TriedWire, script: readonly Step[]): Talk;
}

/** `llm`: more of that part of the configuration; `ofProvider`: of each provider. */
export async function everyWire({
  llm = {},
  ofProvider = {},
}: {
  llm?: object;
  ofProvider?: object;
} = {}): Promise<EveryWire> {
  const scripts = new Map<TriedWire, Step[]>();
  const mocks = new Map<TriedWire, StrictMock>();
  const observed: Observation[] = [];
  const picture = { type: "image", data: PNG, mimeType: "image/png" };
  const server = await httpServer({
    answering: {
      snap: () => ({ content: [{ type: "text", text: "here:" }, picture] }),
      fail: () => ({ content: [{ type: "text", text: "broken" }, picture], isError: true }),
    },
  });
  for (const wire of VENDORS) {
    scripts.set(wire, []);
    const next = (): Step => {
      const step = scripts.get(wire)?.shift();
      if (!step) throw new Error(`a request to ${wire.name} has no step`);
      return step;
    };
    mocks.set(
      wire,
      await wire.start(((seen) => {
        const step = next();
        return typeof step === "function" ? step(seen) : step;
      }) as Script),
    );
  }
  const providers = Object.fromEntries(
    VENDORS.map((wire) => {
      const known = {
        wire: wire.wire,
        base_url: mocks.get(wire)?.url,
        model: wire.model,
        api_key: "sk-test-0123456789",
      };
      return [wire.provider, { ...known, ...ofProvider }];
    }),
  );
  const app = await startApp({
    llm: "",
    mcpServers: { s: { url: server.url } },
    observe: (event) => observed.push(event),
    config: {
      llm: { active: "gateway", providers, http: { initial_retry_delay: 0.001, max_retry_delay: 0.002 }, ...llm },
      chat: { service: { approval: "auto", max_tool_hops: 40 } },
    },
  });
  await app.ready();
  let conversations = 0;
  return {
    talk(wire, script) {
      const mock = mocks.get(wire) as StrictMock;
      const steps = scripts.get(wire) as Step[];
      steps.splice(0, steps.length, ...script);
      const session = app.sessions.open(`c${++conversations}`);
      const from = {
        hops: mock.hops.length,
        requests: mock.requests.length,
        refusals: mock.refusals.length,
        observed: observed.length,
      };
      let turns = 0;
      const talk: Talk = {
        turn: (text, options = {}) =>
          collect(
            session.prompt({
              requestId: `r${++turns}`,
              text,
              streaming: true,
              model: `${wire.provider}/${wire.model}`,
              ...options,
            }),
          ),
        goOn: (...more) => void steps.push(...more),
        hops: () => mock.hops.slice(from.hops),
        requests: () => mock.requests.slice(from.requests),
        refusals: () => mock.refusals.slice(from.refusals),
        observed: () => observed.slice(from.observed).filter(({ level }) => level !== "debug"),
        mock,
        expectTaken({ isLost = false } = {}) {
          expect(steps).toEqual([]);
          expect(talk.refusals()).toEqual([]);
          if (isLost) return;
          expect(talk.hops().flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings])).toEqual([]);
        },
      };
      return talk;
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await server[Symbol.asyncDispose]();
      for (const mock of mocks.values()) await mock[Symbol.asyncDispose]();
    },
  };
}

/** What was shown of a turn, without what was voided. */
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
