import { expect, test } from "@jest/globals";
import { check } from "../../src/scripted/assertions/assertions.js";
import type { Assertion } from "../../src/scripted/shared/script.js";
import { outcome, partsWith } from "./outcome.js";

const hostileText = JSON.stringify(`${"a".repeat(50)}!`);

test.each<[Omit<Assertion, "position">, string, RegExp]>([
  [{ type: "not-javascript", value: "(() => { for (;;); })()" }, hostileText, /took longer than/],
  [{ type: "not-regex", value: '^"(a+)+$' }, hostileText, /took longer than/],
  [{ type: "not-is-json", value: { pattern: "^(a+)+$" } }, hostileText, /checking the value by the schema took longer/],
  [{ type: "contains-json" }, "{".repeat(100_000), /too many braces/],
  [{ type: "not-contains-json" }, "{".repeat(100_000), /too many braces/],
])("%j fails on an output that it cannot judge in time", async (written, output, reason) => {
  const position = { file: "a.session.yaml", line: 7 };
  const result = await check({ position, ...written }, outcome({ output }), partsWith());
  expect(result).toMatchObject({ passed: false, reason: expect.stringMatching(reason) });
});
