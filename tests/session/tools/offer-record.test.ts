import { describe, expect, test } from "@jest/globals";
import type { StoredEvent } from "../../../src/core/events.js";
import type { HubTool, Toolbox } from "../../../src/core/ports.js";
import type { ResolvedModel } from "../../../src/llm/providers/providers.js";
import { OfferRecord } from "../../../src/session/tools/offer-record.js";
import { TurnToolbox } from "../../../src/session/tools/turn-toolbox.js";
import type { PolicyRules } from "../../../src/turn/policy.js";
import { stored, turn } from "../../log/support.js";

const { answer, compaction, result, trim, user } = turn("t");
const named = (...names: string[]) => names.map((name) => ({ name }));
const namesOf = (tools: readonly { name: string }[]) => tools.map(({ name }) => name);

function orderOf(...events: StoredEvent[]): OfferRecord {
  const order = new OfferRecord();
  for (const event of events) order.note(event);
  return order;
}

describe("the order of tools", () => {
  test("continues in another host from the log, and new tools come last", () => {
    const here = orderOf();
    expect(namesOf(here.sorted(named("b", "c")))).toEqual(["b", "c"]);
    expect(namesOf(here.sorted(named("a", "b", "c")))).toEqual(["b", "c", "a"]);
    const { offered } = here.takeUnstored();
    expect(offered).toEqual(["b", "c", "a"]);
    expect(here.takeUnstored()).toEqual({});
    const there = orderOf(...stored([{ ...answer("hi"), offered }]));
    expect(namesOf(there.sorted(named("a", "aa", "b", "c")))).toEqual(["b", "c", "a", "aa"]);
    expect(there.takeUnstored()).toEqual({ offered: ["aa"] });
  });

  test("keeps the position of a tool that was away", () => {
    const order = orderOf();
    order.sorted(named("a", "b", "c"));
    expect(namesOf(order.sorted(named("c", "a")))).toEqual(["a", "c"]);
    expect(namesOf(order.sorted(named("c", "b", "a")))).toEqual(["a", "b", "c"]);
  });

  test("returns the same list if it is in order, so that its text is recognised", () => {
    const tools = named("a", "b");
    const order = orderOf();
    expect(order.sorted(tools)).toBe(tools);
    expect(order.sorted(tools)).toBe(tools);
  });

  test("begins anew after a compaction", () => {
    const order = orderOf(...stored([{ ...answer("hi"), offered: ["b", "a"] }, compaction(1, "short")]));
    expect(namesOf(order.sorted(named("a", "b")))).toEqual(["a", "b"]);
    expect(order.takeUnstored()).toEqual({ offered: ["a", "b"] });
  });

  test("is that of the list if the log has none", () => {
    const order = orderOf(...stored([user("hi"), answer("hello")]));
    expect(namesOf(order.sorted(named("b", "a")))).toEqual(["b", "a"]);
  });
});

describe("the servers' instructions in the system prompt", () => {
  const begun = () => stored([{ ...answer("hi"), offered: ["s__a"], catalogue: "Words:\n- s: hello" }]);

  test("stay as the conversation began, in another host too; changes are sent once", () => {
    const here = orderOf();
    expect(here.frontOf("Words:\n- s: hello")).toBe("Words:\n- s: hello");
    expect(here.news("Words:\n- s: hello", "t")).toBeUndefined();
    here.sends("Words:\n- s: hello");
    expect(here.takeUnstored()).toEqual({ catalogue: "Words:\n- s: hello" });
    expect(here.takeUnstored()).toEqual({});
    const there = orderOf(...begun());
    expect(there.frontOf("Words:\n- t: new")).toBe("Words:\n- s: hello");
    const news = there.news("Words:\n- t: new", "t");
    expect(news).toMatchObject({ type: "catalogue", note: "New:\n- t: new\nNo longer:\n- s: hello" });
    const again = orderOf(...stored([...begun(), ...(news ? [news] : [])]));
    expect(again.frontOf("Words:\n- t: new")).toBe("Words:\n- s: hello");
    expect(again.news("Words:\n- t: new", "t")).toBeUndefined();
    expect(again.news("Words:\n- s: hello", "t")).toMatchObject({ note: "New:\n- s: hello\nNo longer:\n- t: new" });
  });

  test.each([compaction(1, "short"), trim(1)])("begin anew after a compaction or a trim", (event) => {
    const after = orderOf(...stored([...begun(), event]));
    expect(after.news("Words:\n- t: new", "t")).toBeUndefined();
    expect(after.frontOf("Words:\n- t: new")).toBe("Words:\n- t: new");
  });

  test("are stored as empty if the first request had tools but no such text", () => {
    const here = orderOf();
    here.sorted(named("a"));
    here.sends("");
    expect(here.takeUnstored()).toEqual({ offered: ["a"], catalogue: "" });
    const bare = orderOf();
    bare.sends("");
    expect(bare.takeUnstored()).toEqual({});
  });
});

describe("what a turn offers", () => {
  const tool = (server: string, name: string): HubTool => ({
    ...{ name: `${server}__${name}`, server, tool: name, description: "x".repeat(200) },
    ...{ inputSchema: { type: "object" }, readOnly: true, idempotent: true, destructive: false, openWorld: false },
  });
  const toolsOf = (server: string) => Array.from({ length: 20 }, (_, index) => tool(server, `t${index}`));
  const noResults = { put: async () => {}, read: async () => undefined };

  function toolboxOf(tools: HubTool[], log: readonly StoredEvent[]): TurnToolbox {
    const hub = { tools: () => tools } as unknown as Toolbox;
    const model = { contextWindow: 100_000, provider: { quirks: { maxTools: 128 } } } as ResolvedModel;
    return new TurnToolbox({
      parts: { hub, conversationId: "c", newId: (prefix) => prefix },
      settings: { llm: { resolve: () => model }, defaults: { toolBudgetTokens: 500, resultLimitTokens: 100 } },
      options: {},
      rules: { turn: { all: false, allow: [], deny: [] }, permissions: { deny: [] } } as unknown as PolicyRules,
      log: { events: log },
      results: noResults as never,
    });
  }
  const sent = (toolbox: TurnToolbox) => namesOf(toolbox.record.sorted(toolbox.tools()));

  test("begins with the tools sent before, with found tools, a stored result, one more server, or in another host", () => {
    const here = toolboxOf(toolsOf("b"), []);
    const first = sent(here);
    const events = stored([
      { ...answer("", []), ...here.record.takeUnstored() },
      { ...result("c1", "found"), found: ["b__t15"] },
    ]);
    for (const event of events) here.note(event);
    const second = sent(here);
    expect(second).toEqual([...first, "b__t15"]);
    const shortened = { ...result("c2", "long"), resultIds: ["res_1"], found: ["host__read_result"] };
    const later = stored([{ ...answer("", []), ...here.record.takeUnstored() }, shortened]);
    for (const event of later) here.note(event);
    const third = sent(here);
    expect(third).toEqual([...second, "host__read_result"]);
    const last = stored([{ ...answer("done"), ...here.record.takeUnstored() }]);
    const there = toolboxOf([...toolsOf("a"), ...toolsOf("b")], [...events, ...later, ...last]);
    expect(sent(there)).toEqual(third);
  });
});
