import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { StdioServerConfig } from "../../src/core/config.js";
import { textOf } from "../../src/core/messages.js";
import type { ServerHostOptions } from "../../src/mcp/server/supervised-server.js";
import {
  fixture,
  manifestsIn,
  type RunningHub,
  recording,
  startHubWith,
  temporaryFolder,
  until,
} from "../support/mcp-hub.js";

const echo = { name: "echo", description: "says it again", inputSchema: { type: "object" } };
const other = { name: "other", description: "does something else", inputSchema: { type: "object" } };
const instructions = "Call begin first.";
const prompts = [{ name: "greet", description: "a greeting" }];
let folder: ReturnType<typeof temporaryFolder>;
let record: ReturnType<typeof recording>;

beforeEach(() => {
  folder = temporaryFolder();
  record = recording();
  offer(echo, other);
  open();
});

afterEach(() => {
  folder[Symbol.dispose]();
  record[Symbol.dispose]();
});

const at = (name: string) => join(folder.path, name);
const offer = (...tools: object[]) => writeFileSync(at("tools.json"), JSON.stringify(tools));
const open = () => writeFileSync(at("gate"), "");
const shut = () => rmSync(at("gate"));

/** Returns a server that starts once the gate is open. */
function server(more: Partial<StdioServerConfig> = {}, behaviour: Record<string, unknown> = {}): StdioServerConfig {
  const { path } = record;
  return fixture(
    "s",
    { toolsFile: at("tools.json"), startsWith: at("gate"), instructions, prompts, record: path, ...behaviour },
    { startupGraceMs: 60_000, startupTimeoutMs: 60_000, ...more },
  );
}

function start(config = server(), host: ServerHostOptions = {}): RunningHub {
  return startHubWith({ manifests: manifestsIn(folder), remembers: () => true, ...host }, config);
}

/** Runs a host that learns what the server offers. */
async function firstRun(config = server()): Promise<object> {
  await using running = start(config);
  await running.hub.offered();
  return seenBy(running);
}

/** Returns the parts of a hub that go into a request to the model. */
function seenBy({ hub }: RunningHub): object {
  return { tools: JSON.stringify(hub.tools()), catalogue: hub.catalogue(), prompts: hub.prompts() };
}

const startsIn = (lines: readonly string[]) => lines.filter((line) => line.startsWith("started")).length;
const starts = () => startsIn(record.lines());
const warnings = ({ log }: RunningHub) => log.filter(({ level }) => level === "warn").map(({ message }) => message);
const manifests = () => readdirSync(manifestsIn(folder).folder).map((name) => join(manifestsIn(folder).folder, name));

