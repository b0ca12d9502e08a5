import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";
import { openStore } from "../../src/log/open.js";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

const echo = (n: number) => ({ name: "s__echo", arguments: { n } });
/** One kill after each line of output: processing, tool_call x2, tool_result x2, usage x2, text, complete and some more. */
const lines = Array.from({ length: 14 }, (_, index) => index + 1);

test.each(lines)("kill -9 after line %i of a turn loses nothing that was shown before", async (last) => {
  await using llm = await startLlmServer(({ body }) =>
    body.messages?.some(({ role }) => role === "tool") ? answer("all of it") : toolCalls([echo(1), echo(2)]),
  );
  using place = new Workplace();
  const storage = { driver: "sqlite" as const, path: `${place.folder}/log.db` };
  place.configure(configFor(llm.url, { s: fixtureServer() }, { chat: { storage, service: { approval: "auto" } } }));

  const host = place.start("stdio");
  const closed = new Promise((resolve) => host.once("close", resolve));
  host.stdin?.write(
    `${JSON.stringify({ action: "chat", request_id: "r", conversation_id: "c", payload: { text: "go" } })}\n`,
  );
  const shown: number[] = [];
  let count = 0;
  for await (const line of createInterface({ input: host.stdout as NodeJS.ReadableStream })) {
    const message = JSON.parse(line) as { seq?: number; status: string };
    if (message.seq !== undefined) shown.push(message.seq);
    if (++count === last || message.status === "complete") break;
  }
  host.kill("SIGKILL");
  await closed;

  const store = await openStore(storage, { now: Date.now, observe: () => {} });
  const log = (await store.read("c")).map(({ seq }) => seq);
  await store.close();
  expect(log).toEqual(log.map((_, index) => index + 1));
  expect(log).toEqual(expect.arrayContaining(shown));
});
