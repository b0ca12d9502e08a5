import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseInput } from "../../../src/doors/claude/claude-input.js";
import { anyText } from "../../support/any-text.js";
import { startApp } from "../../support/app.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { runs } from "../../support/runs.js";
import { openPipe } from "./client.js";

const user = (message: object, more: object = {}) => JSON.stringify({ type: "user", message, ...more });
const control = (request: object) => JSON.stringify({ type: "control_request", request_id: "r1", request });

describe("a line that is not taken", () => {
  test.each([
    ["no JSON", "{oops", "control_response", "not JSON"],
    ["no object", "[1]", "control_response", "must be a JSON object"],
    ["no type", "{}", "control_response", '"type" is missing'],
    ["an unknown type", '{"type":"hello"}', "control_response", 'unknown type "hello"'],
    [
      "an unknown control request",
      control({ subtype: "rewind_files" }),
      "control_response",
      '"rewind_files" is not supported',
    ],
    ["a control request without a subtype", control({}), "control_response", '"request.subtype" is missing'],
    ["an assistant's message", user({ role: "assistant", content: "hi" }), "result", '"message.role" must be "user"'],
    ["an empty message", user({ role: "user", content: " " }), "result", '"message.content" is empty'],
    ["a message without content", user({ role: "user" }), "result", '"message.content" must be'],
    [
      "a block of another kind",
      user({ role: "user", content: [{ type: "document" }] }),
      "result",
      'content[0].type" must be',
    ],
    [
      "an image by its address",
      user({ role: "user", content: [{ type: "image", source: { type: "url", url: "x" } }] }),
      "result",
      'source.type" must be "base64"',
    ],
    [
      "a message that is not to be answered",
      user({ role: "user", content: "x" }, { shouldQuery: false }),
      "result",
      "shouldQuery",
    ],
  ])("%s", (_, line, asks, problem) => {
    expect(parseInput(line)).toMatchObject({ asks, problem: expect.stringContaining(problem) });
  });

  test("has its own answer, and the next line is read as usual", async () => {
    await using llm = await startLlmServer([answer("fine")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.send("{oops\n");
    pipe.send('{"type":"hello"}\n\n');
    pipe.control("r1", { subtype: "rewind_files" });
    pipe.respond("q_unknown", { behavior: "allow" });
    pipe.user("");
    pipe.user("hi");
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("control_response").map(({ response }) => response)).toMatchObject([
      { subtype: "error", request_id: "", error: expect.stringContaining("not JSON") },
      { subtype: "error", request_id: "", error: expect.stringContaining("unknown type") },
      { subtype: "error", request_id: "r1", error: expect.stringContaining("rewind_files") },
      { subtype: "error", request_id: "q_unknown", error: expect.stringContaining("nothing was asked") },
    ]);
    expect(pipe.messages("result").map(({ is_error, result }) => [is_error, result])).toEqual([
      [true, ""],
      [false, "fine"],
    ]);
  });
});

test("of many odd lines each gets what its kind gets, and a good one after them is answered", async () => {
  const key = fc.constantFrom(
    "type",
    "message",
    "role",
    "content",
    "request",
    "response",
    "request_id",
    "subtype",
    "uuid",
  );
  const word = fc.constantFrom(
    "user",
    "control_request",
    "control_response",
    "initialize",
    "interrupt",
    "set_model",
    "text",
    "",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.string(),
      fc.integer(),
      fc.constant(null),
      tie("object"),
      fc.array(tie("value"), { maxLength: 3 }),
    ),
    object: fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  }));
  const odd = fc
    .oneof(
      value.map((each) => JSON.stringify(each)),
      fc
        .record({ type: word, message: value, request_id: value, request: value, response: value })
        .map((each) => JSON.stringify(each)),
      anyText(),
    )
    .map((line) => line.replaceAll("\n", " "))
    .filter((line) => line.trim() !== "" && !isPrompt(line));
  const lines = fc.sample(odd, { seed: 20261125, numRuns: runs(2000) });
  await using llm = await startLlmServer([answer("still here")]);
  await using app = await startApp({ llm: llm.url });
  const pipe = openPipe(app);
  for (const line of lines) pipe.send(`${line}\n`);
  pipe.user("hi");
  expect(await pipe.end()).toBe(0);

  const parsed = lines.map((line) => parseInput(line));
  const results = parsed.filter((each) => "problem" in each && each.asks === "result").length;
  const quiet = parsed.filter((each) => "type" in each && each.type === "ignored").length;
  expect(lines).toHaveLength(runs(2000));
  expect(pipe.messages("result")).toHaveLength(results + 1);
  expect(pipe.messages("control_response")).toHaveLength(lines.length - results - quiet);
  expect(pipe.messages("result").at(-1)).toMatchObject({ result: "still here" });
});

/** Returns whether a random line is by chance a valid prompt. */
function isPrompt(line: string): boolean {
  const input = parseInput(line);
  return "type" in input && input.type === "user";
}
