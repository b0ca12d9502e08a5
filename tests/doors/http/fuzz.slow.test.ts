import { describe, expect, test } from "@jest/globals";
import { parseMessage } from "../../../src/doors/protocol/incoming.js";
import { startApp } from "../../support/app.js";
import { inputsPerDoor, mutated, randomFrom } from "../../support/fuzz.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { until } from "../../support/mcp-hub.js";
import { openDoor, post, sdk } from "./door.js";
import { connect } from "./socket.js";

const seed = 20261125;
const secret = "the vault's number is 48151623";

const bodies: readonly [path: string, body: object][] = [
  [
    "/v1/chat/completions",
    {
      model: "mcp-platform",
      messages: [
        { role: "system", content: "s" },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", type: "function", function: { name: "t", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "1", content: "x" },
      ],
      stream: true,
      tools: [{ type: "function", function: { name: "t", parameters: {} } }],
      temperature: 1,
      max_tokens: 5,
    },
  ],
  [
    "/v1/responses",
    {
      input: [{ role: "user", content: [{ type: "input_text", text: "hi" }] }],
      tools: [{ type: "function", name: "t" }],
    },
  ],
  ["/v1/responses", { input: "hi", previous_response_id: "resp_WyJjIiwidCJd", instructions: "i", stream: false }],
  [
    "/v1/messages",
    {
      system: [{ type: "text", text: "s" }],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "think_WyJjIiwidCJd_0" },
            { type: "mcp_tool_use", id: "m", name: "n", server_name: "s", input: {} },
            { type: "mcp_tool_result", tool_use_id: "m", content: [{ type: "text", text: "x" }] },
            { type: "tool_use", id: "1", name: "t", input: {} },
          ],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "1", content: [{ type: "tool_reference", tool_name: "t" }] }],
        },
      ],
      stream: true,
      stop_sequences: ["x"],
      tools: [{ name: "t", input_schema: {}, defer_loading: true }],
      tool_choice: { type: "auto" },
    },
  ],
  [
    "/v1/messages/count_tokens",
    { messages: [{ role: "system", content: [{ type: "tool_addition", tool: { name: "t" } }] }] },
  ],
  ["/api/sessions/c-fuzz/turns", { request_id: "r", text: "hi", streaming: true }],
  ["/api/sessions/c-fuzz/answer", { question_id: "q", value: { allow: true } }],
  ["/api/sessions/c-fuzz/cancel", { request_id: "r" }],
];

const frames: readonly object[] = [
  { action: "chat", request_id: "r", conversation_id: "c-fuzz", payload: { text: "hi", streaming: true, model: "m" } },
  { action: "answer", request_id: "r", payload: { question_id: "q", value: true } },
  { action: "history", request_id: "r", conversation_id: "c-fuzz", payload: { from: 1 } },
  { action: "cancel", request_id: "r" },
];

/** Long, because a busy machine has the same work to do. */
const longestMs = 900_000;

describe("hostile inputs", () => {
  test(
    `sent as ${inputsPerDoor} bodies: each gets one answer, of which no error has another shape, and no text of another conversation`,
    async () => {
      await using llm = await startLlmServer(() => answer("ok"));
      await using app = await startApp({ llm: llm.url });
      await using door = await openDoor(app, { requestsPerMinute: 10_000_000 });
      await sdk(door).chat.completions.create(
        { model: "m1", messages: [{ role: "user", content: secret }] },
        { headers: { "x-conversation-id": "c-secret" } },
      );
      const random = randomFrom(seed);
      const odder = Array.from({ length: inputsPerDoor }, (_, index) => {
        const [path, body] = bodies[index % bodies.length] ?? ["", {}];
        return { path, text: mutated(body, random) };
      });
      const statuses = new Map<number, number>();
      const wrong: object[] = [];
      const work = async () => {
        for (let next = odder.pop(); next; next = odder.pop()) {
          const response = await post(`${door.url}${next.path}`, next.text);
          const text = await response.text();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          const isError = response.status >= 400;
          const shape = isError ? JSON.parse(text) : {};
          if (text.includes(secret) || response.status === 500 || (isError && !shape.error?.message))
            wrong.push({ ...next, text });
        }
      };
      await Promise.all(Array.from({ length: 16 }, work));
      expect(wrong.slice(0, 3)).toEqual([]);
      expect(statuses.get(400)).toBeGreaterThan(0.4 * inputsPerDoor);
      expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
    },
    longestMs,
  );

  test(
    `sent as ${inputsPerDoor} frames: each invalid message gets one error, and the socket stays open`,
    async () => {
      await using llm = await startLlmServer(() => answer("ok"));
      await using app = await startApp({ llm: llm.url });
      await using door = await openDoor(app, { requestsPerMinute: 10_000_000 });
      await using socket = await connect(door);
      const random = randomFrom(seed + 1);
      const odder = Array.from({ length: 3 * inputsPerDoor }, (_, index) =>
        mutated(frames[index % frames.length], random),
      )
        .filter((text) => "problem" in parseMessage(text))
        .slice(0, inputsPerDoor);
      expect(odder).toHaveLength(inputsPerDoor);
      for (const text of odder) socket.send(text);
      socket.send({ action: "ping", request_id: "end" });
      await until(() => socket.messages.length > inputsPerDoor);
      const kinds = new Set(socket.messages.map(({ status, chunk: { kind } }) => `${status} ${kind}`));
      expect([...kinds].sort()).toEqual(["complete undefined", "error bad_message"]);
      expect(socket.messages).toHaveLength(inputsPerDoor + 1);
    },
    longestMs,
  );
});
