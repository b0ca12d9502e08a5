/** The gateway passes on exactly what the servers said. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  ErrorCode,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { McpParts } from "../../src/doors/mcp/mcp-parts.js";
import { createMcpServer } from "../../src/doors/mcp/server.js";
import type { App } from "../../src/index.js";
import { fixtureServer, startApp } from "../support/app.js";
import { mcpParts } from "../support/mcp-door.js";
import { recording, until } from "../support/mcp-hub.js";

const page = "ui://board/page";
const inputSchema = { type: "object" } as const;
const icons = [{ src: "https://example.com/icon.png", mimeType: "image/png" }];

const show = {
  name: "show",
  title: "Show the board",
  description: "Shows it",
  inputSchema,
  icons,
  execution: { taskSupport: "optional" },
  _meta: { ui: { resourceUri: page, visibility: ["model", "app"] }, "example.com/own": [1, { a: null }] },
};
const prompt = {
  name: "ask",
  title: "Ask about it",
  description: "Asks",
  arguments: [{ name: "topic", description: "What about", required: true }],
  icons,
  _meta: { "example.com/p": true },
};
const template = {
  uriTemplate: "note://{year}",
  name: "notes",
  title: "Notes of a year",
  description: "By year",
  mimeType: "text/plain",
  annotations: { audience: ["user"] },
  _meta: { "example.com/t": 1 },
};
const resource = {
  uri: "note://today",
  name: "today",
  title: "Today's notes",
  description: "Of today",
  mimeType: "text/plain",
  size: 5,
  annotations: { priority: 0.5 },
  icons,
  _meta: { "example.com/r": 1 },
};
const link = { name: "link", description: "Links", inputSchema };
const long = "Show the board first. ".repeat(100).trim();

const one = {
  pages: [[show, link, { name: "job", description: "Runs", inputSchema, execution: { taskSupport: "required" } }]],
  prompts: [prompt],
  resources: [resource, { uri: page, name: "page", mimeType: "text/html;profile=mcp-app" }],
  templates: [template],
  words: "of one",
  instructions: long,
};
const two = {
  pages: [[show, link, { name: "touch", description: "Touches", inputSchema }]],
  resources: [
    { uri: "note://today", name: "today" },
    { uri: "two://list", name: "list" },
  ],
  declares: { tools: {}, resources: { subscribe: true } },
  words: "of two",
  instructions: "Two comes after one.",
};
/** Results that break the protocol in several places. */
const careless = {
  pages: [
    [{ name: "odd", title: 7, description: "Odd", inputSchema, icons: "none", annotations: { readOnlyHint: "yes" } }],
  ],
  prompts: [{ name: "odd", icons: 1, arguments: [{ name: "a", title: 5 }] }],
  resources: [{ uri: "odd://a", size: "large", annotations: [] }],
  templates: [{ uriTemplate: "odd://{x}", title: 0 }],
};
/** A server of which no resource may be read, by its own `tools.deny`. */
const shut = {
  pages: [[link]],
  resources: [{ uri: "shut://a", name: "a" }],
  templates: [{ uriTemplate: "shut://t/{x}", name: "t" }],
};

const record = recording();
let app: App;
let client: Client;

