import { expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { redacted } from "../../src/session/export/redact-export.js";

test("a secret is removed from every field except fixed words of the program and bytes of pictures", async () => {
  const place = { turnId: "text", seq: 1, at: 0 };
  const image = { type: "image", data: "text", mimeType: "image/png" } as const;
  const events: StoredEvent[] = [
    { ...place, type: "user_message", requestId: "r", content: [{ type: "text", text: "say text" }, image] },
    {
      ...place,
      type: "answer",
      questionId: "q",
      value: { action: "accept", content: { data: "text", callId: "text" } },
    },
  ];
  const [message, answer] = await redacted(events, ["text"]);
  expect(message).toMatchObject({
    turnId: "text",
    content: [{ type: "text", text: expect.not.stringContaining("text") }, image],
  });
  expect(JSON.stringify(answer)).not.toMatch(/"(data|callId)":"text"/);
});

test("a password that a person gave in a form is removed, whatever it looks like", async () => {
  const content = {
    user: "ann",
    password: "hunter2-horse",
    api_key: ["my-own-api-key-77"],
    ghp_0123456789abcdefghij: 1,
  };
  const event = { turnId: "t", seq: 1, at: 0, type: "answer", questionId: "q" } as const;
  const [answer] = await redacted([{ ...event, value: { action: "accept", content } }], []);
  expect(answer).toEqual({
    ...event,
    value: {
      action: "accept",
      content: { user: "ann", password: "[redacted]", api_key: ["[redacted]"], "[redacted]": 1 },
    },
  });
});

test("a question has no hash of its server's environment, from which a weak password could be guessed", async () => {
  const call = { id: "c", name: "s__t", arguments: "{}" };
  const question = { kind: "approval", call, server: "s", tool: "t", reason: "", definition: "d" } as const;
  const event = { turnId: "t", seq: 1, at: 0, type: "question", questionId: "q" } as const;
  expect(await redacted([{ ...event, question: { ...question, place: "hash" } }], [])).toEqual([
    { ...event, question },
  ]);
});
