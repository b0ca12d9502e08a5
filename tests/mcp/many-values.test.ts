/** Messages of servers whose values would take seconds and gigabytes, although their texts are shorter than the limit. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { Deliveries } from "../../src/mcp/transports/deliveries.js";
import { faulty } from "../support/mcp-faulty.js";
import { nodeServer, startHub } from "../support/mcp-hub.js";

const manyValues = `{"content":[],"structuredContent":{"a":[${"{},".repeat(500_000)}{}]}}`;
const answerTo = (id: unknown) => `{"jsonrpc":"2.0","id":${id},"result":${manyValues}}`;

test("over stdio, the call fails at once, and the connection lives on", async () => {
  const program = `
    const answers = {
      initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "m", version: "1" } },
      "tools/list": { tools: [{ name: "many", inputSchema: { type: "object" } }, { name: "few", inputSchema: { type: "object" } }] },
    };
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { id, method, params } = JSON.parse(line);
      if (id === undefined) return;
      const result = answers[method] ?? { content: [{ type: "text", text: "few" }] };
      if (params?.name !== "many") return console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
      console.log('{"jsonrpc":"2.0","id":' + id + ',"result":{"content":[' + "{},".repeat(500_000) + "{}]}}");
    });`;
  await using running = startHub(nodeServer("s", ["--eval", program], { protocol: "legacy" }));
  await running.hub.ready();
  expect(textOf((await running.call("s__many")).content)).toBe(
    "many did not answer and its outcome is unknown: the server sent a message of more than 1,000,000 values, which was dropped",
  );
  expect(textOf((await running.call("s__few")).content)).toBe("few");
});

test.each([
  ["application/json", answerTo, "the JSON has more than 1,000,000 values"],
  ["text/event-stream", (id: unknown) => `data: ${answerTo(id)}\n\n`, "the server ended the stream before it answered"],
])("over HTTP, as %s, the call fails", async (contentType, written, why) => {
  await using server = await faulty({
    call: (response, { id }) => response.writeHead(200, { "content-type": contentType }).end(written(id)),
  });
  const { isError, content } = await server.call("f__t");
  expect([isError, textOf(content)]).toEqual([true, expect.stringContaining(why)]);
});

test("of a batch, a thousand messages are delivered", async () => {
  const delivered: unknown[] = [];
  const problems: string[] = [];
  const deliveries = new Deliveries({
    onmessage: (message) => delivered.push(message),
    onerror: ({ message }) => problems.push(message),
  });
  deliveries.push(Array.from({ length: 1_001 }, (_, at) => ({ jsonrpc: "2.0", method: `m${at}` })));
  await nextTurn();
  expect(delivered).toHaveLength(1_000);
  expect(delivered.at(-1)).toMatchObject({ method: "m999" });
  expect(problems).toEqual(["the server sent 1001 messages in a batch; only the first 1000 were read"]);
});