async function connect(serve: object, said: McpParts["given"] = {}): Promise<Client> {
  const server = await createMcpServer({
    ...mcpParts(app, serve),
    given: { approval: "auto", deny: ["careless.hidden"], ...said },
  });
  const connected = new Client({ name: "test", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(ours);
  await connected.connect(theirs);
  return connected;
}

beforeAll(async () => {
  app = await startApp({
    llm: "http://127.0.0.1:9/v1",
    mcpServers: {
      one: fixtureServer(one),
      two: fixtureServer({ ...two, record: record.path }),
      shut: fixtureServer(shut, { tools: { deny: ["read_resource"] } }),
      careless: fixtureServer(careless),
    },
  });
  client = await connect({ tools: ["*"], prompts: true, resources: true });
});

afterAll(async () => {
  await client.close();
  await app[Symbol.asyncDispose]();
  record[Symbol.dispose]();
});

describe("a listing", () => {
  test("of tools has all fields of the server's", async () => {
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "one__show")).toEqual({ ...show, name: "one__show" });
  });

  test("shows a tool that must run as a task as one that may, and the tool can be called", async () => {
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "one__job")).toMatchObject({ execution: { taskSupport: "optional" } });
    expect(await client.callTool({ name: "one__job", arguments: {} })).toMatchObject({ content: [{ type: "text" }] });
  });

  test("of prompts, resources and templates has all fields too", async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts[0]).toEqual({ ...prompt, name: "one__ask" });
    const { resources } = await client.listResources();
    expect(resources[0]).toEqual(resource);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates[0]).toEqual(template);
  });

  test("leaves out invalid fields for which clients would refuse the whole list", async () => {
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "careless__odd")).toEqual({
      name: "careless__odd",
      description: "Odd",
      inputSchema,
    });
    const { prompts } = await client.listPrompts();
    expect(prompts.find(({ name }) => name === "careless__odd")).toMatchObject({ arguments: [{ name: "a" }] });
    const { resources } = await client.listResources();
    expect(resources.at(-1)).toEqual({ uri: "odd://a", name: "odd://a" });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.at(-1)).toEqual({ uriTemplate: "odd://{x}", name: "odd://{x}" });
  });
});

describe("an address that two servers use", () => {
  const read = async (uri: string) => (await client.readResource({ uri })).contents;

  test("is changed for the second server, in lists and in the page of a tool", async () => {
    const { resources } = await client.listResources();
    const addresses = resources.map(({ uri }) => uri);
    expect(addresses).toEqual(["note://today", page, "note://two/today", "two://list", "odd://a"]);
    expect(await read("note://today")).toEqual([{ uri: "note://today", text: "of one" }]);
    expect(await read("note://two/today")).toEqual([{ uri: "note://two/today", text: "of two" }]);
    const { tools } = await client.listTools();
    const pages = tools.map(({ _meta }) => (_meta?.ui as { resourceUri?: string } | undefined)?.resourceUri);
    expect(pages.filter(Boolean)).toEqual([page, "ui://two/board/page"]);
    expect(await read(page)).toMatchObject([{ text: "of one" }]);
    expect(await read("ui://two/board/page")).toEqual([{ uri: "ui://two/board/page", text: "of two" }]);
  });

  test("is changed in results", async () => {
    const linked = (name: string) => client.callTool({ name, arguments: { uri: "note://today" } });
    expect(await linked("one__link")).toMatchObject({ content: [{ uri: "note://today" }] });
    expect(await linked("two__link")).toMatchObject({ content: [{ uri: "note://two/today" }] });
  });

  test("is changed in notifications", async () => {
    const news: string[] = [];
    const told = new Promise<void>((done) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        news.push(params.uri);
        done();
      });
    });
    await client.subscribeResource({ uri: "note://two/today" });
    await told;
    expect(news).toEqual(["note://two/today"]);
  });
});

describe("the instructions of servers", () => {
  test("are whole in the gateway's instructions, each under its server's name", () => {
    expect(client.getInstructions()).toBe(`# one\n\n${long}\n\n# two\n\nTwo comes after one.`);
  });

  test("are left out for servers of which nothing is passed on", async () => {
    const narrow = await connect({ tools: ["two.*"], prompts: false, resources: false });
    expect(narrow.getInstructions()).toBe("# two\n\nTwo comes after one.");
    await narrow.close();
    const chat = await connect({ tools: [], prompts: false, resources: false });
    expect(chat.getInstructions()).toBeUndefined();
    await chat.close();
  });
});

test("a call of an unknown tool is a protocol error", async () => {
  const call = { name: "one__nothing", arguments: {} };
  await expect(client.callTool(call)).rejects.toMatchObject({ code: ErrorCode.InvalidParams });
});

test.each([
  ["prompts", { resources: true }, { type: "ref/prompt", name: "one__ask" }],
  ["resources", { prompts: true }, { type: "ref/resource", uri: template.uriTemplate }],
] as const)("%s that are not passed on cannot be completed either", async (_what, serve, ref) => {
  const narrow = await connect({ tools: [], prompts: false, resources: false, ...serve });
  const argument = { name: "topic", value: "" };
  await expect(narrow.complete({ ref, argument })).rejects.toThrow(/no prompt|no server offers/);
  await narrow.close();
});

