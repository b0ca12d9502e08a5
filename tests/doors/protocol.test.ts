import { describe, expect, test } from "@jest/globals";
import type { ChatEvent, StoredEvent, TurnEvent } from "../../src/core/events.js";
import { errorMessage, historyMessages, TurnEncoder, type WireMessage } from "../../src/doors/protocol/protocol.js";
import { readMessage } from "../support/wire-messages.js";

const turnId = "t1";
const message = (content: string, more: object = {}): ChatEvent => ({
  type: "assistant_message",
  turnId,
  message: { role: "assistant", content, toolCalls: [], ...more },
  finishReason: "stop",
  provider: "p",
  model: "m-2026",
  attempts: 1,
  usage: { inputTokens: 10, outputTokens: 5 },
});
const call = { id: "call_1", name: "demo__add", arguments: '{"a":2}' };
const user: ChatEvent = { type: "user_message", turnId, requestId: "r1", content: [{ type: "text", text: "hi" }] };
const toolHop: ChatEvent[] = [
  { ...message("", { toolCalls: [call] }) } as ChatEvent,
  { type: "tool_call", turnId, call },
  { type: "tool_sent", turnId, callId: "call_1" },
  {
    type: "tool_result",
    turnId,
    callId: "call_1",
    name: "demo__add",
    isError: false,
    content: [
      { type: "text", text: "42" },
      { type: "image", data: "aGk=", mimeType: "image/png" },
    ],
  },
];
const end: ChatEvent = { type: "turn_end", turnId, stopReason: "end_turn" };
const delta = (text: string): TurnEvent => ({ type: "text_delta", delta: text });

function stored(events: readonly (ChatEvent | TurnEvent)[]): TurnEvent[] {
  let seq = 0;
  return events.map((event) => ("turnId" in event ? ({ ...event, seq: ++seq, at: 1000 + seq } as StoredEvent) : event));
}

function encoded(events: readonly (ChatEvent | TurnEvent)[], cached = false) {
  const model = { provider: "p", model: "m" };
  const encoder = new TurnEncoder({ requestId: "r1", conversationId: "c1", turnId, cached, model });
  const messages = [encoder.start(), ...stored(events).flatMap((event) => encoder.encode(event))];
  for (const sent of messages) readMessage(JSON.stringify(sent));
  return messages;
}

/** Formats each message as `seq status type data`. */
const brief = (messages: ReturnType<typeof encoded>) =>
  messages.map(({ seq, status, chunk }) => {
    const { type, data } = chunk as { type?: string; data?: unknown };
    return [seq, status, type, type === undefined ? undefined : JSON.stringify(data)]
      .filter((part) => part !== undefined)
      .join(" ");
  });

