import { expect, test } from "@jest/globals";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import {
  answer,
  calls,
  type Script,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../../support/strict/index.js";
import { clientOf } from "../../client-of.js";
import { resultsOf, user } from "../messages/loop.js";

const tools: CompletionRequest["tools"] = [
  { name: "read", description: "Reads", inputSchema: { type: "object", properties: {} } },
];
const system = (content: string): Message => ({ role: "system", content });

/** Fable and Opus bind their thinking to the system prompt: they refuse the thinking if the prompt changes. */
test.each([
  { wire: "chat", model: "gpt-4.1", start: startOpenAi },
  { wire: "responses", model: "gpt-5.6-sol", start: startOpenAi },
  { wire: "messages", model: "claude-opus-5-5", start: startAnthropic },
  { wire: "messages", model: "claude-haiku-4-5", start: startAnthropic },
  { wire: "gemini", model: "gemini-3.5-pro", start: startGemini },
] as const)(
  "over $wire, $model: a system message in the middle stays there, and the cached beginning is as it was",
  async ({ wire, model, start }) => {
    const script: Script = [
      answer(thinks("a"), calls("read", { n: 1 }), calls("read", { n: 2 })),
      answer(thinks("b"), calls("read", { n: 3 })),
      answer(thinks("c"), "so far"),
      answer("done"),
    ];
    await using mock = await start(script);
    await using client = clientOf(mock, { maxRetries: 0 }, { wire, model });
    const messages: Message[] = [system("You read. ".repeat(3000)), user("go")];
    const ask = async () => {
      const { message } = await client.ask({ streaming: true }, { messages: [...messages], tools });
      messages.push(message, ...resultsOf(message, (text) => text));
    };
    await ask();
    messages.push(system("Keep it short."));
    await ask();
    await ask();
    messages.push(user("And?"), system("Now in French."));
    await ask();
    expect(mock.refusals).toEqual([]);
    const { prefixBroken } = mock.bill({ input: 1, output: 1 });
    expect(prefixBroken).toEqual([]);
    const last = mock.requests.at(-1)?.text ?? "";
    const places = ["You read.", "Keep it short.", "so far", "And?", "Now in French."].map((words) =>
      last.indexOf(words),
    );
    expect(places).not.toContain(-1);
    // Responses and Gemini put the first system message into a field of its own.
    expect(places.slice(1)).toEqual(places.slice(1).toSorted((a, b) => a - b));
  },
);
