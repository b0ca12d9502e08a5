import { expect, test } from "@jest/globals";
import { defaultQuirks } from "../../../../src/llm/providers/presets.js";
import { lessonsIn } from "../../../../src/llm/wires/messages/learn.js";
import { messages } from "../../../../src/llm/wires/messages/messages-wire.js";
import { quirksOf } from "../../../../src/llm/wires/messages/quirks.js";

test("a request that follows a lesson already does not learn it from a refusal that mentions the parameter", () => {
  const quirks = quirksOf({ quirks: defaultQuirks, baseUrl: "https://api.anthropic.com" }, "claude-sonnet-4-5");
  const refusal = messages.error(
    JSON.stringify({ error: { message: "temperature and cache_control: Extra inputs are not permitted" } }),
    400,
  );
  const learnt = (used: Partial<typeof quirks>) =>
    lessonsIn(refusal, { ...quirks, ...used }).map(({ changes }) => changes);
  expect(learnt({})).toEqual([{ sampling: "none" }, { cache: false }]);
  expect(learnt({ sampling: "none" })).toEqual([{ cache: false }]);
});
