import { expect, test } from "@jest/globals";
import { answer, chunk, type LlmRequest, type Step, stall, stream, toolCalls } from "../support/llm-server.js";
import { askedIn, Cluster, type ClusterNode, onServer } from "./cluster.js";

const note = "the process of the tool server";

/** Returns a model that books once and then says so. The first time, it falls silent in the middle of that answer. */
function forgetful(): (request: LlmRequest) => Step {
  let isFirst = true;
  return (request) => {
    const { text, results } = askedIn(request);
    if (text.includes("chat")) return answer("hello");
    if (results === 0) return toolCalls([{ name: "s__book", arguments: { what: "room" } }]);
    if (!isFirst) return answer("booked");
    isFirst = false;
    return stream([chunk({ content: "half a " }), stall]);
  };
}

async function ownerOf(cluster: Cluster): Promise<ClusterNode> {
  const [pid] = [...(await cluster.holders()).keys()];
  return cluster.nodes.find(({ child }) => child.pid === pid) as ClusterNode;
}

/** Returns the messages of a request that contain the note. */
function notesIn({ body }: LlmRequest): { role: string; times: number }[] {
  return (body.messages ?? [])
    .map(({ role, content }) => ({ role, times: JSON.stringify(content ?? "").split(note).length - 1 }))
    .filter(({ times }) => times > 0);
}

onServer("a stdio server that a conversation has used on a host that died", (server) => {
  test("is new on the next host, and the model is told so once: after the results, or with the next request", async () => {
    await using cluster = await Cluster.open(await server().database(), { model: forgetful() });
    await cluster.node(0).submit("c1", "r1", "book");
    await cluster.llm.received(2);
    const owner = await ownerOf(cluster);
    const others = cluster.nodes.filter((node) => node !== owner) as [ClusterNode, ClusterNode];
    owner.kill("SIGKILL");
    await cluster.ended(1);
    expect(cluster.llm.requests.map(notesIn)).toEqual([[], [], [{ role: "tool", times: 1 }]]);
    expect(cluster.effects).toHaveLength(1);
    const log = await cluster.log("c1");
    expect(log.filter(({ type }) => type === "state_lost")).toMatchObject([{ servers: ["s"] }]);

    // The note stays at its place in the conversation and is not repeated.
    await others[0].submit("c1", "r2", "book");
    await cluster.ended(2);
    expect(notesIn(cluster.llm.requests.at(-1) as LlmRequest)).toEqual([{ role: "tool", times: 1 }]);

    // A conversation that never used the server has lost no state.
    await others[0].submit("c2", "r1", "chat");
    await cluster.ended(3);
    for (const node of others) node.kill("SIGKILL");
    const fresh = await cluster.start();
    await fresh.submit("c2", "r2", "chat");
    await cluster.ended(4);
    expect(notesIn(cluster.llm.requests.at(-1) as LlmRequest)).toEqual([]);
    await cluster.until(async () => (await cluster.query("SELECT FROM nodes")).length === 1);
    await fresh.submit("c1", "r3", "chat");
    await cluster.ended(5);
    expect(notesIn(cluster.llm.requests.at(-1) as LlmRequest)).toEqual([
      { role: "tool", times: 1 },
      { role: "user", times: 1 },
    ]);
    await fresh.submit("c1", "r4", "chat");
    await cluster.ended(6);
    expect(notesIn(cluster.llm.requests.at(-1) as LlmRequest)).toHaveLength(2);
  });
});
