import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { answer, calls, type StrictMock, says, startGemini, thinks } from "../../support/strict/index.js";
import { type Loose, type RawClient, rawClient } from "./raw-client.js";

let mock: StrictMock;
let three: RawClient;
let older: RawClient;

const user = (...parts: object[]) => ({ role: "user", parts });
const model = (...parts: object[]) => ({ role: "model", parts });
const prompt = user({ text: "add" });
const declare = (more: object = {}) => ({ functionDeclarations: [{ name: "add", ...more }] });
const body = { tools: [declare()] };
const call = (more: object = {}) => ({ functionCall: { name: "add", args: {} }, ...more });
const response = (more: object = {}) => ({ functionResponse: { name: "add", response: { output: "4" }, ...more } });
const sentinel = { thoughtSignature: "skip_thought_signature_validator" };

/** Answers every prompt with two calls, and every result with a text. */
beforeAll(async () => {
  mock = await startGemini(({ results }) =>
    results.length > 0
      ? answer(thinks("so"), says("4"))
      : answer(thinks("hm"), calls("add", { a: 2 }), calls("add", { b: 2 })),
  );
  three = rawClient(mock, "gemini");
  older = rawClient(mock, "gemini", "gemini-2.5-flash");
});

afterAll(async () => mock[Symbol.asyncDispose]());

const struct = "(type.googleapis.com/google.protobuf.Struct)";

