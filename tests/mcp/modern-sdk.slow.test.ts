import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { recording, startHub, until } from "../support/mcp-hub.js";
import { modernServer, type Way, ways } from "../support/modern-server.js";

const official = (way: Way, behaviour: object = {}) => modernServer(way, behaviour, "mcp-official.mjs");

describe.each(ways)("a server on the official SDK for 2026-07-28, over %s", (way) => {
  test("offers tools, prompts and resources", async () => {
    await using server = await official(way);
    await using running = startHub(server.config);
    const { hub, call } = running;
    await hub.ready();
    expect(hub.servers()).toMatchObject([
      { state: "ready", era: "modern", version: "2.4.0", tools: 7, prompts: 1, resources: 1 },
    ]);
    expect(textOf((await call("m__add", { a: 1, b: 2 })).content)).toBe("3");
    expect(textOf(await hub.applyPrompt("m__greet", { who: "Ada" }))).toBe("Hello Ada");
    expect(textOf(await hub.readResource("test:note"))).toContain("read 1");
  });

  test("asks the person within a call", async () => {
    await using server = await official(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    const ask = async () => ({ action: "accept", content: { n: 7 } });
    expect(textOf((await running.call("m__ask", {}, { ask })).content)).toBe("n is 7");
  });

  test("logs into the host's log", async () => {
    await using server = await official(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    await running.call("m__log");
    expect(running.log).toContainEqual(expect.objectContaining({ level: "warn", message: "m: low on disk" }));
  });

  test("is told that a call was cancelled", async () => {
    using record = recording();
    await using server = await official(way, { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const abort = new AbortController();
    const result = running.call("m__wait", {}, { signal: abort.signal });
    await until(() => record.lines().includes("waits"));
    abort.abort();
    expect(textOf((await result).content)).toBe("wait was cancelled before it answered");
    await until(() => record.lines().includes("cancelled"));
  });

  test("tells changes of its tools", async () => {
    await using server = await official(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    // Several tools, because the first change may be seen by the second listing, half a second after the start. Changes are gathered for
    // 100 ms each.
    for (const tool of ["learned1", "learned2", "learned3", "learned4", "learned5", "learned6", "learned7"]) {
      await running.call("m__learn");
      await until(() => running.hub.tools().some((offered) => offered.tool === tool));
    }
  });

  test("is read from memory while it says that nothing has changed", async () => {
    await using server = await official(way, { readTtlMs: 600_000 });
    await using running = startHub(server.config);
    const { hub, call } = running;
    await hub.ready();
    const read = async () => textOf(await hub.readResource("test:note"));
    const first = await read();
    expect(await read()).toBe(first);
    // The server reports the change on a stream that the first reading has opened.
    while ((await read()) === first) await call("m__touch");
    expect(await read()).toContain("read 2");
  });

  test("is read again every time when it promises nothing", async () => {
    await using server = await official(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    await running.hub.readResource("test:note");
    expect(textOf(await running.hub.readResource("test:note"))).toContain("read 2");
  });
});

describe("a server that says how long its list holds", () => {
  const offersMore = (hub: { tools(): readonly { tool: string }[] }) =>
    hub.tools().some(({ tool }) => tool === "crept");

  test("is asked for it at the next turn after that", async () => {
    await using server = await official("http", { listTtlMs: 1 });
    await using running = startHub(server.config);
    const { hub, call } = running;
    await hub.ready();
    await call("m__creep");
    while (!offersMore(hub)) await hub.settled();
  });

  test("is not asked before", async () => {
    await using server = await official("http", { listTtlMs: 600_000 });
    await using running = startHub(server.config);
    const { hub, call } = running;
    await hub.ready();
    await call("m__creep");
    await hub.settled();
    expect(offersMore(hub)).toBe(false);
  });
});
