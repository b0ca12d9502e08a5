import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { processorMs } from "../support/processor-time.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const windowMs = 2_000;

/** Returns the processor time of this process while nothing happens, in ms: the least of three windows. */
async function idleMs(): Promise<number> {
  collectGarbage();
  const costs: number[] = [];
  while (costs.length < 3) {
    const startedAt = processorMs();
    await sleep(windowMs);
    costs.push(processorMs() - startedAt);
  }
  return Math.min(...costs);
}

test("a host that has met many conversations uses no more of the processor while it is idle", async () => {
  const folder = mkdtempSync(join(tmpdir(), "idle-"));
  await using llm = await startLlmServer(() => answer("hello"));
  await using app = await startApp({ llm: llm.url, storage: { path: join(folder, "log.db") } });
  await using door = await openDoor(app);
  const ask = async (id: string) => {
    const headers = { "content-type": "application/json", "x-conversation-id": id };
    const body = JSON.stringify({ model: "m1", messages: [{ role: "user", content: "hi" }] });
    await (await fetch(`${door.url}/v1/chat/completions`, { method: "POST", headers, body })).text();
  };
  await ask("first");
  const before = await idleMs();
  for (let index = 0; index < 500; index++) await ask(`asked_${index}`);
  for (let index = 0; index < 60_000; index++) app.sessions.open(`seen_${index}`).hold()();
  const after = await idleMs();
  process.stderr.write(`idle: ${before} ms, then ${after} ms of ${windowMs} ms\n`);
  expect(after).toBeLessThan(2 * before + 0.05 * windowMs);
  rmSync(folder, { recursive: true });
});
