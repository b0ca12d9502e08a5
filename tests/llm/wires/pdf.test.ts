import { expect, test } from "@jest/globals";
import type { Message } from "../../../src/core/messages.js";
import { wires } from "../../support/every-wire.js";
import { answer } from "../../support/strict/index.js";
import { clientOf } from "../client-of.js";

const data = Buffer.from("%PDF-1.7").toString("base64");
const messages: Message[] = [
  {
    role: "user",
    content: [
      { type: "text", text: "Sum it up" },
      { type: "file", data, mimeType: "application/pdf", name: "paper.pdf" },
    ],
  },
];
const inline = { filename: "paper.pdf", file_data: `data:application/pdf;base64,${data}` };
const expected = {
  chat: { type: "file", file: inline },
  responses: { type: "input_file", ...inline },
  messages: {
    type: "document",
    source: { type: "base64", media_type: "application/pdf", data },
    title: "paper.pdf",
  },
  gemini: { inlineData: { mimeType: "application/pdf", data } },
};

test.each(wires)("a PDF goes over $name as it is, and as a note where the model takes none", async (tried) => {
  const { wire, start, model } = tried;
  for (const files of [true, false]) {
    await using mock = await start([answer("short")]);
    await using client = clientOf(mock, { maxRetries: 0 }, { wire, model, cache: "off", quirks: { files } });
    await client.ask({ streaming: false }, { messages, tools: [] });
    expect(mock.refusals).toEqual([]);
    const sent = JSON.stringify(mock.requests[0]?.body);
    if (files) expect(sent).toContain(JSON.stringify(expected[wire]));
    else expect(sent).toContain("[file application/pdf, 9 bytes: it is in the log, but you cannot take it]");
  }
});
