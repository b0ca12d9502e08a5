import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { expect, test } from "@jest/globals";
import { ArrivingMessages } from "../../src/core/async/arriving-messages.js";
import { asFetch } from "../../src/mcp/http/as-fetch.js";
import { bodyText, type HttpAnswer } from "../../src/mcp/http/http-request.js";
import { readEvents } from "../../src/mcp/http/read-event-stream.js";

const kilobyte = 1024;
const tooMany = "too many large messages of servers arrive at once";

function answerWith(body: PassThrough, type: string): HttpAnswer {
  return { status: 200, statusText: "OK", headers: { "content-type": type }, body };
}

/** Reads the body as these readers do. Resolves with the error that ends it, if any. */
type Read = (body: PassThrough, all: ArrivingMessages) => Promise<unknown>;

const readJson: Read = (body, all) =>
  bodyText(answerWith(body, "application/json"), all).then(
    () => undefined,
    (error) => error,
  );
const readStream: Read = (body, all) =>
  new Promise((resolve) => readEvents(body, { event: () => {}, ended: resolve }, all));
const readFetched: Read = async (body, all) => {
  const response = await asFetch(async () => answerWith(body, "text/event-stream"), 1e6, all)("http://127.0.0.1/sse");
  return response.text().then(
    () => undefined,
    (error) => error,
  );
};

test.each([
  ["JSON", readJson],
  ["an event of Streamable HTTP", readStream],
  ["an event of HTTP+SSE", readFetched],
])("the largest of the messages from all servers is dropped if they are too large together: %s", async (_, read) => {
  const all = new ArrivingMessages(100 * kilobyte);
  const [large, small, next] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const dropped = read(large, all);
  large.write("x".repeat(60 * kilobyte));
  const whole = readJson(small, all);
  small.write("x".repeat(50 * kilobyte));
  await expect(dropped).resolves.toMatchObject({ message: expect.stringContaining(tooMany) });
  small.end();
  await expect(whole).resolves.toBeUndefined();
  await finished(small);
  const later = read(next, all);
  next.end("x".repeat(90 * kilobyte));
  await expect(later).resolves.toBeUndefined();
});