describe("rules that deny", () => {
  const serve = { tools: [], prompts: false, resources: true };
  const urisOf = async (client: Client) => (await client.listResources()).resources.map(({ uri }) => uri);

  test("hide the resources of a server, and refuse to read and to watch them", async () => {
    const denied = await connect(serve, { deny: ["one.*"] });
    expect(await urisOf(client)).toContain(page);
    expect(await urisOf(denied)).toHaveLength((await urisOf(client)).length - one.resources.length);
    expect((await denied.listResourceTemplates()).resourceTemplates).not.toContainEqual(template);
    expect(denied.getInstructions()).not.toContain("Show the board first");
    const refusal = /one__read_resource is denied by the user's policy/;
    await expect(denied.readResource({ uri: page })).rejects.toThrow(refusal);
    await expect(denied.readResource({ uri: "note://1999" })).rejects.toThrow(refusal);
    await expect(denied.subscribeResource({ uri: page })).rejects.toThrow(refusal);
    await denied.close();
  });

  test("with an address refuse that address alone", async () => {
    const denied = await connect(serve, { deny: ["one.read_resource(uri=ui:*)"] });
    await expect(denied.readResource({ uri: page })).rejects.toThrow("not read");
    expect((await denied.readResource({ uri: resource.uri })).contents).toHaveLength(1);
    await denied.close();
  });

  test("use the address that the server gave, also where clients get a changed one", async () => {
    const denied = await connect(serve, { deny: ["two.read_resource(uri=note://today)"] });
    const refusal = /two__read_resource with these arguments/;
    await expect(denied.readResource({ uri: "note://two/today" })).rejects.toThrow(refusal);
    await expect(denied.subscribeResource({ uri: "note://two/today" })).rejects.toThrow(refusal);
    expect((await denied.readResource({ uri: "note://today" })).contents).toHaveLength(1);
    await denied.close();
  });

  test("of a server's own tools.deny hide its resources, and refuse to read, watch and complete them", async () => {
    expect(await urisOf(client)).not.toContain("shut://a");
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).not.toContain("shut://t/{x}");
    for (const uri of ["shut://a", "shut://t/x"]) {
      await expect(client.readResource({ uri })).rejects.toThrow("no MCP server offers the resource");
      await expect(client.subscribeResource({ uri })).rejects.toThrow("no MCP server offers the resource");
    }
    const completion = {
      ref: { type: "ref/resource", uri: "shut://t/{x}" },
      argument: { name: "x", value: "" },
    } as const;
    await expect(client.complete(completion)).rejects.toThrow("no server offers shut://t/{x}");
  });

  test("a whole server hide its prompts and complete none of its templates", async () => {
    const all = { tools: [], prompts: true, resources: true };
    const denied = await connect(all, { deny: ["one.*"] });
    const { prompts } = await denied.listPrompts();
    expect(prompts.map(({ name }) => name)).not.toContain("one__ask");
    await expect(denied.getPrompt({ name: "one__ask" })).rejects.toThrow("there is no prompt one__ask");
    const argument = { name: "topic", value: "" };
    for (const ref of [
      { type: "ref/prompt", name: "one__ask" },
      { type: "ref/resource", uri: template.uriTemplate },
    ] as const) {
      await expect(denied.complete({ ref, argument })).rejects.toThrow(/no prompt|no server offers/);
    }
    expect(denied.getInstructions()).not.toContain("Show the board first");
    await denied.close();
  });
});