describe("a turn on the wire", () => {
  test("begins with the model that will answer", () => {
    expect(encoded([])).toEqual([
      {
        request_id: "r1",
        status: "processing",
        chunk: { metadata: { conversation_id: "c1", provider_info: { provider: "p", model: "m" } } },
      },
    ]);
  });

  test("if streamed, shows its text once, and every stored event with its number", () => {
    expect(brief(encoded([user, delta("Hel"), delta("lo"), message("Hello"), end]))).toEqual([
      "processing",
      'chunk text "Hel"',
      'chunk text "lo"',
      '2 chunk usage {"input_tokens":10,"output_tokens":5}',
      '3 complete turn_end "Hello"',
    ]);
  });

  test("if not streamed, shows its text as one chunk", () => {
    const events = [user, message("Hello", { reasoning: "hm" }), end];
    expect(brief(encoded(events))).toEqual([
      "processing",
      '2 chunk reasoning "hm"',
      '2 chunk text "Hello"',
      '2 chunk usage {"input_tokens":10,"output_tokens":5}',
      '3 complete turn_end "Hello"',
    ]);
  });

  test("has its tool calls, progress and results, and the texts of all hops at its end", () => {
    const progress: TurnEvent = { type: "tool_progress", callId: "call_1", progress: 1, total: 2, message: "half" };
    const [hop, planned, sent, result] = toolHop as [ChatEvent, ChatEvent, ChatEvent, ChatEvent];
    const events = [
      user,
      message("I add.", { toolCalls: [call] }),
      planned,
      sent,
      progress,
      result,
      message("42"),
      end,
    ];
    expect(hop.type).toBe("assistant_message");
    expect(brief(encoded(events)).filter((line) => !line.includes("usage"))).toEqual([
      "processing",
      '2 chunk text "I add."',
      '3 chunk tool_call {"id":"call_1","name":"demo__add","arguments":"{\\"a\\":2}"}',
      'chunk tool_progress {"id":"call_1","progress":1,"total":2,"message":"half"}',
      '5 chunk tool_result {"id":"call_1","name":"demo__add","is_error":false,"content":[{"type":"text","text":"42"},{"type":"image","data":"aGk=","mime_type":"image/png"}]}',
      '6 chunk text "42"',
      '7 complete turn_end "I add.\\n\\n42"',
    ]);
  });

  test("shows the text of an answer that was started again", () => {
    const events = [user, delta("Hel"), { type: "discard", reason: "cut" } as const, message("Hello"), end];
    expect(brief(encoded(events)).slice(1, 4)).toEqual([
      'chunk text "Hel"',
      'chunk discard {"reason":"cut"}',
      '2 chunk text "Hello"',
    ]);
  });

  test("says when a server changes its state", () => {
    const lost: TurnEvent = { type: "server_status", server: "fs", state: "starting", reason: "it was lost" };
    expect(brief(encoded([user, lost])).at(-1)).toBe(
      'chunk server_status {"server":"fs","state":"starting","reason":"it was lost"}',
    );
  });

  test("asks its questions", () => {
    const question: ChatEvent = {
      type: "question",
      turnId,
      questionId: "q1",
      question: { kind: "approval", call, server: "demo", tool: "add", reason: "why" },
    };
    expect(encoded([question])[1]).toEqual({
      request_id: "r1",
      seq: 1,
      status: "chunk",
      chunk: {
        type: "question",
        data: {
          question_id: "q1",
          kind: "approval",
          call_id: call.id,
          tool: "add",
          server: "demo",
          arguments: call.arguments,
          reason: "why",
        },
      },
    });
  });

  test("ends with its cost and its model", () => {
    expect(encoded([user, ...toolHop, message("42"), end], true).at(-1)).toMatchObject({
      chunk: {
        metadata: {
          stop_reason: "end_turn",
          usage: { input_tokens: 20, output_tokens: 10 },
          model: "m-2026",
          provider: "p",
          cached: true,
          conversation_id: "c1",
          turn_id: "t1",
        },
      },
    });
  });

  test("ends with its error if it fails", () => {
    const error = { kind: "rate_limit", message: "busy", retryable: true, hint: "wait" };
    expect(encoded([user, { type: "turn_error", turnId, error }]).at(-1)).toEqual({
      request_id: "r1",
      seq: 2,
      status: "error",
      chunk: { error: "busy", kind: "rate_limit", retryable: true, hint: "wait" },
    });
  });

  test("has no usage if the provider reported none", () => {
    const { usage, ...silent } = message("x") as Extract<ChatEvent, { type: "assistant_message" }>;
    expect(usage).toBeDefined();
    expect(brief(encoded([silent]))).toContain("1 chunk usage null");
  });
});

describe("the history on the wire", () => {
  const events = stored([user, ...toolHop, message("42"), end]) as StoredEvent[];
  const request = { requestId: null, conversationId: "c1", from: 1 };
  const all = async (pages: AsyncIterable<WireMessage[]>) => {
    const messages: WireMessage[] = [];
    for await (const page of pages) messages.push(...page);
    return messages;
  };

  test("has every event, each with its number, and the last number at its end", async () => {
    const messages = await all(historyMessages([events.slice(0, 3), events.slice(3)], request));
    expect([...new Set(messages.map(({ seq }) => seq))]).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(messages[0]).toEqual({
      request_id: null,
      seq: 1,
      status: "chunk",
      chunk: { type: "user_message", data: "hi", metadata: { request_id: "r1", turn_id: "t1", at: 1001 } },
    });
    expect(messages.at(-1)).toEqual({
      request_id: null,
      seq: 7,
      status: "complete",
      chunk: { type: "history_end", data: 7, metadata: { conversation_id: "c1", last_seq: 7 } },
    });
  });

  test("says where a conversation was copied from, and which turns were taken back", async () => {
    const marks = stored([
      { type: "fork", turnId: "fork_1", origins: ["c0"], toSeq: 9 },
      { type: "rewind", turnId: "rewind_1", toSeq: 1 },
    ]) as StoredEvent[];
    expect((await all(historyMessages([marks], request))).slice(0, 2)).toMatchObject([
      { seq: 1, chunk: { type: "fork", data: { origins: ["c0"], to_seq: 9 } } },
      { seq: 2, chunk: { type: "rewind", data: { to_seq: 1 } } },
    ]);
  });

  test("ends at the client's number if there are no newer events", async () => {
    expect(await all(historyMessages([], { ...request, from: 8 }))).toMatchObject([
      { seq: 7, chunk: { type: "history_end" } },
    ]);
  });
});

test("an error line that answers another message than chat says so", () => {
  const error = { kind: "nothing_to_do", message: "no", retryable: false, hint: "" };
  expect(errorMessage("r1", error, "cancel")).toMatchObject({ status: "error", chunk: { action: "cancel" } });
});
