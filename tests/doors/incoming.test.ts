import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseMessage } from "../../src/doors/protocol/incoming.js";

const parse = (message: unknown) => parseMessage(JSON.stringify(message));

describe("a client's message", () => {
  test("chat carries its text and the form of its answer", () => {
    const payload = { text: "hi", streaming: true, model: "m", interrupt: true };
    expect(parse({ action: "chat", request_id: "r1", conversation_id: "c1", payload })).toEqual({
      action: "chat",
      requestId: "r1",
      conversationId: "c1",
      text: "hi",
      streaming: true,
      interrupt: true,
      model: "m",
    });
  });

  test("answer carries any value", () => {
    for (const value of [true, false, null, { allow: true, remember: "session" }]) {
      const payload = { question_id: "q1", value };
      expect(parse({ action: "answer", request_id: "r1", payload })).toMatchObject({ questionId: "q1", value });
    }
  });

  test.each(["cancel", "clear_session", "ping"])("%s needs no payload", (action) => {
    expect(parse({ action, request_id: "r1" })).toMatchObject({ action, requestId: "r1" });
  });

  test("history needs no request id, and starts at the first event unless told", () => {
    expect(parse({ action: "history", conversation_id: "c1" })).toMatchObject({ conversationId: "c1", from: 1 });
    expect(parse({ action: "history", payload: { from: 17 } })).toMatchObject({ from: 17 });
  });

  test("may hold fields that this version does not know", () => {
    expect(parse({ action: "ping", request_id: "r1", shiny: 1 })).toMatchObject({ action: "ping" });
  });
});

describe("an error about an invalid line says why", () => {
  test.each([
    ["{", /^not JSON: /],
    ["[]", "a message must be a JSON object"],
    ["null", "a message must be a JSON object"],
    ['{"request_id":"r1"}', /^"action" is missing; use chat, /],
    ['{"action":"dance","request_id":"r1"}', /^unknown action "dance"; use chat, /],
    ['{"action":"constructor","request_id":"r1"}', /^unknown action/],
    ['{"action":"chat","payload":{"text":"hi"}}', '"request_id" is missing'],
    ['{"action":"chat","request_id":7,"payload":{"text":"hi"}}', '"request_id" must be a non-empty string'],
    ['{"action":"chat","request_id":"r1"}', '"payload" must have either "text" or "content"'],
    ['{"action":"chat","request_id":"r1","payload":"hi"}', '"payload" must be an object'],
    ['{"action":"chat","request_id":"r1","payload":{"text":""}}', '"payload.text" must be a non-empty string'],
    [
      '{"action":"chat","request_id":"r1","payload":{"text":"hi","interrupt":"yes"}}',
      '"payload.interrupt" must be true or false',
    ],
    [
      '{"action":"chat","request_id":"r1","payload":{"text":"hi","streaming":1}}',
      '"payload.streaming" must be true or false',
    ],
    ['{"action":"answer","request_id":"r1","payload":{"question_id":"q"}}', '"payload.value" is missing'],
    ['{"action":"history","payload":{"seen":{"seq":1}}}', '"payload.seen" must be an object with a seq and a turn_id'],
    ['{"action":"history","payload":{"from":0}}', '"payload.from" must be a whole number from 1'],
  ])("%s", (line, problem) => {
    expect(parseMessage(line)).toMatchObject({ problem: expect.stringMatching(problem) });
  });

  test("names the request where it can", () => {
    expect(parse({ action: "chat", request_id: "r1" })).toMatchObject({ requestId: "r1" });
    expect(parse({ action: "chat", request_id: 1 })).toMatchObject({ requestId: undefined });
  });

  test("is the result of any line; nothing throws", () => {
    fc.assert(fc.property(fc.string(), (line) => void parseMessage(line)));
    fc.assert(fc.property(fc.json(), (line) => void parseMessage(line)));
  });
});
