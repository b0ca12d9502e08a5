import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import { MessageReader } from "../../../src/llm/answer/message-reader.js";
import { chatWire } from "../../../src/llm/wires/chat/chat-wire.js";
import { drain, readUpTo } from "../../../src/outbound/response.js";
import { processorMs } from "../../support/processor-time.js";

test("the end of an answer is noticed, however long the process was busy after it arrived", async () => {
  let end = () => {};
  const server = createServer((_, response) => {
    response.write("all of it");
    end = () => void response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) => get({ port, host: "127.0.0.1" }, resolve));
  const drained = drain(response);
  end();
  for (const startedAt = performance.now(); performance.now() - startedAt < 50; );
  await drained;
  expect(response.readableEnded).toBe(true);
  server.close();
});

test.each([
  ["a refusal", (body: Readable) => readUpTo(body, 64 * 1024, 60_000)],
  ["the rest of an answer", drain],
])("%s that comes in pieces of a byte is cut after some hundred pieces", async (_, read) => {
  let count = 0;
  const body = Readable.from(
    (function* () {
      for (; ; count++) yield Buffer.from("x");
    })(),
  );
  await read(body);
  expect(count).toBeGreaterThan(200);
  expect(count).toBeLessThan(300);
});

test("an event of very many short lines is an error", () => {
  const reader = new MessageReader(() => false, { pushText: () => {} }, chatWire.textPosition);
  const lines = Buffer.from("data:x\n".repeat(60_000));
  expect([reader.feed(lines), reader.feed(Buffer.from("\n")), reader.feed(lines)]).toEqual(Array(3).fill(undefined));
  expect(reader.feed(lines)).toBe("too_large");
});

test("a document with very many spaces in it is read in linear time", () => {
  const messages: unknown[] = [];
  const reader = new MessageReader(
    (message) => messages.push(message) === 0,
    { pushText: () => {} },
    chatWire.textPosition,
  );
  const begun = processorMs();
  reader.feed(Buffer.from(`{"id":${" ".repeat(200_000)}1}\n\ndata: [DONE]\n\n`));
  expect(reader.end()).toBeUndefined();
  expect(messages).toEqual([{ id: 1 }]);
  expect(processorMs() - begun).toBeLessThan(2_000);
});

test("a document that is nested too deeply to be written again is an error", () => {
  const reader = new MessageReader(() => false, { pushText: () => {} }, chatWire.textPosition);
  reader.feed(Buffer.from(`{"choices":${"[".repeat(600)}${"]".repeat(600)}}`));
  expect(reader.end()).toBe("too_deep");
});

test.each([
  ["a document", (json: string) => json],
  ["an event", (json: string) => `data: ${json}\n\n`],
])("%s of very many values is an error, and is not read", (_, written) => {
  const reader = new MessageReader(() => false, { pushText: () => {} }, chatWire.textPosition);
  const fault = reader.feed(Buffer.from(written(`{"choices":[${"{},".repeat(500_000)}{}]}`)));
  expect(fault ?? reader.end()).toBe("too_large");
});
