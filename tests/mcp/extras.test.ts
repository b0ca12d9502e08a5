import { expect, test } from "@jest/globals";
import type { ServerNews } from "../../src/core/ports.js";
import { fixture, recording, startHub, until } from "../support/mcp-hub.js";

const declares = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} };
const resources = [{ uri: "mem://a", name: "a" }];
const templates = [{ name: "t", uriTemplate: "mem://notes/{id}" }];
const prompts = [{ name: "ask", arguments: [{ name: "city" }] }];

test("a resource that was read is watched: its change is in the log, and a restart does not end that", async () => {
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
  running.hub.passage.onNews((news) => told.push(news));
  const news = () => told.filter(({ type }) => type === "resource");
  await running.call("s__touch", { uris: ["mem://a", "mem://b"] });
  await running.hub.readResource("mem://a");
  await until(() => news().length === 1);
  await running.call("s__touch", { uris: ["mem://b", "mem://a"] });
  await until(() => news().length > 1);
  expect(news()).toEqual(Array(2).fill({ type: "resource", server: "s", uri: "mem://a" }));
  expect(running.log.filter(({ message }) => message.includes("mem://b"))).toEqual([]);
});

test("a server without subscriptions is not asked for one", async () => {
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
  expect(hub.templates()).toEqual([{ uriTemplate: "mem://notes/{id}", server: "s" }]);
  const argument = { name: "city", value: "Be" };
  expect(await hub.complete({ prompt: "s__ask" }, argument)).toEqual(["ask:city=Be"]);
  expect(await hub.complete({ template: "mem://notes/{id}" }, { name: "id", value: "1" })).toEqual([
    "mem://notes/{id}:id=1",
  ]);
  expect(await hub.complete({ prompt: "plain__ask" }, argument)).toEqual([]);
  await expect(hub.complete({ prompt: "s__none" }, argument)).rejects.toThrow("no server offers s__none");
});
