import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { collect, fixtureServer, isStored, shape, startApp } from "../support/app.js";
import { answer, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { noServer, type PostgresServer, startPostgres } from "../support/postgres.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

const onServer = noServer === undefined ? describe : describe.skip;
if (noServer) process.stderr.write(`NOT TESTED on PostgreSQL: ${noServer}\n`);

let server: PostgresServer;
beforeAll(async () => {
  if (!noServer) server = await startPostgres();
});
afterAll(async () => server?.[Symbol.asyncDispose]());

/** A model that asks for a tool, and then answers; `open` lets its first answer go. */
async function heldModel(): Promise<{ llm: LlmServer; open: () => void }> {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let asked = 0;
  const llm = await startLlmServer(() => {
    const reply = ++asked === 1 ? toolCalls([{ name: "s__echo", arguments: { n: 1 } }]) : answer("done");
    return (response, request) => void gate.then(() => reply(response, request));
  });
  return { llm, open };
}

onServer("a host whose database is away", () => {
  test("leaves without waiting for it", async () => {
    await using llm = await startLlmServer([answer("hi")]);
    await using proxy = await startTcpProxy(server.port);
    const url = (await server.database()).replace(`:${server.port}/`, `:${proxy.port}/`);
    const app = await startApp({ llm: llm.url, storage: { url } });
    await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    proxy.refuse();
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});

onServer("a turn whose database", () => {
  test("is killed while the model thinks, and started again, ends with every event once", async () => {
    const { llm, open } = await heldModel();
    await using _ = llm;
    const url = await server.database();
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, storage: { url } });
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    await server.kill();
    open();
    const events = collect(turn.watch());
    await server.restart();
    expect(shape(await events).at(-1)).toBe("turn_end");
    const log = await app.sessions.history("c");
    expect(log).toEqual((await events).filter(isStored));
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_event, index) => index + 1));
    expect(llm.requests).toHaveLength(2);
  });

  test("resets every connection again and again ends with every event once", async () => {
    const { llm, open } = await heldModel();
    await using _ = llm;
    await using proxy = await startTcpProxy(server.port);
    const url = (await server.database()).replace(`:${server.port}/`, `:${proxy.port}/`);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, storage: { url } });
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    proxy.reset();
    open();
    const seen: string[] = [];
    for await (const event of turn.watch()) {
      if (!isStored(event)) continue;
      seen.push(event.type);
      proxy.reset();
    }
    expect(seen.at(-1)).toBe("turn_end");
    expect((await app.sessions.history("c")).map(({ type }) => type)).toEqual(seen);
    expect(llm.requests).toHaveLength(2);
  });
});
