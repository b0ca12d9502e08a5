import { describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, chunk, type Step, stall, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { sayAndCall } from "../support.js";
import { openDoor, post, sdk } from "./door.js";
import { checkStream } from "./response-stream.js";

const mcpServers = { s: fixtureServer() };
const tool = { type: "function" as const, name: "weather", parameters: {}, strict: false };

/** Returns the messages of the last request to the model: roles, names of calls and texts of results. */
function told({ requests }: Awaited<ReturnType<typeof startLlmServer>>): string[] {
  return (requests.at(-1)?.body.messages ?? []).map(({ role, tool_calls, content }) => {
    const calls = tool_calls?.map((call) => call.function.name) ?? [];
    return [role, ...calls, ...(role === "tool" ? [content] : [])].join(" ");
  });
}

async function withDoor(
  script: readonly Step[],
  use: (client: OpenAI, llm: Awaited<ReturnType<typeof startLlmServer>>) => Promise<void>,
) {
  await using llm = await startLlmServer(script);
  await using app = await startApp({ llm: llm.url, mcpServers });
  await using door = await openDoor(app);
  await use(sdk(door), llm);
}

async function collected<Event>(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe("a response", () => {
  const both = toolCalls([
    { name: "s__echo", arguments: { n: 1 } },
    { name: "nobody__knows", arguments: {} },
  ]);

  test("shows the servers' calls as mcp_call items, and their failures", () =>
    withDoor([both, answer("done")], async (client) => {
      const response = await client.responses.create({ input: "hi" });
      expect(response).toMatchObject({ status: "completed", model: "test/m1", output_text: "done" });
      expect(response.output).toMatchObject([
        { type: "mcp_call", server_label: "s", name: "echo", arguments: '{"n":1}', output: '{"n":1}', error: null },
        { type: "mcp_call", name: "nobody__knows", output: null, error: expect.stringContaining("nobody__knows") },
        { type: "message", content: [{ type: "output_text", text: "done" }] },
      ]);
      expect(response.usage).toMatchObject({ total_tokens: 15, turn: { total_tokens: 30 } });
      expect(await client.responses.retrieve(response.id)).toMatchObject({
        id: response.id,
        output: response.output,
        status: "completed",
      });
    }));

  test("shows a picture that a tool returned by its type", async () => {
    const snap = { name: "snap", description: "", inputSchema: { type: "object" } };
    await using llm = await startLlmServer([toolCalls([{ name: "s__snap", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ pages: [[snap]] }) } });
    await using door = await openDoor(app);
    const { output } = await sdk(door).responses.create({ input: "hi" });
    expect(output[0]).toMatchObject({ type: "mcp_call", output: "[image, image/png]" });
  });

  test("has no calls of the servers for the AI SDK 5, but the model still gets them with the next message", async () => {
    await using llm = await startLlmServer([sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url, mcpServers });
    await using door = await openDoor(app);
    const agent = "ai/5.0.277 ai-sdk/provider-utils/3.0.40 runtime/node.js/20";
    const client = sdk(door, { defaultHeaders: { "User-Agent": agent } });
    const { output } = await client.responses.create({ input: "hi" });
    expect(output.map(({ type }) => type)).toEqual(["message", "message"]);
    const input = [...output, { role: "user", content: "hi" }] as OpenAI.Responses.ResponseInput;
    await client.responses.create({ input });
    expect(told(llm)).toEqual(["system", "assistant s__echo", 'tool {"n":1}', "assistant", "user"]);
  });

  test("is streamed as events from which the SDK makes the same", () =>
    withDoor([sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two")], async (client) => {
      const stream = client.responses.stream({ input: "hi" });
      const types: string[] = [];
      const numbers: number[] = [];
      for await (const event of stream) {
        types.push(event.type);
        numbers.push(event.sequence_number);
      }
      expect(numbers).toEqual(numbers.map((_, index) => index));
      const message = [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
      ];
      expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
        "response.created",
        "response.in_progress",
        ...message,
        "response.output_item.added",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.completed",
        "response.output_item.done",
        ...message,
        "response.completed",
      ]);
      const response = await stream.finalResponse();
      expect(response.output.map(({ type }) => type)).toEqual(["message", "mcp_call", "message"]);
      expect(response.output_text).toBe("Let me see.one two");
    }));

  test("continues the one before it; with an older one in a copy that ends there", () =>
    withDoor([answer("two"), answer("four"), answer("five")], async (client, llm) => {
      const input = [
        { role: "user" as const, content: "zero" },
        { role: "assistant" as const, content: "nothing" },
        { role: "user" as const, content: "one" },
      ];
      const first = await client.responses.create({ input, instructions: "Count." });
      const second = await client.responses.create({ input: "three", previous_response_id: first.id });
      expect(second).toMatchObject({ output_text: "four", previous_response_id: first.id });
      const again = { input: "3", previous_response_id: first.id };
      const headers = { "X-Request-Id": "r1" };
      const third = await client.responses.create(again, { headers });
      expect(await client.responses.create(again, { headers })).toMatchObject({ id: third.id, output_text: "five" });
      expect(llm.requests.map(({ body }) => body.messages?.map(({ content }) => content))).toEqual([
        ["Count.", "zero", "nothing", "one"],
        [expect.any(String), "zero", "nothing", "one", "two", "three"],
        [expect.any(String), "zero", "nothing", "one", "two", "3"],
      ]);
      const nul = `resp_${Buffer.from(JSON.stringify(["a\0", "b"])).toString("base64url")}`;
      for (const unknown of ["resp_1", nul]) {
        const input = { input: "x", previous_response_id: unknown };
        await expect(client.responses.create(input)).rejects.toMatchObject({
          status: 404,
          code: "previous_response_not_found",
        });
      }
    }));

  test("is continued by several calls at once, each without the others, and once by the same call", async () => {
    await using llm = await startLlmServer(["one", "two", "three", "four"].map((text) => answer(text)));
    await using app = await startApp({ llm: llm.url });
    const read = app.sessions.history.bind(app.sessions);
    // Both calls read the conversation before one of them is stored, as calls on a database or on several hosts do.
    const meet = () => {
      let readers = 0;
      let go = () => {};
      const all = new Promise<void>((resolve) => {
        go = resolve;
      });
      app.sessions.history = async (...of) => {
        const events = await read(...of);
        if (++readers === 2) go();
        await all;
        return events;
      };
    };
    await using door = await openDoor(app);
    const client = sdk(door);
    const { id } = await client.responses.create({ input: "first" });
    meet();
    await Promise.all(["b", "c"].map((input) => client.responses.create({ input, previous_response_id: id })));
    const said = llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
    expect(said.slice(1).sort()).toEqual([
      ["first", "one", "b"],
      ["first", "one", "c"],
    ]);
    meet();
    const repeated = () =>
      client.responses.create({ input: "d", previous_response_id: id }, { headers: { "Idempotency-Key": "k" } });
    const [one, other] = await Promise.all([repeated(), repeated()]);
    expect(one).toMatchObject({ id: other.id, output_text: "four" });
  });

  test("can be continued by one call while it is being written; others are refused until it has ended", async () => {
    let release = () => {};
    const gate = new Promise<void>((open) => {
      release = open;
    });
    const late: Step = (response, request) => void gate.then(() => answer("two")(response, request));
    await using llm = await startLlmServer([answer("one"), late, answer("three"), answer("four")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const client = sdk(door);
    const { data: first, response } = await client.responses.create({ input: "a" }).withResponse();
    const conversation = response.headers.get("x-conversation-id") ?? "";
    const written = client.responses.stream({ input: "b", previous_response_id: first.id });
    const created = (await written[Symbol.asyncIterator]().next()).value;
    const { id } = (created as OpenAI.Responses.ResponseCreatedEvent).response;
    const ask = (input: string) => client.responses.create({ input, previous_response_id: id });
    const waiting = ask("c");
    const requests = async () =>
      (await app.sessions.history(conversation)).filter(({ type }) => type === "user_message");
    while ((await requests()).length < 3) await new Promise(setImmediate);
    await expect(ask("d")).rejects.toMatchObject({ status: 409, code: "busy" });
    release();
    expect(await waiting).toMatchObject({ output_text: "three" });
    expect(await ask("d")).toMatchObject({ output_text: "four" });
    const said = llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
    expect(said.slice(2)).toEqual([
      ["a", "one", "b", "two", "c"],
      ["a", "one", "b", "two", "d"],
    ]);
  });

  test("cannot be continued if its turn was taken back", async () => {
    await using llm = await startLlmServer(["one", "two", "three"].map((text) => answer(text)));
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const client = sdk(door);
    const { id } = await client.responses.create({ input: "a" });
    const { data, response } = await client.responses.create({ input: "b", previous_response_id: id }).withResponse();
    const conversation = response.headers.get("x-conversation-id") ?? "";
    await app.sessions.conversations.rewind(conversation, { turns: 1 });
    const message = expect.stringContaining("taken back");
    const refused = { status: 404, code: "previous_response_not_found", message };
    const again = () => client.responses.create({ input: "c", previous_response_id: data.id });
    await expect(again()).rejects.toMatchObject(refused);
    await client.responses.create({ input: "d", previous_response_id: id });
    await expect(again()).rejects.toMatchObject(refused);
  });

  test("is continued in a copy with the results of the caller's functions, too", () =>
    withDoor([sayAndCall("See:", "weather", {}), answer("cold"), answer("warm")], async (client, llm) => {
      const { id, output } = await client.responses.create({ input: "Oslo?", tools: [tool] });
      const call = output.find((item) => item.type === "function_call");
      const answered = async (degrees: string, headers = {}) => {
        const result = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: degrees };
        return client.responses.create({ input: [result], previous_response_id: id, tools: [tool] }, { headers });
      };
      const headers = { "Idempotency-Key": "k" };
      expect(await answered("-3", headers)).toMatchObject({ output_text: "cold" });
      expect(await answered("-3", headers)).toMatchObject({ output_text: "cold" });
      expect(await answered("20")).toMatchObject({ output_text: "warm" });
      expect(told(llm)).toEqual(["system", "user", "assistant weather", "tool 20"]);
    }));

  test("contains calls of the caller's functions, and takes their results with the whole input", () =>
    withDoor(
      [
        toolCalls([
          { name: "weather", arguments: {} },
          { name: "weather", arguments: {}, id: "call_b" },
        ]),
        answer("cold"),
      ],
      async (client, llm) => {
        const { output } = await client.responses.create({ input: "Oslo?", tools: [tool] });
        expect(output.map(({ type }) => type)).toEqual(["function_call", "function_call"]);
        const calls = output.filter((item) => item.type === "function_call");
        const response = await client.responses.create({
          tools: [tool],
          input: [
            { role: "user", content: "Oslo?" },
            ...calls,
            ...calls.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "-4" })),
          ],
        });
        expect(response.output_text).toBe("cold");
        expect(told(llm)).toEqual(["system", "user", "assistant weather weather", "tool -4", "tool -4"]);
      },
    ));

  test("is streamed item by item: each added empty, told in deltas, done as it is in the end", () =>
    withDoor(
      [
        sayAndCall("Let me see.", "s__echo", { n: 1 }),
        toolCalls([
          { name: "weather", arguments: { at: "Oslo" }, id: "call_a" },
          { name: "nobody__knows", arguments: { n: 2 }, id: "call_b" },
          { name: "weather", arguments: { at: "Rome" }, id: "call_c" },
        ]),
      ],
      async (client) => {
        const events = await collected(await client.responses.create({ input: "hi", tools: [tool], stream: true }));
        expect(checkStream(events)).toMatchObject([
          { type: "message", status: "completed" },
          { type: "mcp_call", name: "echo", status: "completed", output: '{"n":1}' },
          { type: "function_call", arguments: '{"at":"Oslo"}' },
          { type: "function_call", arguments: '{"at":"Rome"}' },
          { type: "mcp_call", status: "failed" },
        ]);
      },
    ));

  test("ends as cancelled, with its last message incomplete, if it was cancelled elsewhere", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "half" }), stall])]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const response = await post(`${door.url}/v1/responses`, { input: "hi", stream: true });
    await post(`${door.url}/api/sessions/${response.headers.get("x-conversation-id")}/cancel`, {});
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
    const events = lines.map((line) => JSON.parse(line.slice(6)) as OpenAI.Responses.ResponseStreamEvent);
    expect(checkStream(events)).toMatchObject([{ type: "message", status: "incomplete" }]);
    expect(events.at(-1)).toMatchObject({ type: "response.failed", response: { status: "cancelled" } });
  });
});
