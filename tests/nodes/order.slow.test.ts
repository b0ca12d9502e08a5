import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@jest/globals";
import { type LlmRequest, type Step, toolCalls } from "../support/llm-server.js";
import { askedIn, Cluster, onServer, speaker, whole } from "./cluster.js";

onServer("the turns of a conversation", (server) => {
  whole("run one after the other in the order of their requests, whichever nodes these came to", async () => {
    await using cluster = await Cluster.open(await server().database(), { model: speaker(20) });
    const names = Array.from({ length: 24 }, (_, index) => `t${index}`);
    for (const [index, name] of names.entries()) await cluster.node(index).submit(`c${index % 2}`, name);
    await cluster.ended(24);
    for (const conversation of [0, 1]) {
      const own = names.filter((_, index) => index % 2 === conversation);
      const log = await cluster.log(`c${conversation}`);
      const spoken = log.filter((event) => event.type === "assistant_message").map(({ message }) => message.content);
      expect(spoken).toEqual(own.map((name) => `said: ${name}`));
      // Between a turn's first answer and its end, no event of another turn is stored.
      const running = log.filter(({ type }) => type !== "user_message").map(({ turnId }) => turnId);
      expect(new Set(running).size).toBe(running.filter((turnId, index) => turnId !== running[index - 1]).length);
    }
  });

  whole("go on when one of them has ended three nodes, and that one is not tried a fourth time", async () => {
    let asked = 0;
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const poisonous = (request: LlmRequest): Step => {
      const { text, results } = askedIn(request);
      if (text !== "poison" || results > 0) return speaker(300)(request);
      const step = toolCalls([{ name: "s__die", arguments: { what: "all" } }]);
      // The first node dies together with the other turns. The next nodes die after these turns have had time to end, so that none of them
      // is blamed.
      const due = asked++ === 0 ? begun : sleep(3_000);
      return (response, request) => void due.then(() => step(response, request));
    };
    await using cluster = await Cluster.open(await server().database(), { nodes: 4, model: poisonous, lease: "1s" });
    await cluster.node(0).submit("c", "poison");
    await cluster.node(3).submit("c", "after");
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => cluster.node(index).submit(`c${index}`, "r", `t${index}`)),
    );
    begin();
    await cluster.ended(14);
    const [poison, after] = (await cluster.log("c")).filter(({ type }) => type === "turn_end" || type === "turn_error");
    expect(poison).toMatchObject({ type: "turn_error", error: { kind: "crashed", retryable: false } });
    expect(after).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect(cluster.effects.filter((effect) => effect.startsWith("die"))).toHaveLength(3);
    const others = (await cluster.endings()).filter(({ conversationId }) => conversationId !== "c");
    expect(others.map(({ type }) => type)).toEqual(Array(12).fill("turn_end"));
  });
});
