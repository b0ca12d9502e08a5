/** Valid JSON without sense from clients and models over Claude Code's protocol: it ends neither the door nor its other work. */
import { expect, test } from "@jest/globals";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { until } from "../../support/mcp-hub.js";
import { openPipe } from "./client.js";

/** An object whose conversion to a string throws, because JSON has set its own `toString`. */
const mute = { toString: 1 };
const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

test("an allowed call whose change of permissions has no sense is run, and so is the next turn", async () => {
  await using llm = await startLlmServer([
    toolCalls([{ name: "s__echo", arguments: { value: 1 } }]),
    answer("one"),
    answer("two"),
  ]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
  const pipe = openPipe(app, { canAsk: true });
  pipe.user("first");
  await until(() => pipe.asked() !== undefined);
  const rules = [null, mute, { toolName: "s__echo" }];
  const updatedPermissions = [null, { type: "addRules", behavior: "allow", rules, destination: mute }];
  pipe.respond(pipe.asked().request_id, { behavior: "allow", updatedPermissions });
  pipe.user("second");
  expect(await pipe.end()).toBe(0);
  expect(pipe.messages("result").map(({ result }) => result)).toEqual(["one", "two"]);
});

test.each([`{"value":${deep}}`, deep])(
  "a call of a tool with lists in lists is shown, and its turn too",
  async (args) => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: args }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const pipe = openPipe(app);
    pipe.user("hi");
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("result").map(({ result }) => result)).toEqual(["done"]);
  },
);

test.each([
  "null",
  "[]",
  deep,
  `{"type":${deep}}`,
  JSON.stringify({ type: mute }),
  JSON.stringify({ type: "user", message: null }),
  `{"type":"user","message":{"content":${deep}}}`,
  `{"type":"user","uuid":${deep},"message":{"content":"x"}}`,
  JSON.stringify({ type: "control_request", request_id: mute, request: null }),
  JSON.stringify({ type: "control_request", request_id: "r", request: { subtype: "__proto__" } }),
  `{"type":"control_request","request_id":"r","request":{"subtype":"set_model","model":${deep}}}`,
  JSON.stringify({
    type: "control_request",
    request_id: "r",
    request: { subtype: "set_permission_mode", mode: "__proto__" },
  }),
  JSON.stringify({ type: "control_response", response: mute }),
  JSON.stringify({ type: "control_response", response: { subtype: mute, request_id: "r", response: null } }),
])("after line %# of no sense a turn is run", async (line) => {
  await using llm = await startLlmServer(() => answer("fine"));
  await using app = await startApp({ llm: llm.url });
  const pipe = openPipe(app);
  pipe.send(`${line}\n`);
  pipe.user("hi");
  await pipe.end();
  expect(pipe.messages("result").at(-1)).toMatchObject({ result: "fine" });
});
