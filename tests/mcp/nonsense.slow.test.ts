import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { faulty } from "../support/mcp-faulty.js";
import { nodeServer, type RunningHub, startHub } from "../support/mcp-hub.js";

/** An object whose conversion to a string throws, because JSON has set its own `toString`. */
const mute = { toString: 1 };
const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

/** Lines of a server that are JSON but not a valid message; `id` is that of a waiting request. */
const nonsense = (id: unknown) => [
  "null",
  "[null, [null], 5]",
  deep,
  ...[
    { id: mute, result: {} },
    { id: [id], result: null },
    { id: null, error: { code: mute, message: mute } },
    { id: 99, error: mute },
    { method: mute },
    { method: "notifications/progress", params: { progressToken: mute, progress: 1 } },
    { method: "notifications/progress", params: null },
    { method: "notifications/message", params: { level: mute, logger: mute, data: mute } },
  ].map((message) => JSON.stringify({ jsonrpc: "2.0", ...message })),
];

const answered = (id: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "ok" }] } });
const refused = (id: unknown) => JSON.stringify({ jsonrpc: "2.0", id, error: { code: mute, message: mute } });

async function stillCalls({ call }: Pick<RunningHub, "call">) {
  expect(textOf((await call("f__t", { wants: "answer" })).content)).toBe("ok");
  expect(textOf((await call("f__t", { wants: "refusal" })).content)).toMatch(/^t failed: .*\[object Object\]/);
  expect(textOf((await call("f__t", { wants: "answer" })).content)).toBe("ok");
}

test.each(["legacy", "auto"] as const)(
  "JSON on stdout of a server (%s) that is not a message breaks neither the host nor the server's calls",
  async (protocol) => {
    const program = `
    const results = {
      initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "f", version: "1" } },
      "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
    };
    const mute = ${JSON.stringify(mute)};
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    const nonsense = ${nonsense.toString()};
    const answered = ${answered.toString()};
    const refused = ${refused.toString()};
    require("node:readline").createInterface(process.stdin).on("line", (line) => {
      const { id, method, params } = JSON.parse(line);
      if (id === undefined) return;
      const result = results[method];
      if (result) return console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
      for (const one of nonsense(id)) console.log(one);
      if (method === "server/discover") return console.log(refused(id));
      console.log((params.arguments.wants === "answer" ? answered : refused)(id));
    });`;
    await using running = startHub(nodeServer("f", ["--eval", program], { protocol }));
    await running.hub.ready();
    await stillCalls(running);
  },
);

test("JSON in streams of a server that is not a message breaks neither the host nor the server's calls", async () => {
  await using server = await faulty({
    call(response, { id, params }) {
      const { wants } = (params as { arguments?: { wants?: string } }).arguments ?? {};
      const events = [...nonsense(id), (wants === "answer" ? answered : refused)(id)];
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(events.map((event) => `data: ${event}\n\n`).join(""));
    },
  });
  await stillCalls(server);
});

test.each([
  ["null", "null"],
  ["a list of null", "[null]"],
  ["lists in lists", deep],
])("a call whose only answer is %s fails at once", async (_, body) => {
  await using server = await faulty({
    call: (response) => response.writeHead(200, { "content-type": "application/json" }).end(body),
  });
  expect(textOf((await server.call("f__t")).content)).toContain("JSON that does not answer the request");
});
