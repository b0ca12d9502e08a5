import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exportFormats } from "../../../src/session/export/formats.js";
import { startApp } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import { appendTurns } from "../../support/long-log.js";
import { heldUp } from "../../support/processor-time.js";
import { openDoor, post } from "./door.js";

const turns = 2_000;
const chars = 6_000;
const folder = mkdtempSync(join(tmpdir(), "export-"));
const path = join(folder, "log.db");

beforeAll(() => appendTurns(path, "c1", turns, { chars }), 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Calls `work` with the address of the long conversation. */
async function withHost(work: (url: string) => Promise<void>): Promise<void> {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url, storage: { driver: "sqlite", path } });
  await using door = await openDoor(app);
  await work(`${door.url}/api/sessions/c1`);
}

/** Asks for an address and reads none of the body yet. */
async function asked(url: string): Promise<IncomingMessage> {
  const [response] = (await once(httpGet(url, { agent: false }), "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return response;
}

async function read(response: IncomingMessage): Promise<Uint8Array[]> {
  const bytes: Uint8Array[] = [];
  for await (const each of response) bytes.push(each);
  return bytes;
}

test.each(exportFormats)("a long conversation is exported as %s while the host does other work", (format) =>
  withHost(async (url) => {
    const stalls: number[] = [];
    // The least of three counts: a collection of the memory of all tests of this process falls into one of them.
    for (let run = 0; run < 3; run++) {
      using held = heldUp();
      const bytes = await read(await asked(`${url}/export?format=${format}`));
      stalls.push(held.longestMs);
      const text = Buffer.concat(bytes).toString();
      expect(text.match(/answer \d+\b/g)).toHaveLength(turns * (format === "html" ? 2 : 1));
    }
    expect(Math.min(...stalls)).toBeLessThan(250); // with the client of this test, and with the compilation of the code
  }),
);

describe("a client that is slow and does not get everything sees a broken connection", () => {
  test.each(["", "/export?format=md", "/export?format=json", "/export?format=html"])("%s", (place) =>
    withHost(async (url) => {
      const copy = (await (await post(`${url}/fork`, {})).json()) as { conversation_id: string };
      const copyUrl = url.replace("c1", copy.conversation_id);
      const response = await asked(`${copyUrl}${place}`);
      expect((await fetch(copyUrl, { method: "DELETE" })).status).toBe(204);
      await expect(read(response)).rejects.toMatchObject({ code: "ECONNRESET" });
    }),
  );
});
