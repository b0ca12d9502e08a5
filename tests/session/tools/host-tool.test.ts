import { expect, test } from "@jest/globals";
import { textOf } from "../../../src/core/messages.js";
import { openStore } from "../../../src/log/open.js";
import { prepareHostCall } from "../../../src/session/tools/host-tool.js";
import { readResult } from "../../../src/session/tools/read-result.js";

const { signal } = new AbortController();

async function call(args: unknown): Promise<{ text: string; isError: boolean }> {
  const { results } = await openStore({ driver: "memory" }, { now: Date.now, observe: () => {} });
  await results.put("c", "res_1", JSON.stringify({ items: [{ name: "first" }, { name: "x".repeat(5_000) }] }));
  await results.put("other", "res_2", "not yours");
  const tool = readResult({ results, known: new Set(["res_1", "res_3"]), maxBytes: 1_000 });
  const text = typeof args === "string" ? args : JSON.stringify(args);
  const prepared = prepareHostCall(tool, { id: "call_1", name: tool.definition.name, arguments: text });
  expect(prepared).toMatchObject({ readOnly: true, idempotent: true });
  const { content, isError } = await prepared.send({ signal });
  return { text: textOf(content), isError };
}

test.each([
  ["{no json", "JSON"],
  ["[]", "not a JSON object"],
  [{}, "there is no result"],
  [{ result_id: 7 }, "result_id: a text is needed"],
  [{ result_id: "res_2" }, "there is no result res_2 in this conversation"],
  [{ result_id: "res_3" }, "not kept any more"],
  [{ result_id: "res_1", start: -1 }, "start: a whole number from 0"],
  [{ result_id: "res_1", pointer: "/items/9" }, "it has 2 items"],
])("a call with invalid arguments says why: %j", async (args, reason) => {
  const { text, isError } = await call(args);
  expect(isError).toBe(true);
  expect(text).toContain(reason);
});

test("a pointer and a range work together, and null is left out", async () => {
  expect((await call({ result_id: "res_1", pointer: "/items/0/name", grep: null })).text).toMatch(/^first\n/);
  const { text } = await call({ result_id: "res_1", pointer: "/items/1/name", start: 100, length: null });
  expect(text).toMatch(/^x{1000}\n\[characters 100 to 1100 of 5000; go on with start: 1100\]$/);
});
