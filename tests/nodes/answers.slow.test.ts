import { expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { connect } from "../doors/http/socket.js";
import { script } from "../support/app.js";
import { answer, type LlmRequest, type Step, toolCalls } from "../support/llm-server.js";
import { askedIn, Cluster, type ClusterNode, onServer } from "./cluster.js";

/** Calls the tool that the user names, and then says that it is done. */
function caller(request: LlmRequest): Step {
  const { text, results } = askedIn(request);
  return results === 0 ? toolCalls([{ name: `s__${text}`, arguments: { what: text } }]) : answer("done");
}

async function openAsking(url: string, more: object = {}): Promise<Cluster> {
  const service = { approval: "ask", drain_timeout: 1 };
  const chat = { titles: "first-words", storage: { url, lease: "2s" }, service };
  return Cluster.open(url, { model: caller, config: { chat, ...more } });
}

/** Begins a turn that asks a question. Resolves to the question, the host that runs the turn, and the other hosts. */
async function ask(cluster: Cluster, conversationId: string, text = "book") {
  await cluster.node(0).submit(conversationId, "r1", text);
  const question = async () => (await cluster.log(conversationId)).find(({ type }) => type === "question");
  await cluster.until(async () => (await question()) !== undefined);
  const { questionId } = (await question()) as Extract<StoredEvent, { type: "question" }>;
  const [pid] = [...(await cluster.holders()).keys()];
  const owner = cluster.nodes.find(({ child }) => child.pid === pid) as ClusterNode;
  return { questionId, owner, others: cluster.nodes.filter((node) => node !== owner) as [ClusterNode, ClusterNode] };
}

async function reply(node: ClusterNode, conversationId: string, questionId: string, value: unknown) {
  const body = JSON.stringify({ question_id: questionId, value });
  const response = await fetch(`${node.url}/api/sessions/${conversationId}/answer`, { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

async function ended(cluster: Cluster, conversationId: string): Promise<StoredEvent[]> {
  await cluster.until(async () => (await cluster.log(conversationId)).at(-1)?.type === "turn_end");
  return cluster.log(conversationId);
}

onServer("a question of a turn", (server) => {
  test("is answered through a host that neither runs nor follows it, once; a late answer is told the same everywhere", async () => {
    await using cluster = await openAsking(await server().database());
    const { questionId, owner, others } = await ask(cluster, "c1");
    expect(await reply(others[0], "c1", "q_none", true)).toMatchObject({ status: 404 });
    expect(await reply(others[0], "other", questionId, true)).toMatchObject({ status: 404 });

    const nodes = Array.from({ length: 12 }, (_, index) => cluster.node(index));
    const replies = await Promise.all(nodes.map((node) => reply(node, "c1", questionId, true)));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([204, ...Array(11).fill(404)]);
    const log = await ended(cluster, "c1");
    expect(log.filter(({ type }) => type === "answer")).toMatchObject([{ questionId, value: true }]);
    expect(cluster.effects).toHaveLength(1);

    const late = await Promise.all([owner, ...others].map((node) => reply(node, "c1", questionId, false)));
    expect(new Set(late.map(({ text }) => text)).size).toBe(1);
    expect(late[0]).toMatchObject({ status: 404, text: expect.stringContaining("it may have ended") });
  });

  test("is answered over a WebSocket of another host by naming the conversation", async () => {
    await using cluster = await openAsking(await server().database());
    const { questionId, others } = await ask(cluster, "c1");
    await using socket = await connect(others[1]);
    const send = (requestId: string, conversation?: string) =>
      socket.send({
        action: "answer",
        request_id: requestId,
        conversation_id: conversation,
        payload: { question_id: questionId, value: { allow: false, message: "too dear" } },
      });
    send("a0"); // without a conversation, the question could be anybody's
    expect(await socket.until(({ request_id }) => request_id === "a0")).toMatchObject({ status: "error" });
    send("a1", "c1");
    const log = await ended(cluster, "c1");
    const results = log.filter((event) => event.type === "tool_result");
    expect(JSON.stringify(results)).toContain("too dear");
    expect(cluster.effects).toEqual([]);
    send("a2", "c1");
    const refused = await socket.until(({ request_id }) => request_id === "a2");
    expect(refused).toMatchObject({ status: "error", chunk: { kind: "nothing_to_do", action: "answer" } });
    expect(socket.messages.filter(({ request_id }) => request_id === "a1")).toEqual([]);
  });

  test("of a server is answered through another host", async () => {
    const asking = { ...script("tests/support/mcp-conformance-server.mjs"), tools: { auto_approve: ["*"] } };
    await using cluster = await openAsking(await server().database(), { mcpServers: { s: asking } });
    const { questionId, others } = await ask(cluster, "c1", "test_elicitation");
    expect(
      await reply(others[0], "c1", questionId, {
        action: "accept",
        content: { username: "Ada", email: "ada@example.com" },
      }),
    ).toMatchObject({
      status: 204,
    });
    expect(JSON.stringify(await ended(cluster, "c1"))).toContain("Ada");
  });

  test("keeps the answer that its host had taken, and not yet stored, when it died", async () => {
    await using cluster = await openAsking(await server().database());
    const { questionId, owner, others } = await ask(cluster, "c1");
    owner.kill("SIGSTOP");
    expect(await reply(others[0], "c1", questionId, true)).toMatchObject({ status: 204 });
    // Simulates that the host had just read its mail: the next holder of the turn gets what was read.
    await cluster.query("UPDATE mail SET fence = turns.fence FROM turns WHERE turns.turn_id = mail.turn_id");
    owner.kill("SIGKILL");
    const log = await ended(cluster, "c1");
    expect(log.filter(({ type }) => type === "answer" || type === "question")).toMatchObject([
      { type: "question" },
      { type: "answer", questionId, value: true },
    ]);
    expect(cluster.effects).toHaveLength(1);
  });
});
