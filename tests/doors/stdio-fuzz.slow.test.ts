import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { runStdio } from "../../src/doors/lines/stdio.js";
import { anyText } from "../support/any-text.js";
import { fixtureServer, startApp } from "../support/app.js";
import { clientMessage } from "../support/client-messages.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { isClientMessage } from "../support/schemas/message-schemas.js";
import { readMessage } from "../support/wire-messages.js";
import { chat } from "./pipe.js";
import { doorParts, interrupts, Sink } from "./support.js";

const secret = "the vault's number is 48151623";

/** Messages, near-messages, any text, any bytes and broken JSON. No line is empty, and none ends early. */
const line = fc
  .oneof(
    { weight: 6, arbitrary: clientMessage.map((made) => JSON.stringify(made)) },
    { weight: 1, arbitrary: anyText() },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: clientMessage.map((made) => JSON.stringify(made).slice(0, -1)) },
    { weight: 1, arbitrary: fc.nat({ max: 30_000 }).map((depth) => `{"action":${"[".repeat(depth)}`) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1 }) },
  )
  .map((made) => Buffer.from(typeof made === "string" ? made : made))
  .map((bytes) => bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)))
  .filter((bytes) => new TextDecoder().decode(bytes).trim() !== "");

/** Returns the request id in the error for a line; undefined if the line is a valid message. */
function badLine(bytes: Uint8Array): string | null | undefined {
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
  const { action, conversation_id } = (message ?? {}) as { action?: unknown; conversation_id?: unknown };
  // A client may not clear a conversation whose id it chose itself.
  const isKept = action === "clear_session" && typeof conversation_id === "string";
  if (isClientMessage(message) && !isKept) return undefined;
  const id = Array.isArray(message) ? null : (message as { request_id?: unknown } | null)?.request_id;
  return typeof id === "string" && id !== "" ? id : null;
}

test("10,000 lines of anything: each invalid message has one error, no text of another conversation comes out, and a chat works", async () => {
  await using llm = await startLlmServer(() => answer("fine"));
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  // Lists show the first message as the title, so the secret is in the second one.
  for (const text of ["hello", secret]) {
    const other = await app.sessions.open("c-secret").submit({ requestId: text, text });
    for await (const _ of other.watch());
  }
  const stdin = new PassThrough();
  const stdout = new Sink();
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt: interrupts().onInterrupt });
  const lines = fc.sample(line, { seed: 20261125, numRuns: 10_000 });
  const newline = Buffer.from("\n");
  for (const bytes of lines) if (!stdin.write(Buffer.concat([bytes, newline]))) await once(stdin, "drain");
  stdin.end(`${JSON.stringify(chat("the last", "hi", { conversation_id: "c-last" }))}\n`);
  expect(await exitCode).toBe(0);

  expect(stdout.text).not.toContain(secret);
  const messages = stdout.text.trimEnd().split("\n").map(readMessage);
  const expected = lines.map(badLine).filter((id) => id !== undefined);
  expect(expected.length).toBeGreaterThan(3000);
  expect(lines.length - expected.length).toBeGreaterThan(1000);
  const refused = messages.filter(({ chunk }) => chunk.kind === "bad_message");
  expect(refused.map(({ request_id }) => request_id)).toEqual(expected);
  expect(messages.filter(({ chunk }) => chunk.kind === "unexpected")).toEqual([]);
  expect(messages.filter(({ request_id }) => request_id === "the last").at(-1)).toMatchObject({
    status: "complete",
    chunk: { data: "fine" },
  });
});
