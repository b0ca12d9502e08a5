import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { check } from "../../src/scripted/assertions/assertions.js";
import type { Assertion } from "../../src/scripted/shared/script.js";
import { call, events, outcome, partsWith } from "./outcome.js";

/** An assertion, the text that it checks, and whether it passes in promptfoo 0.121.20 (`scripts/promptfoo-verdicts.mjs`). */
interface Row extends Pick<Assertion, "type" | "value" | "threshold"> {
  output: string;
  calls?: [name: string, args: unknown][];
  vars?: Record<string, unknown>;
  /** In ms for `latency`, in US dollars for `cost`. */
  measured?: number;
  passes: boolean;
}

const lines = readFileSync(new URL("promptfoo-verdicts.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const rows = lines.map((line) => JSON.parse(line) as Row);

/** Texts in which promptfoo misses the object, because it also counts braces inside strings. */
const missedByPromptfoo = ['{"a":"}"}', '{"a":"{"}'];

test("every assertion that promptfoo has comes to the same verdict as there", async () => {
  const otherwise = [];
  for (const row of rows) {
    const { output, calls = [], vars, measured, passes, ...written } = row;
    const position = { file: "a.session.yaml", line: 1 };
    const about = outcome({
      output,
      latencyMs: measured,
      costUsd: measured,
      calls: calls.map(([name, args]) => call(name, { args })),
      events: events("user_message"),
    });
    const { passed, reason } = await check({ position, ...written }, about, partsWith("", vars));
    if (passed !== passes) otherwise.push({ ...row, reason });
  }
  expect(rows.length).toBeGreaterThan(400);
  expect(otherwise.map(({ type, output }) => [type, output])).toEqual(
    missedByPromptfoo.flatMap((output) => ["contains-json", "not-contains-json"].map((type) => [type, output])),
  );
});
