import { expect, test } from "@jest/globals";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { recording, until } from "../support/mcp-hub.js";

const call = (name: string): Step => toolCalls([{ name, arguments: {} }]);
const tool = (name: string) => ({
  name,
  description: `does ${name}`,
  inputSchema: { type: "object", properties: { a: { type: "string" } } },
});
const names = Array.from({ length: 97 }, (_, index) => `tool_${index}`);
const pages = [["crash", "fidget", "echo", ...names.slice(0, 47)], names.slice(47)].map((page) => page.map(tool));

/** Returns the text of the messages, and the rest of the request. */
function split({ text, body }: LlmRequest) {
  const messages = JSON.stringify(body.messages);
  expect(text).toContain(messages); // makes sure that the checks below are about the received bytes
  return { messages, rest: text.replace(messages, "") };
}

test("with 500 tools of five servers, each request repeats the bytes of the one before: over hops, turns, a restart, a list that only said it changed", async () => {
  using record = recording();
  const listings = () => record.lines().filter((line) => line.startsWith("tools/list")).length;
  const mcpServers = {
    a: fixtureServer({ pages, record: record.path }),
    ...Object.fromEntries(["b", "c", "d", "e"].map((name) => [name, fixtureServer({ pages })])),
  };
  let listed = 0;
  const relisted =
    (step: Step): Step =>
    (response, request) =>
      void until(() => listings() > listed && app.hub.servers()[0]?.state === "ready").then(() =>
        step(response, request),
      );
  const noted =
    (step: Step): Step =>
    (response, request) => {
      listed = listings();
      step(response, request);
    };
  await using llm = await startLlmServer([
    call("c__tool_3"),
    noted(call("a__fidget")),
    relisted(call("e__tool_96")),
    answer("first turn"),
    noted(call("a__crash")),
    relisted(call("a__echo")),
    answer("second turn"),
  ]);
  const provider = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789", quirks: { max_tools: 501 } };
  const config = { llm: { active: "test", providers: { test: provider } } };
  await using app = await startApp({ llm: llm.url, mcpServers, config });
  await app.ready();
  await until(() => listings() >= 4); // the second listing of each server, after its start
  for (const requestId of ["r1", "r2"]) {
    const events = await collect(app.sessions.open("c").prompt({ requestId, text: `go ${requestId}` }));
    expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
  }
  expect(llm.requests).toHaveLength(7);
  expect(llm.requests[0]?.body.tools).toHaveLength(500);
  const [first, ...others] = llm.requests.map(split);
  let before = first?.messages ?? "";
  for (const { messages, rest } of others) {
    expect(rest === first?.rest).toBe(true);
    expect(messages.startsWith(before.slice(0, -1))).toBe(true);
    before = messages;
  }
});
