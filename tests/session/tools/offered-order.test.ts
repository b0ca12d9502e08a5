import { describe, expect, test } from "@jest/globals";
import type { StoredEvent } from "../../../src/core/chat.js";
import type { HubTool, Toolbox } from "../../../src/core/ports.js";
import { OfferedOrder } from "../../../src/session/tools/offered-order.js";
import { TurnToolbox } from "../../../src/session/tools/turn-toolbox.js";
import { stored, turn } from "../../history/support.js";

const { answer, compaction, result, user } = turn("t");
const named = (...names: string[]) => names.map((name) => ({ name }));
const namesOf = (tools: readonly { name: string }[]) => tools.map(({ name }) => name);

function orderOf(...events: StoredEvent[]): OfferedOrder {
  const order = new OfferedOrder();
  for (const event of events) order.note(event);
  return order;
}

describe("the order of tools", () => {
  test("goes on in another host from what the log has, and new ones come last", () => {
    const here = orderOf();
    expect(namesOf(here.sorted(named("b", "c")))).toEqual(["b", "c"]);
    expect(namesOf(here.sorted(named("a", "b", "c")))).toEqual(["b", "c", "a"]);
    const offered = here.takeUnstored();
    expect(offered).toEqual(["b", "c", "a"]);
    expect(here.takeUnstored()).toBeUndefined();
    const there = orderOf(...stored([{ ...answer("hi"), offered }]));
    expect(namesOf(there.sorted(named("a", "aa", "b", "c")))).toEqual(["b", "c", "a", "aa"]);
    expect(there.takeUnstored()).toEqual(["aa"]);
  });

  test("keeps the place of a tool that was away", () => {
    const order = orderOf();
    order.sorted(named("a", "b", "c"));
    expect(namesOf(order.sorted(named("c", "a")))).toEqual(["a", "c"]);
    expect(namesOf(order.sorted(named("c", "b", "a")))).toEqual(["a", "b", "c"]);
  });

  test("gives back the same list where it is in order, so that its text is known again", () => {
    const tools = named("a", "b");
    const order = orderOf();
    expect(order.sorted(tools)).toBe(tools);
    expect(order.sorted(tools)).toBe(tools);
  });

  test("begins anew after a compaction", () => {
    const order = orderOf(...stored([{ ...answer("hi"), offered: ["b", "a"] }, compaction(1, "short")]));
    expect(namesOf(order.sorted(named("a", "b")))).toEqual(["a", "b"]);
    expect(order.takeUnstored()).toEqual(["a", "b"]);
  });

  test("is that of the list in a log of before", () => {
    const order = orderOf(...stored([user("hi"), answer("hello")]));
    expect(namesOf(order.sorted(named("b", "a")))).toEqual(["b", "a"]);
  });
});

describe("what a turn offers", () => {
  const tool = (server: string, name: string): HubTool => ({
    ...{ name: `${server}__${name}`, server, tool: name, description: "x".repeat(200) },
    ...{ inputSchema: { type: "object" }, readOnly: true, idempotent: true, destructive: false, openWorld: false },
  });
  const toolsOf = (server: string) => Array.from({ length: 20 }, (_, index) => tool(server, `t${index}`));
  const limits = { maxTokens: 500, maxTools: 128 };
  const noResults = { put: async () => {}, read: async () => undefined };

  function toolboxOf(tools: HubTool[], log: readonly StoredEvent[]): TurnToolbox {
    const hub = { tools: () => tools } as unknown as Toolbox;
    const parts = { hub, limits, conversationId: "c", isHidden: () => false, resultLimitTokens: 100 };
    return new TurnToolbox({ ...parts, results: noResults as never, newId: (prefix) => prefix }, log);
  }
  const sent = (toolbox: TurnToolbox) => namesOf(toolbox.order.sorted(toolbox.tools()));

  test("begins with what was sent before: with tools found, a result stored, a server more, in another host", () => {
    const here = toolboxOf(toolsOf("b"), []);
    const first = sent(here);
    const events = stored([
      { ...answer("", []), offered: here.order.takeUnstored() },
      { ...result("c1", "found"), found: ["b__t15"] },
    ]);
    for (const event of events) here.note(event);
    const second = sent(here);
    expect(second).toEqual([...first, "b__t15"]);
    const shortened = { ...result("c2", "long"), resultIds: ["res_1"], found: ["host__read_result"] };
    const later = stored([{ ...answer("", []), offered: here.order.takeUnstored() }, shortened]);
    for (const event of later) here.note(event);
    const third = sent(here);
    expect(third).toEqual([...second, "host__read_result"]);
    const last = stored([{ ...answer("done"), offered: here.order.takeUnstored() }]);
    const there = toolboxOf([...toolsOf("a"), ...toolsOf("b")], [...events, ...later, ...last]);
    expect(sent(there)).toEqual(third);
  });
});
