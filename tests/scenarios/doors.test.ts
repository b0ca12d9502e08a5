import { describe, expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/chat.js";
import { fixtureServer, startApp } from "../support/app.js";
import {
  answer,
  CUT,
  chunk,
  type LlmRequest,
  type LlmServer,
  STALL,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";
import { doors, type OpenDoor } from "./doors.js";

interface Scenario {
  name: string;
  script: (() => Step[]) | ((request: LlmRequest) => Step);
  /** More of the configuration. */
  chat?: object;
  isAsked?: boolean;
  play(door: OpenDoor, llm: LlmServer): Promise<unknown>;
  /** The types of the stored events, by conversation; consecutive results of tools count as one step. */
  stored: Record<string, string[]>;
}

const turn = { conversationId: "c1", requestId: "r1", text: "hi" };
const echo = (...numbers: number[]) =>
  toolCalls(numbers.map((n) => ({ name: "s__echo", arguments: { n }, id: `call_${n}` })));
const oneCall = ["assistant_message", "tool_call", "tool_sent", "tool_result"];
const said = ["assistant_message", "turn_end"];
const aboutText = ({ body }: LlmRequest) => JSON.stringify(body.messages?.at(-1)?.content);

const scenarios: Scenario[] = [
  {
    name: "a plain answer",
    script: () => [answer("one two")],
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...said] },
  },
  {
    name: "tools in parallel",
    script: () => [echo(1, 2), answer("done")],
    play: (door) => door.prompt(turn),
    stored: {
      c1: [
        "user_message",
        "assistant_message",
        "tool_call",
        "tool_call",
        "tool_sent",
        "tool_sent",
        "tool_result",
        "tool_result",
        ...said,
      ],
    },
  },
  {
    name: "a tool that fails",
    script: () => [toolCalls([{ name: "s__oddly", arguments: {} }]), answer("sorry")],
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...oneCall, ...said] },
  },
  {
    name: "a question that is answered with yes",
    script: () => [echo(1), answer("done")],
    chat: { service: { approval: "ask" } },
    isAsked: true,
    play: (door) => door.prompt({ ...turn, answer: true }),
    stored: {
      c1: ["user_message", "assistant_message", "tool_call", "question", "answer", "tool_sent", "tool_result", ...said],
    },
  },
  {
    name: "a question that is answered with no",
    script: () => [echo(1), answer("as you like")],
    chat: { service: { approval: "ask" } },
    play: (door) => door.prompt({ ...turn, answer: false }),
    stored: { c1: ["user_message", "assistant_message", "tool_call", "question", "answer", "tool_result", ...said] },
  },
  {
    name: "a turn that is cancelled",
    script: () => [stream([STALL])],
    play: (door, llm) => door.prompt({ ...turn, begun: (cancel) => void llm.received(1).then(cancel) }),
    stored: { c1: ["user_message", "turn_end"] },
  },
  {
    name: "an answer that breaks off",
    script: () => [stream([chunk({ content: "half" }), CUT])],
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", "assistant_message", "turn_error"] },
  },
  {
    name: "the limit of hops",
    script: () => [echo(1), answer("enough")],
    chat: { service: { approval: "auto", max_tool_hops: 1 } },
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...oneCall, ...said] },
  },
  {
    name: "a request that is sent three times",
    script: () => [answer("once")],
    play: async (door) => {
      await Promise.all([door.prompt(turn), door.prompt(turn)]);
      await door.prompt(turn);
      await door.prompt({ ...turn, text: "something else" });
    },
    stored: { c1: ["user_message", ...said] },
  },
  {
    name: "two conversations at once",
    script: (request) => (aboutText(request).includes("first") ? echo(1) : answer("done")),
    play: (door) =>
      Promise.all([
        door.prompt({ ...turn, text: "first" }),
        door.prompt({ ...turn, conversationId: "c2", requestId: "r2", text: "second" }),
      ]),
    stored: { c1: ["user_message", ...oneCall, ...said], c2: ["user_message", ...said] },
  },
];

/** Without what differs from run to run: ids of turns and questions by their order, no times, results of one batch by call. */
function comparable(events: readonly StoredEvent[]): object[] {
  const ids = new Map<string, string>();
  const named = JSON.stringify(events.map(({ at: _, seq: __, ...event }) => event)).replaceAll(
    /"((?:turn|q)_\w+)"/g,
    (_, id: string) => {
      if (!ids.has(id)) ids.set(id, `id ${ids.size + 1}`);
      return `"${ids.get(id)}"`;
    },
  );
  const key = ({ type, callId }: { type: string; callId?: string }) => (type === "tool_result" ? (callId ?? "") : "");
  const all = JSON.parse(named) as { type: string; callId?: string }[];
  return all
    .map((event, index) => ({ event, index }))
    .sort((a, b) => {
      const isBatch = all
        .slice(Math.min(a.index, b.index), Math.max(a.index, b.index) + 1)
        .every(({ type }) => type === "tool_result");
      return isBatch ? key(a.event).localeCompare(key(b.event)) : a.index - b.index;
    })
    .map(({ event }) => event);
}

async function storedThrough(door: (typeof doors)[number], scenario: Scenario): Promise<Record<string, StoredEvent[]>> {
  const script =
    scenario.script.length === 0
      ? (scenario.script as () => Step[])()
      : (scenario.script as (request: LlmRequest) => Step);
  await using llm = await startLlmServer(script);
  const chat = { storage: { driver: "memory" }, service: { approval: "auto" }, ...scenario.chat };
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: { chat },
    streamRecovery: "fail",
  });
  {
    await using opened = await door.open(app);
    await scenario.play(opened, llm);
  }
  const ids = Object.keys(scenario.stored);
  expect((await app.sessions.list()).map(({ conversationId }) => conversationId).sort()).toEqual(ids);
  const entries = ids.map(async (id) => [id, await app.sessions.history(id)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

describe.each(scenarios)("$name", (scenario) => {
  const open = doors.filter(({ asks }) => asks || !scenario.isAsked);
  const [reference] = open;

  test.each(open)("through $name is stored as through the pipe", async (door) => {
    const stored = await storedThrough(door, scenario);
    const types = Object.entries(stored).map(([id, events]) => [id, events.map(({ type }) => type)]);
    expect(Object.fromEntries(types)).toEqual(scenario.stored);
    if (!reference || door === reference) return;
    const expected = await storedThrough(reference, scenario);
    for (const [id, events] of Object.entries(stored))
      expect(comparable(events)).toEqual(comparable(expected[id] ?? []));
  });
});
