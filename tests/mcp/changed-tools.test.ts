import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { StdioServerConfig } from "../../src/core/config.js";
import { textOf } from "../../src/core/messages.js";
import { fixture, manifestsIn, startHubWith, temporaryFolder } from "../support/mcp-hub.js";

const change = expect.stringMatching(/^its description changed since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder[Symbol.dispose]());

function describeTool(description: string, ...others: string[]): void {
  const tools = ["echo", ...others].map((name) => ({ name, description, inputSchema: { type: "object" } }));
  writeFileSync(join(folder.path, "tools.json"), JSON.stringify(tools));
}

function server(more: Partial<StdioServerConfig> = {}): StdioServerConfig {
  return fixture("s", { toolsFile: join(folder.path, "tools.json"), declares: { tools: {} } }, more);
}

async function run<T>(use: (running: ReturnType<typeof startHubWith>) => Promise<T> | T, config = server()) {
  const host = { manifests: manifestsIn(folder), pinFolder: join(folder.path, "pins") };
  await using running = startHubWith(host, config);
  await running.hub.ready();
  return await use(running);
}

const prepared = async ({ hub }: ReturnType<typeof startHubWith>) => {
  const call = await hub.prepare({ id: "1", name: "s__echo", arguments: "{}" });
  if ("refused" in call) throw new Error(textOf(call.refused.content));
  return call;
};

describe("a tool whose definition is not the pinned one", () => {
  test("is reported in every run until it is pinned: in the state of its server, in the log and to the policy", async () => {
    describeTool("says it again");
    await run((running) => expect(running.hub.servers()[0]?.reason).toBeUndefined());
    describeTool("says it to everybody");
    for (let runs = 0; runs < 2; runs++) {
      await run(async (running) => {
        expect(running.hub.servers()[0]).toMatchObject({ state: "ready" });
        expect(running.hub.servers()[0]?.reason).toMatch(
          /^echo was redefined: its description changed since .* UTC \(mcp-platform servers trust s\)$/,
        );
        expect(running.log).toContainEqual(
          expect.objectContaining({
            level: "warn",
            message: expect.stringMatching(/^s: its tool echo was redefined: its description changed since/),
          }),
        );
        expect((await prepared(running)).change).toEqual(change);
      });
    }
  });

  test("is reported in one line of the log with the others, of which five are named", async () => {
    const others = ["b", "c", "d", "e", "f", "g"];
    describeTool("one", ...others);
    await run(() => {});
    describeTool("two", ...others);
    await run(({ log }) => {
      expect(log.filter(({ message }) => /^s: its tool /.test(message))).toEqual([
        expect.objectContaining({
          message: expect.stringMatching(/^s: its tool echo was redefined: .*; e was redefined: .*; and 2 more \(mcp/),
        }),
      ]);
    });
  });

  test("counts as any other once it is pinned, in this run and the next", async () => {
    describeTool("one");
    await run(() => {});
    describeTool("two");
    await run(async (running) => {
      (await prepared(running)).pin();
      expect((await prepared(running)).change).toBeUndefined();
      expect(running.hub.servers()[0]?.reason).toBeUndefined();
    });
    await run(async (running) => expect((await prepared(running)).change).toBeUndefined());
  });

  test("counts as any other when it is as it was", async () => {
    describeTool("one");
    await run(() => {});
    describeTool("two");
    await run(() => {});
    describeTool("one");
    await run(async (running) => expect((await prepared(running)).change).toBeUndefined());
  });

  test("can be trusted by name, also from another host", async () => {
    describeTool("one");
    await run(() => {});
    describeTool("two");
    await run(async (running) => {
      await run(async ({ hub }) => {
        await expect(hub.trust("s", "ecco")).rejects.toThrow('s offers no tool "ecco" (did you mean echo?)');
        await expect(hub.trust("t")).rejects.toMatchObject({ kind: "usage" });
        expect([...(await hub.trust("s"))]).toEqual([["echo", change]]);
        expect((await hub.trust("s", "echo")).size).toBe(0);
      });
      expect((await prepared(running)).change).toBeUndefined();
    });
  });

  test("is reported for a lazy server that has not started, too", async () => {
    describeTool("one");
    await run(() => {});
    describeTool("two");
    await run(() => {});
    await run(
      async (running) => {
        expect(running.hub.servers()[0]?.startMs).toBeUndefined();
        expect((await prepared(running)).change).toEqual(change);
      },
      server({ lazy: true }),
    );
  });

  test("is not called under an approval from before a lazy server started with it", async () => {
    describeTool("one");
    await run(() => {});
    describeTool("two");
    await run(
      async (running) => {
        const call = await prepared(running);
        expect(call.change).toBeUndefined();
        const result = await call.send({ signal: new AbortController().signal });
        expect(result.isError).toBe(true);
        expect(textOf(result.content)).toContain("echo was not called: its definition has changed meanwhile");
        expect((await prepared(running)).change).toEqual(change);
      },
      server({ lazy: true }),
    );
  });
});
