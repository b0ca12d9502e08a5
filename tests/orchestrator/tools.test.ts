import { expect, test } from "@jest/globals";
import type { ChatEvent, StartedCall } from "../../src/core/chat.js";
import type { Toolbox } from "../../src/core/ports.js";
import { traceOf } from "../../src/core/trace-context.js";
import { Loops } from "../../src/orchestrator/loops.js";
import { Outgoing } from "../../src/orchestrator/outlet.js";
import type { PolicyRules } from "../../src/orchestrator/policy.js";
import { runToolCalls } from "../../src/orchestrator/tools.js";

const sent: StartedCall = { call: { id: "c1", name: "s__look", arguments: "{}" }, planned: true, sent: true };
/** Nobody asks them about a call that was sent. */
const unasked = {} as PolicyRules;

test("a call that was in flight when its host died, of a turn that was cancelled meanwhile, is not sent again and says why", async () => {
  const hub: Toolbox = {
    tools: () => [],
    prepare: () => {
      throw new Error("it must not be prepared");
    },
  };
  const events: ChatEvent[] = [];
  const calling = {
    turnId: "turn_1",
    trace: traceOf("turn_1"),
    hub,
    rules: unasked,
    loops: new Loops(),
    signal: AbortSignal.abort(),
    newId: (prefix: string) => prefix,
    out: new Outgoing({
      store: async (stored) => {
        events.push(...stored);
      },
      show: () => {},
    }),
    answer: async () => false,
  };
  await runToolCalls({ calls: [sent], hop: 0, truncated: false, runnable: 1 }, calling);
  expect(events).toEqual([expect.objectContaining({ type: "tool_result", callId: "c1", isError: true })]);
  expect(JSON.stringify(events)).toMatch(/outcome unknown: .*; it was not sent again, because the turn was cancelled/);
});
