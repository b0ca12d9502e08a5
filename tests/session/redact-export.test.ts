import { expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { redacted } from "../../src/session/export/redact-export.js";

test("a secret is removed from every field but the program's own words and the bytes of pictures", async () => {
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