test.each<[string, object, string]>([
  ["an unknown field", { foo: 1 }, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'],
  [
    "an unknown field inside",
    { contents: [user({ text: "x", foo: 1 })] },
    "Invalid JSON payload received. Unknown name \"foo\" at 'contents[0].parts[0]': Cannot find field.",
  ],
  ["no contents", { contents: [] }, "contents is not specified"],
  [
    "a role of others",
    { contents: [{ role: "assistant", parts: [{ text: "x" }] }] },
    "Please use a valid role: user, model.",
  ],
  ["no parts", { contents: [user()] }, "contents[0].parts: contents.parts must not be empty."],
  [
    "a part without data",
    { contents: [user({})] },
    "contents[0].parts[0].data: required oneof field 'data' must have one initialized field",
  ],
  [
    "a part with two",
    { contents: [user({ text: "x", inlineData: {} })] },
    "oneof field 'data' is already set. Cannot set 'inlineData'",
  ],
  [
    "a text as a number",
    { contents: [user({ text: 1 })] },
    "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 1",
  ],
  [
    "a gif",
    { contents: [user({ inlineData: { mimeType: "image/gif", data: "AA" } })] },
    "Unsupported MIME type: image/gif",
  ],
  [
    "a response as text",
    { contents: [prompt, model(call(sentinel)), user(response({ response: "4" }))] },
    `Invalid value at 'contents[2].parts[0].function_response.response' ${struct}, "4"`,
  ],
  [
    "too few responses",
    { contents: [prompt, model(call(sentinel), call()), user(response())] },
    "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
  ],
  [
    "no response",
    { contents: [prompt, model(call(sentinel)), prompt] },
    "Please ensure that the number of function response parts",
  ],
  [
    "a response without call",
    { contents: [prompt, model({ text: "x" }), user(response())] },
    "Please ensure that function response turn comes immediately after a function call turn.",
  ],
  [
    "a call first",
    { contents: [model(call(sentinel)), user(response())] },
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
  ],
  [
    "another name",
    { contents: [prompt, model(call(sentinel)), user(response({ name: "sub" }))] },
    "function response names match",
  ],
  [
    "an id made up",
    { contents: [prompt, model(call(sentinel)), user(response({ id: "1" }))] },
    "function response ids match",
  ],
  [
    "JSON Schema in parameters",
    { tools: [declare({ parameters: { type: "object", additionalProperties: false } })] },
    "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
  ],
  [
    "a list of types",
    { tools: [declare({ parameters: { type: ["object", "null"] } })] },
    "Proto field is not repeating, cannot start list.",
  ],
  [
    "an array without items",
    { tools: [declare({ parameters: { type: "object", properties: { a: { type: "array" } } } })] },
    "parameters.properties[a].items: missing field.",
  ],
  [
    "an enum of numbers",
    { tools: [declare({ parameters: { type: "object", properties: { a: { enum: [1] } } } })] },
    "(TYPE_STRING), 1",
  ],
  [
    "both schemas",
    { tools: [declare({ parameters: { type: "object" }, parametersJsonSchema: { type: "object" } })] },
    "parameters and parameters_json_schema are mutually exclusive",
  ],
  [
    "a name that begins with a digit",
    { tools: [declare({ name: "1add" })] },
    "Invalid function name. Must start with a letter or an underscore.",
  ],
  ["two of a name", { tools: [declare(), declare()] }, "Duplicate function declaration found: add"],
  [
    "names without ANY",
    { toolConfig: { functionCallingConfig: { mode: "AUTO", allowedFunctionNames: ["add"] } } },
    "should only be set when function calling mode is ANY",
  ],
  [
    "budget and level",
    { generationConfig: { thinkingConfig: { thinkingBudget: 1, thinkingLevel: "low" } } },
    "You can only set only one of thinking budget and thinking level.",
  ],
  [
    "no thinking",
    { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
    "Budget 0 is invalid. This model only works in thinking mode.",
  ],
  [
    "a cached content with tools",
    { cachedContent: "cachedContents/1" },
    "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
  ],
  [
    "a call without signature",
    { contents: [prompt, model(call()), user(response())] },
    "Function call is missing a thought_signature in functionCall parts.",
  ],
  [
    "a signature of another vendor",
    { contents: [prompt, model(call({ thoughtSignature: "AA==" })), user(response())] },
    "Corrupted thought signature.",
  ],
])("refused: %s", async (_, change, words) => {
  expect(await three.refusal({ ...body, contents: [prompt], ...change })).toContain(words);
});

test.each<[string, object, string]>([
  [
    "a level",
    { generationConfig: { thinkingConfig: { thinkingLevel: "low" } } },
    "Thinking level is not supported for this model.",
  ],
  [
    "JSON with tools",
    { generationConfig: { responseMimeType: "application/json" } },
    "Function calling with a response mime type: 'application/json' is unsupported",
  ],
  [
    "a picture inside of a result",
    { contents: [prompt, model(call()), user(response({ parts: [{ inlineData: {} }] }))] },
    "Multimodal function responses are not supported",
  ],
])("refused by Gemini 2.5: %s", async (_, change, words) => {
  expect(await older.refusal({ ...body, contents: [prompt], ...change })).toContain(words);
});

test("the key stands in a header", async () => {
  const send = (query: string, headers: Record<string, string>) =>
    fetch(`${mock.url}/models/gemini-3.5-pro:generateContent${query}`, {
      method: "POST",
      headers,
      body: JSON.stringify({ contents: [prompt] }),
    });
  const [inUrl, none] = [await send("?key=secret", {}), await send("", {})];
  expect([inUrl.status, none.status]).toEqual([400, 403]);
  expect(await none.json()).toMatchObject({ error: { code: 403, status: "PERMISSION_DENIED" } });
  await using small = await startGemini([], { keys: { good: "a" } });
  const wrong = await rawClient(small, "gemini").post({ contents: [prompt] });
  expect(wrong).toMatchObject({ status: 400, body: { error: { details: [{ reason: "API_KEY_INVALID" }] } } });
});

async function turn(client: RawClient): Promise<{ said: Loose[]; results: object }> {
  const said = (await client.post({ ...body, contents: [prompt] })).body.candidates[0].content.parts;
  const results = user(...said.map(({ functionCall: { id } }: Loose) => response({ ...(id && { id }) })));
  return { said, results };
}

test.each<[string, (parts: Loose[]) => Loose[], string]>([
  [
    "dropped",
    ([{ thoughtSignature: _, ...first }, second]) => [first, second],
    "Function call is missing a thought_signature in functionCall parts.",
  ],
  [
    "moved to the second call",
    ([{ thoughtSignature, ...first }, second]) => [first, { ...second, thoughtSignature }],
    "Corrupted thought signature.",
  ],
  [
    "put on both",
    ([first, second]) => [first, { ...second, thoughtSignature: first.thoughtSignature }],
    "Corrupted thought signature.",
  ],
  [
    "cut",
    ([first, second]) => [{ ...first, thoughtSignature: first.thoughtSignature.slice(4) }, second],
    "Corrupted thought signature.",
  ],
  [
    "on a changed call",
    ([first, second]) => [{ ...first, functionCall: { ...first.functionCall, args: {} } }, second],
    "Corrupted thought signature.",
  ],
])("a signature of the current turn: %s", async (_, edit, words) => {
  const { said, results } = await turn(three);
  expect(await three.refusal({ ...body, contents: [prompt, model(...edit(said)), results] })).toContain(words);
});

test("accepted: everything as it came, an older turn without signatures, Gemini 2.5 without", async () => {
  const { said, results } = await turn(three);
  const contents = [prompt, model(...said), results];
  const { body: whole } = await three.post({ ...body, contents });
  const last = whole.candidates[0].content.parts;
  expect(last).toEqual([{ text: "4" }, { text: "", thoughtSignature: expect.any(String) }]);
  const stripped = said.map(({ thoughtSignature: _, ...part }) => part);
  const second = [prompt, model(...stripped), results, model(...last), prompt];
  expect((await three.post({ ...body, contents: second })).status).toBe(200);
  expect(mock.hops.at(-1)?.lostReasoning).toEqual([said[0].functionCall.id]);
  const other = await turn(older);
  expect(other.said[0].functionCall.id).toBeUndefined();
  const bare = other.said.map(({ thoughtSignature: _, ...part }) => part);
  expect((await older.post({ ...body, contents: [prompt, model(...bare), other.results] })).status).toBe(200);
});

test("a signature of a text that does not come back passes, and is told as lost", async () => {
  await using texts = await startGemini([answer("one"), answer(calls("add")), answer("two")]);
  const client = rawClient(texts, "gemini");
  const parts = (await client.post({ contents: [prompt] })).body.candidates[0].content.parts;
  const again = { contents: [prompt, model({ text: "one" }), prompt] };

  expect((await client.post(again)).status).toBe(200);
  expect(texts.hops.at(-1)?.lostReasoning).toEqual(["one"]);
  await client.post({ contents: [prompt, model(...parts), prompt] });
  expect(texts.hops.at(-1)?.lostReasoning).toEqual([]);
});

test("chunks end with CRLF, and a stream without alt=sse is an array", async () => {
  await using texts = await startGemini([answer("one"), answer("two")]);
  const send = async (query: string) => {
    const headers = { "x-goog-api-key": "key" };
    const path = `${texts.url}/models/gemini-3.5-pro:streamGenerateContent${query}`;
    const got = await fetch(path, { method: "POST", headers, body: JSON.stringify({ contents: [prompt] }) });
    return got.text();
  };
  const sse = await send("?alt=sse");
  expect(sse.split("\r\n\r\n").length).toBeGreaterThan(2);
  expect(sse.replaceAll("\r\n", "")).not.toContain("\n");
  expect(JSON.parse(await send("")).at(-1).candidates[0].finishReason).toBe("STOP");
});
