/** Connections that a Streamable HTTP server leaves open: none of them may outlast its request, or a host would run out of files. */
import { PassThrough } from "node:stream";
import { expect, jest, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { HttpAnswer } from "../../src/mcp/http/http-request.js";
import { ResumableStreams } from "../../src/mcp/transports/resumable-streams.js";
import { faulty } from "../support/mcp-faulty.js";

const json = { "content-type": "application/json" };
const sse = { "content-type": "text/event-stream" };

test.each([
  ["no head of an answer", undefined, undefined],
  ["JSON without an end", 200, json],
  ["an error without an end", 400, json],
  ["a stream without an answer", 200, sse],
])("a call that is aborted closes its connection: %s", async (_what, status, headers) => {
  const stop = new AbortController();
  let closed: Promise<unknown> | undefined;
  await using server = await faulty({
    call(response) {
      closed = new Promise((resolve) => response.once("close", resolve));
      if (status) response.writeHead(status, headers).write(": \n\n");
      setImmediate(() => stop.abort(new Error("enough")));
    },
  });
  const { content } = await server.call("f__t", {}, { signal: stop.signal });
  expect(textOf(content)).toBe("t was cancelled before it answered");
  await closed;
});

test("a stream whose server does not end it after the answer is closed", () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
  try {
    const body = new PassThrough();
    const came: unknown[] = [];
    const failed = (error: Error) => {
      throw error;
    };
    const parts = { came: (parsed: unknown) => came.push(parsed), failed, signal: new AbortController().signal };
    const ask = () => Promise.reject(new Error("the stream is not opened again"));
    const ended = jest.fn();
    const answer: HttpAnswer = { status: 200, statusText: "", headers: sse, body };
    new ResumableStreams(new URL("http://h/mcp"), { ...parts, ask }).read(answer, { id: 1, signals: [], ended });
    body.emit("data", 'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n');
    jest.advanceTimersByTime(600_000);
    expect(body.destroyed).toBe(false);
    body.emit("data", 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
    jest.advanceTimersByTime(10_000);
    expect(body.destroyed).toBe(true);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(came).toHaveLength(2);
  } finally {
    jest.useRealTimers();
  }
});
