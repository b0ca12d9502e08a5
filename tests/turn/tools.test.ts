import { expect, test } from "@jest/globals";
import type { ChatEvent, QuestionEvent, StartedCall } from "../../src/core/chat.js";
import type { PreparedCall, Toolbox } from "../../src/core/ports.js";
import { traceOf } from "../../src/core/trace-context.js";
import { Loops } from "../../src/turn/loops.js";
import { Outgoing } from "../../src/turn/outlet.js";
import type { PolicyRules } from "../../src/turn/policy.js";
import { type CallingTurn, runToolCalls } from "../../src/turn/tools.js";

const sent: StartedCall = { call: { id: "c1", name: "s__look", arguments: "{}" }, planned: true, sent: true };
/** Rules that are never used, because the call was already sent. */
const unasked = {} as PolicyRules;

/** Returns the common part of a turn's calls, and the events that are stored for them. */
function turnWith(parts: Pick<CallingTurn, "hub" | "signal"> & Partial<CallingTurn>) {
  const events: ChatEvent[] = [];
  const store = async (stored: readonly ChatEvent[]) => void events.push(...stored);
  const calling: CallingTurn = {
    turnId: "turn_1",
    trace: traceOf("turn_1"),
    rules: unasked,
    loops: new Loops(),
    newId: (prefix: string) => prefix,
    out: new Outgoing({ store, show: () => {} }),
    answer: async () => false,
    ...parts,
  };
  return { events, calling };
}

test("a call that was in flight when its host died, of a turn that was cancelled meanwhile, is not sent again and says why", async () => {
  const hub: Toolbox = {
    tools: () => [],
    prepare: () => {
      throw new Error("it must not be prepared");
    },
  };
  const { events, calling } = turnWith({ hub, signal: AbortSignal.abort() });
  await runToolCalls({ calls: [sent], hop: 0, truncated: false, runnable: 1 }, calling);
  expect(events).toEqual([expect.objectContaining({ type: "tool_result", callId: "c1", isError: true })]);
  expect(JSON.stringify(events)).toMatch(/outcome unknown: .*; it was not sent again, because the turn was cancelled/);
});

test("what became of the calls before one that a person is still asked about is stored before he is waited for", async () => {
  const call = { id: "c1", name: "s__gone", arguments: "{}" };
  const started = (id: string): StartedCall => ({ call: { ...call, id }, planned: true, sent: false });
  const facts = { server: "s", tool: "t", readOnly: false, idempotent: false, destructive: true, openWorld: true };
  const hub: Toolbox = {
    tools: () => [],
    prepare: ({ id }) =>
      id === "c1"
        ? { refused: { content: [{ type: "text", text: "there is no tool s__gone" }], isError: true } }
        : ({ ...facts, name: "s__t", arguments: {} } as unknown as PreparedCall),
  };
  const rules = {
    approval: "ask",
    changedTools: "ask",
    turn: { allow: [], deny: [], all: false },
    permissions: { allow: [], deny: [], ask: [] },
    memory: { find: () => undefined },
  } as unknown as PolicyRules;
  let before: string[] = [];
  const { events, calling } = turnWith({
    hub,
    rules,
    signal: new AbortController().signal,
    answer: async () => {
      before = events.map(({ type }) => type);
      return false;
    },
  });
  const question = { type: "question", questionId: "q" } as QuestionEvent;
  await runToolCalls(
    { calls: [started("c1"), { ...started("c2"), question }], hop: 0, truncated: false, runnable: 2 },
    calling,
  );
  expect(before).toEqual(["tool_result"]);
  expect(events.map(({ type }) => type)).toEqual(["tool_result", "answer", "tool_result"]);
});

test("a call that cannot even be looked at is refused, and the answer that asks for it is stored", async () => {
  const hub: Toolbox = {
    tools: () => [],
    prepare: () => {
      throw new TypeError("Cannot convert object to primitive value");
    },
  };
  const { events, calling } = turnWith({ hub, signal: new AbortController().signal });
  const calls = ["c1", "c2"].map((id) => ({
    call: { id, name: "s__t", arguments: "{}" },
    planned: false,
    sent: id === "c2",
  }));
  await runToolCalls({ calls, hop: 0, truncated: false, runnable: 2 }, calling);
  expect(events.map(({ type }) => type)).toEqual(["tool_call", "tool_call", "tool_result", "tool_result"]);
  expect(JSON.stringify(events[2])).toContain("s__t was not called: Cannot convert object to primitive value");
  expect(JSON.stringify(events[3])).toContain("outcome unknown");
});
