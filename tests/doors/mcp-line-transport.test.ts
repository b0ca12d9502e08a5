import { PassThrough } from "node:stream";
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { LineTransport } from "../../src/doors/mcp/line-transport.js";
import { Sink } from "./support.js";

const list = { jsonrpc: "2.0", id: 1, method: "tools/list" } as const;
const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "x" } } as const;
const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } } as const;

/** Starts a transport that reads these messages, and returns whether it has ended. */
async function reading(messages: readonly object[], leave: (input: PassThrough) => unknown) {
  const input = new PassThrough();
  const output = new Sink();
  const transport = new LineTransport(input, output);
  const taken = new Promise<void>((resolve) => {
    let left = messages.length;
    transport.onmessage = () => --left === 0 && resolve();
  });
  const state = { isEnded: false };
  void transport.ended.then(() => {
    state.isEnded = true;
  });
  await transport.start();
  for (const message of messages) input.write(`${JSON.stringify(message)}\n`);
  await taken;
  leave(input);
  for (let rounds = 0; rounds < 20; rounds++) await nextRound();
  return { transport, output, state };
}

test("a list that was requested before the input ended is answered before the transport ends", async () => {
  const { transport, output, state } = await reading([list, call], (input) => input.end());
  expect(state.isEnded).toBe(false);
  await transport.send({ jsonrpc: "2.0", id: 1, result: { tools: [] } });
  await transport.ended;
  expect(output.text).toBe('{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}\n');
});

test.each([
  ["only a call is open", [call], (input: PassThrough) => input.end()],
  ["the request was cancelled", [list, cancelled], (input: PassThrough) => input.end()],
  ["the input was destroyed, as at Ctrl-C", [list], (input: PassThrough) => input.destroy()],
])("the transport ends at once when the input ends and %s", async (_, messages, leave) => {
  expect((await reading(messages, leave)).state.isEnded).toBe(true);
});

test("no further requests are read from a client that reads no answers", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const transport = new LineTransport(input, output);
  let taken = 0;
  const answer = { jsonrpc: "2.0" as const, id: 1, result: { text: "x".repeat(1024 * 1024) } };
  transport.onmessage = () => {
    taken += 1;
    void transport.send(answer);
  };
  await transport.start();
  for (let count = 0; count < 100; count++) input.write(`${JSON.stringify(list)}\n`);
  for (let rounds = 0; rounds < 20; rounds++) await nextRound();
  expect(taken).toBeLessThan(10);
  output.resume();
  input.end();
  await transport.ended;
  expect(taken).toBe(100);
});
