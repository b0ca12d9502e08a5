/**
 * Clients that send their history, with providers that want their reasoning back, refuse changed messages, and bill tokens that they had
 * cached.
 */
import { describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  calls,
  type StrictMock,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../support/strict/index.js";
import { ask } from "./anthropic.js";
import { openDoor, sdk } from "./door.js";

const vendors = [
  { vendor: "anthropic", wire: "messages", model: "claude-opus-5-5", start: startAnthropic },
  { vendor: "openai", wire: "responses", model: "gpt-5.6-sol", start: startOpenAi },
  { vendor: "gemini", wire: "gemini", model: "gemini-3.5-pro", start: startGemini },
] as const;

/**
 * Answers of the model: it calls a server's tool, then also the caller's tool, then answers. The second turn calls only a server's tool.
 */
const script = [
  answer(thinks("first"), calls("s__echo", { n: 1 })),
  answer(thinks("second"), calls("s__echo", { n: 2 }), calls("weather", { city: "Oslo" })),
  answer(thinks("third"), says("Cold.")),
  answer(thinks("fourth"), calls("s__echo", { n: 3 })),
  answer(thinks("fifth"), says("Done.")),
];

type Door = Awaited<ReturnType<typeof openDoor>>;
const description = "of a city";
const parameters = { type: "object", properties: { city: { type: "string" } } };

/** Clients that send two prompts, each with the history so far. The caller's tool returns -4. */
const clients: Record<string, (door: Door) => Promise<void>> = {
  async messages(door) {
    const tools = [{ name: "weather", description, input_schema: parameters }];
    const messages: object[] = [];
    for (const content of ["Oslo?", "And now?"]) {
      messages.push({ role: "user", content });
      for (;;) {
        const { message } = await ask(door, { messages, tools, stream: true, thinking: { type: "adaptive" } });
        messages.push({ role: "assistant", content: message.content });
        if (message.stop_reason !== "tool_use") break;
        const asked = message.content.filter(({ type }) => type === "tool_use");
        const results = asked.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "-4" }));
        messages.push({ role: "user", content: results });
      }
    }
  },
  async responses(door) {
    const tools = [{ type: "function" as const, name: "weather", description, parameters, strict: false }];
    const input: OpenAI.Responses.ResponseInput = [];
    for (const content of ["Oslo?", "And now?"]) {
      input.push({ role: "user", content });
      for (;;) {
        const { output } = await sdk(door).responses.create({ input, tools, store: false });
        input.push(...(output as OpenAI.Responses.ResponseInputItem[]));
        const asked = output.filter((item) => item.type === "function_call");
        if (asked.length === 0) break;
        input.push(...asked.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "-4" })));
      }
    }
  },
};

/** Sends the same two prompts, but refers to earlier messages by the id of the last response. */
clients["responses, by previous_response_id"] = async (door) => {
  const tools = [{ type: "function" as const, name: "weather", description, parameters, strict: false }];
  let previous_response_id: string | undefined;
  for (const content of ["Oslo?", "And now?"]) {
    let input: OpenAI.Responses.ResponseInput = [{ role: "user", content }];
    while (input.length > 0) {
      const { id, output } = await sdk(door).responses.create({ input, tools, previous_response_id });
      previous_response_id = id;
      const asked = output.filter((item) => item.type === "function_call");
      input = asked.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "-4" }));
    }
  }
};

describe.each(vendors)("over $vendor", ({ vendor, wire, model, start }) => {
  test.each(Object.keys(clients))("a client of /v1/%s loses no reasoning and no cache", async (client) => {
    await using mock: StrictMock = await start(script);
    await using app = await startApp({
      llm: mock.url,
      mcpServers: { s: fixtureServer() },
      config: {
        llm: {
          active: vendor,
          providers: { [vendor]: { base_url: mock.url, wire, model, api_key: "sk-test-0123456789" } },
        },
        chat: { service: { approval: "auto", system_prompt: "Be brief. ".repeat(500) } },
      },
    });
    await app.ready();
    await using door = await openDoor(app);
    await clients[client]?.(door);
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.map(({ lostReasoning }) => lostReasoning)).toEqual(script.map(() => []));
    expect(mock.bill({ input: 1, output: 1 }).prefixBroken).toEqual([]);
  });
});