describe("a client that stays connected while the configuration changes", () => {
  const serve = { tools: ["*"], prompts: true, resources: true };
  let before: App["config"];
  beforeAll(() => {
    before = app.config;
  });
  afterEach(() => app.apply(before));
  const apply = ({ deny = [], ask = [] }: { deny?: string[]; ask?: string[] }) =>
    app.apply({
      ...before,
      chat: { ...before.chat, service: { ...before.chat.service, permissions: { allow: [], ask, deny } } },
    });

  test("gets its next answer by the new rules, for every request", async () => {
    const connected = await connect(serve, { approval: undefined });
    expect(await connected.callTool({ name: "one__show", arguments: {} })).not.toHaveProperty("isError", true);
    expect((await connected.readResource({ uri: page })).contents).toHaveLength(1);
    await apply({ deny: ["one.*"] });
    await expect(connected.callTool({ name: "one__show", arguments: {} })).rejects.toThrow(
      "there is no tool one__show",
    );
    await expect(connected.readResource({ uri: page })).rejects.toThrow("is denied by the user's policy");
    await expect(connected.subscribeResource({ uri: page })).rejects.toThrow("is denied by the user's policy");
    await expect(connected.getPrompt({ name: "one__ask" })).rejects.toThrow("there is no prompt one__ask");
    const template = { type: "ref/resource", uri: "note://{year}" } as const;
    await expect(connected.complete({ ref: template, argument: { name: "year", value: "" } })).rejects.toThrow(
      "no server offers",
    );
    const { tools } = await connected.listTools();
    expect(tools.map(({ name }) => name).filter((name) => name.startsWith("one__"))).toEqual([]);
    expect((await connected.listResourceTemplates()).resourceTemplates).not.toContainEqual(template);
    expect((await connected.listResources()).resources).not.toContainEqual(resource);
    await connected.close();
  });

  test("is asked by a new ask rule, and gets back what no rule denies any more", async () => {
    const connected = await connect(serve, { approval: undefined });
    await apply({ ask: ["one.show"], deny: ["one.job"] });
    expect(await connected.callTool({ name: "one__show", arguments: {} })).toMatchObject({ isError: true });
    await apply({});
    expect(await connected.callTool({ name: "one__show", arguments: {} })).not.toHaveProperty("isError", true);
    expect(await connected.callTool({ name: "one__job", arguments: {} })).not.toHaveProperty("isError", true);
    await connected.close();
  });

  test("is told that lists have changed: by rules, and by a server that comes or goes", async () => {
    const connected = await connect(serve);
    const changed = async (apply: () => Promise<void>) => {
      const told = new Promise<void>((resolve) =>
        connected.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve()),
      );
      await apply();
      await told;
      return (await connected.listTools()).tools.map(({ name }) => name);
    };
    expect(await changed(() => apply({ deny: ["one.*"] }))).not.toContain("one__link");
    const without = before.mcpServers.filter(({ name }) => name !== "two");
    expect(await changed(() => app.apply({ ...before, mcpServers: without }))).not.toContain("two__link");
    expect(await changed(() => app.apply(before))).toEqual(expect.arrayContaining(["one__link", "two__link"]));
    await connected.close();
  });

  test.each([
    ["unsubscribes", (connected: Client, uri: string) => connected.unsubscribeResource({ uri })],
    ["leaves", (connected: Client) => connected.close()],
  ])("no longer watches a resource once it %s", async (way, end) => {
    const connected = await connect(serve);
    const uri = `two://${way}`;
    await connected.subscribeResource({ uri });
    await connected.subscribeResource({ uri });
    await end(connected, uri);
    const lines = () => record.lines().filter((line) => line.endsWith(uri));
    await until(() => lines().length > 1);
    expect(lines()).toEqual([`subscribed ${uri}`, `unsubscribed ${uri}`]);
    await connected.close();
  });

  test("does not hear of a watched resource while rules deny it", async () => {
    const connected = await connect(serve);
    const heard: string[] = [];
    let hear = () => {};
    connected.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      heard.push(params.uri);
      hear();
    });
    const address = "note://two/today";
    const told = async (cause: () => Promise<unknown>) => {
      const next = new Promise<void>((resolve) => {
        hear = resolve;
      });
      await cause();
      await next;
    };
    await told(() => connected.subscribeResource({ uri: address }));
    const touch = () => connected.callTool({ name: "two__touch", arguments: { uris: ["note://today"] } });
    await apply({ deny: ["two.read_resource(uri=note://today)"] });
    await touch();
    await apply({});
    await told(touch);
    expect(heard).toEqual([address, address]);
    await connected.close();
  });
});
