import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Message } from "../../../src/core/messages.js";
import { wires } from "../../support/every-wire.js";
import { failure, json, type LlmServer, type Step, startLlmServer } from "../../support/llm-server.js";
import { wholeAnswer } from "../../support/whole-answer.js";
import { clientOf } from "../client-of.js";

/** A gateway may refuse the kept parts of earlier answers (signed reasoning, ids) in any words. The conversation then continues without them. */

let respond: (body: string) => Step;
let server: LlmServer;
beforeAll(async () => {
  server = await startLlmServer(({ text }) => respond(text));
});
afterAll(async () => server[Symbol.asyncDispose]());

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const tools = [{ name: "f", description: "", inputSchema: { type: "object", properties: { n: { type: "number" } } } }];
const note =
  "test: the signed reasoning and the ids of earlier answers are refused; leaving them out of this conversation from now on";
const error = (message: string, fields: object = {}) => ({ error: { message, ...fields } });

const refusals: [string, object, number?][] = [
  ["nothing", {}],
  ["a nested error", error(JSON.stringify({ type: "error", error: { message: "upstream said no" } }))],
  [
    "a field that is missing",
    { detail: [{ loc: ["body", "messages", 1, "thinking", "signature"], msg: "Field required", type: "missing" }] },
  ],
  [
    "an id that is not theirs",
    error("Invalid 'input[1].id': 'x'. Expected an ID that begins with 'rs'.", { param: "input[1].id" }),
  ],
  [
    "an item that is there twice",
    error("Duplicate item found with id rs_1. Remove duplicate items from your input and try again."),
  ],
  [
    "an item that is not stored",
    error("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."),
    404,
  ],
  [
    "content of another account",
    error("The encrypted content for item rs_1 could not be verified.", { code: "invalid_encrypted_content" }),
  ],
  [
    "an item without its partner",
    error("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
  ],
  ["an item without a content", error("item['content'] is not an array")],
  ["a signature", error("messages.1.content.0: Invalid `signature` in `thinking` block")],
  [
    "a changed thought",
    error(
      "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
    ),
  ],
  ["a thought signature", error("Thought signature is not valid. Please ensure it was created for this model.")],
  ["a broken signature", error('Base64 decoding failed for "AAAA"', { status: "INVALID_ARGUMENT" })],
];

describe.each(wires)("over $name", ({ name, wire, model }) => {
  /** Begins a conversation whose answer has signed reasoning. Returns it with the call's result. */
  async function begun(client: ReturnType<typeof clientOf>): Promise<Message[]> {
    respond = () => json(wholeAnswer[wire]([["a", 1]]));
    const { message } = await client.ask({ streaming: false }, { messages: [user("go")], tools });
    if (!message.kept) throw new Error("nothing is kept");
    return [user("go"), message, { role: "tool", toolCallId: "a", content: [], isError: false }];
  }
  const learnt = ({ observed }: ReturnType<typeof clientOf>) =>
    observed.filter(({ level }) => level !== "debug").map(({ message }) => message);
  const isSigned = (body: string) => /SEALED|rs_1/.test(body);

  test.each(name === "responses" ? refusals : refusals.filter(([, , status]) => status === undefined))(
    "the conversation continues without kept parts that are refused with %s",
    async (_words, body, status = 400) => {
      await using tested = clientOf(server, { maxRetries: 0 }, { wire, model });
      const messages = await begun(tested);
      respond = (text) => (isSigned(text) ? failure(status, { body }) : json(wholeAnswer[wire]([["b", 2]])));
      const before = server.requests.length;
      const { message } = await tested.ask({ streaming: false }, { messages, tools });
      expect(message.toolCalls).toMatchObject([{ id: "b" }]);
      respond = () => json(wholeAnswer[wire]([["c", 3]]));
      await tested.ask({ streaming: false }, { messages, tools });
      expect(server.requests.slice(before).map(({ text }) => isSigned(text))).toEqual([true, false, false]);
      expect(learnt(tested)).toEqual([note]);
    },
  );

  test("kept parts that were left out in vain are sent again with the next request", async () => {
    await using tested = clientOf(server, { maxRetries: 0 }, { wire, model });
    const messages = await begun(tested);
    respond = () => failure(400, { body: error("something is wrong") });
    const before = server.requests.length;
    for (const _ of [1, 2])
      expect(await tested.fails({ streaming: false }, { messages, tools })).toMatchObject({ kind: "bad_request" });
    expect(server.requests.slice(before).map(({ text }) => isSigned(text))).toEqual([true, false, true, false]);
    expect(learnt(tested)).toEqual([]);
  });

  test("a request that exceeds the window is sent once, with all kept parts", async () => {
    await using tested = clientOf(server, { maxRetries: 0 }, { wire, model });
    const messages = await begun(tested);
    respond = () => failure(400, { body: error("prompt is too long: 300000 tokens > 200000 maximum") });
    const before = server.requests.length;
    expect(await tested.fails({ streaming: false }, { messages, tools })).toMatchObject({ kind: "context_length" });
    expect(server.requests.length).toBe(before + 1);
  });
});
