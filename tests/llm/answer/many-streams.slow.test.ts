import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const streams = 1000;
/** Limit of memory for one stream. */
const maxBytes = 20 * 1024;

/** Runs the bench. It counts connections in the server's process, and the memory of the client's process after collections. */
async function measure(...parameters: (number | string)[]): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "scripts/bench/streams.mjs",
    ...parameters.map(String),
  ]);
  return JSON.parse(stdout) as Record<string, number>;
}

test.each([1_000, 100_000])(
  "a thousand streams at once, with prompts of %i bytes, hold little memory",
  async (promptBytes) => {
    const measured = await measure(streams, streams, promptBytes);
    expect(measured).toMatchObject({ answered: streams, mostSockets: streams, socketsLeft: 0 });
    expect(measured.bytesPerStream).toBeLessThan(maxBytes);
  },
);

test.each(["responses", "messages", "gemini"])(
  "a thousand streams at once over %s hold little memory",
  async (wire) => {
    const measured = await measure(streams, "--wires", wire);
    expect(measured).toMatchObject({ wire, answered: streams, mostSockets: streams, socketsLeft: 0 });
    expect(measured.bytesPerStream).toBeLessThan(maxBytes);
  },
);

test("a thousand streams at once open no more connections than max_connections", async () => {
  expect(await measure(streams, 100)).toMatchObject({ answered: streams, mostSockets: 100, socketsLeft: 0 });
});
