import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";
import { configFor, Workplace } from "../support/cli.js";
import { startLlmServer } from "../support/llm-server.js";

test("nodes lists the hosts on a log file, and says so when no host runs", async () => {
  using place = new Workplace();
  await using llm = await startLlmServer([]);
  place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
  expect(await place.run(["nodes"])).toMatchObject({ exitCode: 0, stdout: "no host runs on this event log\n" });
  const host = place.start("serve", "--port", "0", "--no-token");
  const ended = once(host, "close");
  for await (const line of createInterface({ input: host.stderr as NodeJS.ReadableStream }))
    if (line.startsWith("listening")) break;
  const shown = async () => JSON.parse((await place.run(["nodes", "--json"])).stdout);
  while ((await shown()).nodes.length === 0);
  expect(await shown()).toMatchObject({
    nodes: [{ pid: host.pid, state: "alive", version: "1.0.0", turns: { running: 0, waiting: 0 } }],
    unclaimed_turns: 0,
  });
  host.kill("SIGTERM");
  await ended;
  expect((await shown()).nodes).toEqual([]);
});
