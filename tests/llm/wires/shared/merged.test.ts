import { expect, test } from "@jest/globals";
import { merged } from "../../../../src/llm/wires/shared/merged.js";

test("the user's fields are merged into nested objects, and replace all other values", () => {
  const body = { model: "m", output_config: { effort: "high" }, tools: [{ name: "f" }], stop: undefined };
  const extra = { output_config: { format: { type: "text" } }, tools: [], seed: 1 };
  expect(merged(body, extra)).toEqual({
    model: "m",
    output_config: { effort: "high", format: { type: "text" } },
    tools: [],
    seed: 1,
  });
  expect(body.output_config).toEqual({ effort: "high" });
  expect(merged(body, undefined)).toBe(body);
});
