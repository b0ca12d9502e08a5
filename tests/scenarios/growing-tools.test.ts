/**
 * Each request begins with the bytes of the request before, also when a server joins: over hops, turns, and in another host on the same
 * log.
 */
import { expect, test } from "@jest/globals";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { httpServer } from "../support/mcp-http.js";
import { temporaryFolder, until } from "../support/mcp-hub.js";
import { newStorage } from "../support/storages.js";

/** Returns the two growing lists without their closing brackets, and the rest of the request. */
function parts({ text, body }: LlmRequest) {
  const [messages, tools] = [JSON.stringify(body.messages), JSON.stringify(body.tools)];
  for (const part of [messages, tools]) expect(text).toContain(part); // makes sure that the checks below are about the received bytes
  const rest = text.replace(messages, "").replace(tools, "");
  return { messages: messages.slice(0, -1), tools: tools.slice(0, -1), rest };
}

test("a server that joins late comes last, and keeps its place after a restart; its words are told where the conversation is", async () => {
  using folder = temporaryFolder();
  const storage = await newStorage(folder.path);
  let isHung = true;
  await using late = await httpServer({ isHung: () => isHung, instructions: "Mind the gap." });
  await using early = await httpServer();
  const mcpServers = { late: { url: late.url, startup_grace: 0.05 }, early: { url: early.url } };
  const joined =
    (step: Step): Step =>
    (response, request) => {
      isHung = false;
      app.hub.reconnect("late");
      void until(() => app.hub.servers()[0]?.state === "ready").then(() => step(response, request));
    };
  const call = toolCalls([{ name: "early__echo", arguments: {} }]);
  await using llm = await startLlmServer([joined(call), call, answer("one"), answer("two"), call, answer("three")]);
  const ask = async (host: Awaited<ReturnType<typeof startApp>>, requestId: string, options: object = {}) => {
    const events = await collect(host.sessions.open("c").prompt({ requestId, text: requestId, ...options }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end" });
  };
  const app = await startApp({ llm: llm.url, mcpServers, storage });
  await ask(app, "r1");
  await ask(app, "r2");
  await app.close();
  {
    await using other = await startApp({ llm: llm.url, mcpServers, storage });
    await other.ready();
    await ask(other, "r3", { maxToolHops: 1 });
  }
  const [first, ...others] = llm.requests;
  expect(first?.body.tools?.map(({ function: { name } }) => name)).toEqual(["early__echo"]);
  expect(others).toHaveLength(5);
  let before = parts(first as LlmRequest);
  for (const request of others) {
    const now = parts(request);
    expect(now.messages.startsWith(before.messages)).toBe(true);
    expect(now.tools.startsWith(before.tools)).toBe(true);
    const isLast = request === others.at(-1);
    expect(now.rest).toBe(isLast ? before.rest.replace(/}$/, ',"tool_choice":"none"}') : before.rest);
    before = now;
  }
  const told = others.map(({ body }) =>
    (body.messages ?? []).findIndex(({ content }) => JSON.stringify(content ?? "").includes("Mind the gap.")),
  );
  expect(told).toEqual([-1, -1, 7, 7, 7]);
  expect(others.map(({ body }) => body.tools?.length)).toEqual([2, 2, 2, 2, 2]);
});
