import { describe, expect, test } from "@jest/globals";
import type { ServerNews } from "../../src/core/ports.js";
import { maxWatched } from "../../src/mcp/server/watched-resources.js";
import { fixture, recording, startHub, until } from "../support/mcp-hub.js";

const declares = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} };
const resources = [{ uri: "mem://a", name: "a" }];
const templates = [{ name: "t", uriTemplate: "mem://notes/{id}" }];
const prompts = [{ name: "ask", arguments: [{ name: "city" }] }];

test("a resource that was read is watched: its change is in the log, also after a restart", async () => {
  using record = recording();
  await using running = startHub(fixture("s", { declares, resources, record: record.path }));
  await running.hub.ready();
  const subscribed = () => record.lines().filter((line) => line === "subscribed mem://a").length;
  const changes = () => running.log.filter(({ message }) => message === "s: the resource mem://a has changed").length;
  await running.hub.readResource("mem://a");
  await running.hub.readResource("mem://a");
  await until(() => changes() === 1);
  expect(subscribed()).toBe(1);
  await running.call("s__crash");
  await until(() => changes() === 2);
  expect(subscribed()).toBe(2);
});

test("a change of a resource that nobody watches is not passed on", async () => {
  await using running = startHub(
    fixture("s", { declares, resources, pages: [[{ name: "touch", inputSchema: { type: "object" } }]] }),
  );
  await running.hub.ready();
  const told: ServerNews[] = [];
  running.hub.mcpResults.onNews((news) => told.push(news));
  const news = () => told.filter(({ type }) => type === "resource");
  await running.call("s__touch", { uris: ["mem://a", "mem://b"] });
  await running.hub.readResource("mem://a");
  await until(() => news().length === 1);
  await running.call("s__touch", { uris: ["mem://b", "mem://a"] });
  await until(() => news().length > 1);
  expect(news()).toEqual(Array(2).fill({ type: "resource", server: "s", uri: "mem://a" }));
  expect(running.log.filter(({ message }) => message.includes("mem://b"))).toEqual([]);
});

describe("a resource that clients watch", () => {
  const { signal } = new AbortController();

  async function watching() {
    const record = recording();
    const running = startHub(
      fixture("s", {
        declares,
        resources: [...resources, { uri: "none:yet", name: "late" }],
        templates,
        record: record.path,
      }),
    );
    await running.hub.ready();
    return {
      running,
      watch: (uri: string) => running.hub.mcpResults.resourceAt(uri).watch(signal),
      /** Resolves with the server's subscriptions so far. The server takes requests in their order, so a call comes after them. */
      async subscriptions() {
        await running.call("s__echo");
        return record.lines().filter((line) => line.includes("subscribed"));
      },
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        record[Symbol.dispose]();
      },
    };
  }

  test("is unsubscribed once no client watches it", async () => {
    await using server = await watching();
    const [first, second] = [await server.watch("mem://a"), await server.watch("mem://a")];
    first();
    first();
    expect(await server.subscriptions()).toEqual(["subscribed mem://a"]);
    second();
    expect(await server.subscriptions()).toEqual(["subscribed mem://a", "unsubscribed mem://a"]);
    const third = await server.watch("mem://a");
    expect((await server.subscriptions()).length).toBe(3);
    await server.running.hub.readResource("mem://a");
    third();
    expect((await server.subscriptions()).length).toBe(3);
  });

  test("is not watched if the server refuses, and requested again by the next client", async () => {
    await using server = await watching();
    await expect(server.watch("none:yet")).rejects.toThrow("not there yet");
    const unwatch = await server.watch("none:yet");
    unwatch();
    expect(await server.subscriptions()).toEqual([
      "subscribed none:yet",
      "subscribed none:yet",
      "unsubscribed none:yet",
    ]);
  });

  test("is refused beyond a number, and makes room when clients no longer watch it", async () => {
    await using server = await watching();
    const uris = Array.from({ length: maxWatched }, (_, number) => `mem://notes/${number}`);
    const [unwatch] = await Promise.all(uris.map(server.watch));
    await expect(server.watch("mem://a")).rejects.toThrow(`clients watch ${maxWatched} resources of s`);
    const again = await server.watch("mem://notes/1");
    again();
    unwatch?.();
    await server.watch("mem://a");
    expect((await server.subscriptions()).slice(-2)).toEqual(["unsubscribed mem://notes/0", "subscribed mem://a"]);
  });

  test("is watched however many resources the host has read, of which only the last are watched", async () => {
    await using server = await watching();
    await server.watch("mem://a");
    for (let number = 0; number <= 100; number++) await server.running.hub.readResource(`mem://notes/${number}`);
    const subscriptions = await server.subscriptions();
    expect(subscriptions.length).toBe(103);
    expect(subscriptions.slice(-2)).toEqual(["subscribed mem://notes/100", "unsubscribed mem://notes/0"]);
  });
});

test("a server without subscriptions gets no subscription", async () => {
  using record = recording();
  await using running = startHub(fixture("s", { resources, record: record.path }));
  await running.hub.ready();
  expect(await running.hub.readResource("mem://a")).toEqual([{ type: "text", text: "[resource mem://a]\nwords" }]);
  await running.call("s__echo");
  expect(record.lines()).not.toContain("subscribed mem://a");
});

test("arguments of prompts and templates can be completed", async () => {
  await using running = startHub(
    fixture("plain", { prompts }),
    fixture("s", { declares, resources, templates, prompts }),
  );
  const { hub } = running;
  await hub.ready();
  expect(hub.mcpResults.templates()).toEqual([{ uriTemplate: "mem://notes/{id}", server: "s" }]);
  const argument = { name: "city", value: "Be" };
  expect(await hub.mcpResults.complete({ prompt: "s__ask" }, argument)).toEqual(["ask:city=Be"]);
  expect(await hub.mcpResults.complete({ template: "mem://notes/{id}" }, { name: "id", value: "1" })).toEqual([
    "mem://notes/{id}:id=1",
  ]);
  expect(await hub.mcpResults.complete({ prompt: "plain__ask" }, argument)).toEqual([]);
  await expect(hub.mcpResults.complete({ prompt: "s__none" }, argument)).rejects.toThrow("no server offers s__none");
});