describe("a server that was seen before", () => {
  test("is offered in the same bytes while it starts, and a call waits for the start", async () => {
    const before = await firstRun();
    shut();
    await using running = start();
    await running.hub.offered();
    expect(seenBy(running)).toEqual(before);
    const reason = "its tools are known; it starts at its first use";
    expect(running.hub.servers()).toMatchObject([{ state: "ready", reason, tools: 2 }]);
    const call = running.call("s__echo", { a: 1 });
    open();
    expect(textOf((await call).content)).toBe('{"a":1}');
    expect(running.hub.servers()).toMatchObject([{ state: "ready", reason: undefined, tools: 2 }]);
    expect(seenBy(running)).toEqual(before);
    expect(warnings(running)).toEqual([]);
  });

  test("starts when a model answers, when a caller waits for it, at its first use, and by itself", async () => {
    await firstRun();
    const begins: ((running: RunningHub) => unknown)[] = [
      ({ hub }) => hub.scheduleBackgroundStarts(),
      ({ hub }) => hub.settled(),
      ({ hub }) => hub.ready(),
      ({ hub }) => hub.applyPrompt("s__greet", {}).catch(() => {}),
      () => {},
    ];
    for (const [index, begin] of begins.entries()) {
      await using running = start();
      void begin(running);
      await until(() => running.hub.servers()[0]?.reason === undefined && running.hub.servers()[0]?.state === "ready");
      expect(starts()).toBe(index + 2);
    }
  });

  test("starts at its first use, without the servers that are not used", async () => {
    const configs = ["a", "b", "c"].map((name) => ({ ...server({}, { record: at(name) }), name }));
    {
      await using first = startHubWith({ manifests: manifestsIn(folder), remembers: () => true }, ...configs);
      await first.hub.offered();
    }
    await using running = startHubWith({ manifests: manifestsIn(folder), remembers: () => true }, ...configs);
    await running.hub.offered();
    expect(running.hub.tools()).toHaveLength(6);
    expect((await running.call("b__echo", { a: 1 })).isError).toBe(false);
    const startsOf = (name: string) => startsIn(readFileSync(at(name), "utf8").split("\n"));
    expect(["a", "b", "c"].map(startsOf)).toEqual([1, 2, 1]);
  });

  test("gets no call by the old definition of a changed tool, and the next one by the new", async () => {
    await firstRun();
    offer({ ...echo, description: "says it to everybody" }, other);
    await using running = start();
    await running.hub.offered();
    const refused = await running.call("s__echo");
    expect(refused.isError).toBe(true);
    expect(textOf(refused.content)).toBe(
      "echo was not called: its definition has changed meanwhile; look at it again before you call it",
    );
    expect(record.lines().some((line) => line.startsWith("tools/call"))).toBe(false);
    expect(warnings(running)).toContain("s: its tools differ from the last time: changed tools: echo");
    expect(running.hub.tools()).toMatchObject([{ description: "says it to everybody" }, { name: "s__other" }]);
    expect((await running.call("s__echo", { a: 2 })).isError).toBe(false);
    expect(textOf((await running.call("s__other")).content)).toBe("other");
  });

  test("gets a call of a tool that it registers late", async () => {
    const config = server({}, { late: true });
    {
      await using first = start(config);
      await until(() => first.hub.tools().length === 2);
    }
    await using running = start(config);
    await running.hub.offered();
    expect(running.hub.tools()).toHaveLength(2);
    expect((await running.call("s__echo", { a: 1 })).isError).toBe(false);
  });

  test("gets no call of a tool that it no longer has", async () => {
    await firstRun();
    offer(echo, { ...other, name: "newer" });
    await using running = start();
    await running.hub.offered();
    const refused = await running.call("s__other");
    expect(textOf(refused.content)).toBe("other was not called: the server no longer offers it");
    expect(warnings(running)).toContain("s: its tools differ from the last time: new tools: newer; gone tools: other");
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__echo", "s__newer"]);
  });

  test("is an error of the call if it no longer starts, and is not offered from then on", async () => {
    const config = server({}, { exitsAtSecondStart: true });
    await firstRun(config);
    await using running = start(config);
    await running.hub.offered();
    expect(running.hub.tools()).toHaveLength(2);
    expect(textOf((await running.call("s__echo")).content)).toMatch(
      /^echo was not called: the MCP server "s" has failed: the server exited with code 4/,
    );
    expect(running.hub.tools()).toEqual([]);
  });

  test("delays the first turn if it is required", async () => {
    const required = { required: true };
    const config = server(required, { exitsAtSecondStart: true });
    await firstRun(config);
    await using running = start(config);
    await expect(running.hub.offered()).rejects.toThrow("mcpServers.s is required, but");
    await using again = start(server(required));
    await again.hub.offered();
    expect(again.hub.servers()).toMatchObject([{ state: "ready" }]);
  });

  test("delays the first turn as a new server if its settings changed, if that is configured, and if the file is broken", async () => {
    await firstRun();
    const cases: (() => RunningHub)[] = [
      () => start(server({ env: { MODE: "other" } })),
      () => start(server({ args: [...server().args, "more"] })),
      () => start(server(), { remembers: () => false }),
      () => {
        for (const file of manifests()) writeFileSync(file, readFileSync(file, "utf8").slice(0, -20));
        return start();
      },
      () => {
        for (const file of manifests()) writeFileSync(file, '{"lists":{"tools":[1]}}');
        return start();
      },
      () => {
        writeFileSync(manifestsIn(folder).keyFile, "short");
        return start();
      },
    ];
    for (const begin of cases) {
      await using running = begin();
      expect(running.hub.tools()).toEqual([]);
      await running.hub.offered();
      expect(running.hub.servers()).toMatchObject([{ state: "ready", tools: 2 }]);
    }
    await using running = start();
    expect(running.hub.tools()).toHaveLength(2);
  });
});

describe("a kept list that may be wrong", () => {
  const age = (hours: number) => {
    const at = new Date(Date.now() - hours * 3_600_000);
    for (const file of manifests()) utimesSync(file, at, at);
  };

  test("is checked before the first request, if the server has not confirmed it for a day", async () => {
    await firstRun();
    offer(echo, { ...other, name: "newer" });
    age(23);
    {
      await using fresh = start();
      await fresh.hub.offered();
      expect(fresh.hub.tools().map(({ name }) => name)).toEqual(["s__echo", "s__other"]);
    }
    age(25);
    await using running = start();
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__echo", "s__other"]);
    await running.hub.offered();
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__echo", "s__newer"]);
  });

  test("is good for another day, once the server has confirmed it", async () => {
    await firstRun();
    age(25);
    await firstRun();
    expect(starts()).toBe(2);
    shut();
    await using running = start();
    await running.hub.offered();
    expect(running.hub.tools()).toHaveLength(2);
    open();
  });

  test("is used while an old server starts, and if the server is lazy", async () => {
    await firstRun();
    await firstRun(server({ lazy: true }));
    age(25);
    shut();
    {
      await using slow = start(server({ startupGraceMs: 1 }));
      await slow.hub.offered();
      expect(slow.hub.tools()).toHaveLength(2);
      open();
    }
    const before = starts();
    await using lazy = start(server({ lazy: true }));
    await lazy.hub.offered();
    expect(lazy.hub.tools()).toHaveLength(2);
    expect(starts()).toBe(before);
  });

  test("is ignored if it is empty: the first turn waits for the server", async () => {
    const bare = { instructions: undefined, prompts: [] };
    for (const more of [{}, { lazy: true }]) {
      offer();
      await firstRun(server(more, bare));
      offer(echo);
      await using running = start(server(more, bare));
      await running.hub.offered();
      expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__echo"]);
    }
  });
});

test("a stored list contains no secret, and its file name does not reveal one by trying", async () => {
  const config = server({ env: { PIN: "4711" }, args: [...server().args, "--token=4712"] });
  await firstRun(config);
  const [name] = manifests();
  expect(readFileSync(name ?? "", "utf8")).not.toMatch(/4711|4712/);
  rmSync(manifestsIn(folder).keyFile);
  await firstRun(config);
  expect(manifests()).toHaveLength(2);
});
