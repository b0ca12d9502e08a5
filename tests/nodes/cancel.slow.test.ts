import { expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { fixtureServer } from "../support/app.js";
import { answer, chunk, type LlmRequest, type Step, stall, stream, toolCalls } from "../support/llm-server.js";
import { askedIn, Cluster, onServer } from "./cluster.js";

/** Shorter than 5 s, after which a node without notices checks the tables. */
const withinMs = 4_000;

/** Says half a sentence and falls silent, calls a tool that does not answer, or says that it is done. */
function stalling(request: LlmRequest): Step {
  const { text } = askedIn(request);
  if (text.includes("tool")) return toolCalls([{ name: "s__hang", arguments: {} }]);
  return text.includes("stream") ? stream([chunk({ content: "half a " }), stall]) : answer("done");
}

async function turnOf(cluster: Cluster, conversationId: string, requestId: string): Promise<StoredEvent[]> {
  const log = await cluster.log(conversationId);
  const first = log.find((event) => event.type === "user_message" && event.requestId === requestId);
  return log.filter(({ turnId }) => turnId === first?.turnId);
}

/** Expects the turn to end before its node would check the tables. It has one end, no event follows, and its node still works. */
async function expectCancelled(cluster: Cluster, conversationId: string, requestId: string): Promise<void> {
  const startedAt = performance.now();
  expect(await cluster.node(2).cancel(conversationId, requestId)).toBe(204);
  const own = () => turnOf(cluster, conversationId, requestId);
  await cluster.until(async () => (await own()).some(({ type }) => type === "turn_end"));
  const tookMs = performance.now() - startedAt;
  process.stderr.write(`${requestId}: cancelled in ${tookMs.toFixed(0)} ms\n`);
  expect(tookMs).toBeLessThan(withinMs);
  const before = await own();
  expect(before.at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  await cluster.node(0).submit(`after-${requestId}`, "r", "quick");
  await cluster.until(async () => (await cluster.log(`after-${requestId}`)).at(-1)?.type === "turn_end");
  expect(await own()).toEqual(before);
}

onServer("a node that has not seen the turn", (server) => {
  test("cancels it by a notice, in the model's stream, in a tool, and while it waits for another one", async () => {
    await using cluster = await Cluster.open(await server().database(), {
      model: stalling,
      config: { mcpServers: { s: { ...fixtureServer(), trusted: true } } },
    });
    await cluster.node(0).submit("c1", "in-stream", "stream");
    await cluster.llm.received(1);
    await expectCancelled(cluster, "c1", "in-stream");

    await cluster.node(0).submit("c2", "in-tool", "tool");
    await cluster.until(async () => (await turnOf(cluster, "c2", "in-tool")).at(-1)?.type === "tool_sent");
    await expectCancelled(cluster, "c2", "in-tool");

    await cluster.node(0).submit("c3", "running", "stream");
    await cluster.node(1).submit("c3", "waiting", "quick");
    await expectCancelled(cluster, "c3", "waiting");
    expect((await turnOf(cluster, "c3", "waiting")).map(({ type }) => type)).toEqual(["user_message", "turn_end"]);
    await expectCancelled(cluster, "c3", "running");
  });
});
