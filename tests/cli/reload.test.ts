import type { ChildProcess } from "node:child_process";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { loadConfig } from "../../src/config/load.js";
import { Confirmations, fingerprint } from "../../src/config/project-servers.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { isRunning, until } from "../support/mcp-hub.js";

let place: Workplace;
let host: Host | undefined;

beforeEach(() => {
  place = new Workplace();
});

afterEach(async () => {
  await host?.end();
  host = undefined;
  place[Symbol.dispose]();
});

/** The JSON lines door of a running host, and what it says. */
class Host {
  stdout = "";
  stderr = "";
  #seen = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(...flags: string[]) {
    this.#child = place.start("--log-level", "info", ...flags, "stdio");
    this.#child.stdout?.on("data", (text) => {
      this.stdout += text;
    });
    this.#child.stderr?.on("data", (text) => {
      this.stderr += text;
    });
    this.#ended = ended(this.#child);
  }

  chat(requestId: string, text = "go"): void {
    this.#child.stdin?.write(`${JSON.stringify({ action: "chat", request_id: requestId, payload: { text } })}\n`);
  }

  /** Resolves to the line of the log that has this text, and that came after the one asked for before. */
  async logged(text: string): Promise<string> {
    let line = "";
    await until(() => {
      const at = this.stderr.indexOf(text, this.#seen);
      if (at < 0) return false;
      const end = this.stderr.indexOf("\n", at);
      if (end < 0) return false;
      line = this.stderr.slice(this.stderr.lastIndexOf("\n", at) + 1, end);
      this.#seen = end;
      return true;
    });
    return line;
  }

  async answered(requestId: string): Promise<string> {
    let whole = "";
    await until(() => {
      const lines = this.stdout.split("\n").filter((line) => line.includes(`"request_id":"${requestId}"`));
      whole = lines.find((line) => /"status":"(complete|error)"/.test(line)) ?? "";
      return whole !== "";
    });
    return whole;
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}

const pidsOf = (record: string) =>
  [...readFileSync(join(place.folder, record), "utf8").matchAll(/^started (\d+)$/gm)].map(([, pid]) => Number(pid));
const recorded = (record: string, more: object = {}) => fixtureServer({ record: join(place.folder, record), ...more });
/** As editors do it. */
const replace = (name: string, text: string) =>
  renameSync(place.write(`${name}.draft`, text), join(place.folder, name));

describe("servers follow the configuration of a running host", () => {
  const auto = { chat: { service: { approval: "auto" } } };

  test("added, changed, left as they are while it is broken, removed: and a running call ends as if nothing had been", async () => {
    const path = join(place.folder, "go");
    await using llm = await startLlmServer(({ body }) =>
      body.messages?.at(-1)?.role === "user" && body.messages.length === 2
        ? toolCalls([{ name: "s__wait", arguments: { path } }])
        : answer("done"),
    );
    const configure = (mcpServers: object) => replace("config.yaml", dump(configFor(llm.url, mcpServers, auto)));
    place.configure(configFor(llm.url, { s: recorded("s") }, auto));
    host = new Host();
    await host.logged("s: ready");
    host.chat("r1");
    await until(() => host?.stdout.includes('"type":"tool_call"') === true);

    configure({ s: recorded("s"), t: recorded("t") });
    expect(await host.logged("config.yaml: added t")).toContain('"scope":"config"');
    await host.logged("t: ready");

    configure({ s: recorded("s", { greeting: "changed" }), t: recorded("t") });
    await host.logged("config.yaml: changed s");
    await host.logged("s: ready");

    replace("config.yaml", "mcpServers:\n  t:\n    comand: x\n");
    const broken = await host.logged("the servers stay as they are");
    expect(broken).toContain('config.yaml:3:5 mcpServers.t.comand: unknown key \\"comand\\"');
    expect(broken).toContain('"level":"warn"');

    configure({ s: recorded("s", { greeting: "changed" }) });
    await host.logged("config.yaml: removed t");
    await until(() => pidsOf("t").every((pid) => !isRunning(pid)));
    expect(pidsOf("t")).toHaveLength(1);
    const [before = 0, after = 0, ...more] = pidsOf("s");
    expect([isRunning(before), isRunning(after), more]).toEqual([true, true, []]);

    place.write("go", "");
    expect(await host.answered("r1")).toContain('"data":"done"');
    expect(llm.requests.at(-1)?.body.messages?.at(-1)).toMatchObject({ role: "tool", content: "waited" });
    await until(() => !isRunning(before));
    expect(isRunning(after)).toBe(true);
  });

  test("also that of the JSON file beside it, and what needs a restart is said", async () => {
    await using llm = await startLlmServer([]);
    place.configure(configFor(llm.url));
    place.write("servers.json", JSON.stringify({ mcpServers: { a: fixtureServer() } }));
    host = new Host("--mcp-config", "servers.json");
    await host.logged("a: ready");
    replace("servers.json", JSON.stringify({ mcpServers: { b: fixtureServer() } }));
    await host.logged("added b; removed a");
    await host.logged("b: ready");
    replace("servers.json", "{");
    expect(await host.logged("the servers stay as they are")).toContain("servers.json:1:");
    replace("servers.json", JSON.stringify({ mcpServers: { b: fixtureServer() } }));
    await host.logged("nothing has changed");
    replace("config.yaml", dump(configFor(llm.url, {}, auto)));
    await host.logged("other keys than mcpServers are as they were until the host starts anew");
  });

  test("the demo server stays beside them", async () => {
    place.configure({ llm: { active: "demo" } });
    host = new Host();
    await host.logged("demo: ready");
    replace("config.yaml", dump({ llm: { active: "demo" }, mcpServers: { s: fixtureServer() } }));
    await host.logged("added s");
    await host.logged("s: ready");
    host.chat("r1", "Add 2 and 40 with the add tool");
    expect(await host.answered("r1")).toContain("The answer is 42.");
    expect(host.stderr.split("demo: ready")).toHaveLength(2);
  });
});

describe("a configuration that was only found in the folder", () => {
  const find = (mcpServers: object) => replace("config.yaml", dump({ llm: { active: "demo" }, mcpServers }));

  test("starts no server that nobody has confirmed because it has changed, and says how to confirm it", async () => {
    find({});
    host = new Host();
    await host.logged("demo: ready");
    find({ s: recorded("s") });
    expect(await host.logged("not started until you confirm them: s (")).toContain("--config config.yaml");
    host.chat("r1", "Add 2 and 40 with the add tool");
    expect(await host.answered("r1")).toContain("The answer is 42.");
    expect(() => pidsOf("s")).toThrow("ENOENT");
  });

  test("has no word about settings that wait for their confirmation, only about those that have changed", async () => {
    const write = (approval: string, mcpServers: object) =>
      replace("config.yaml", dump({ llm: { active: "demo" }, chat: { service: { approval } }, mcpServers }));
    write("auto", {});
    host = new Host();
    await host.logged("these settings do not count (chat.service.approval)");
    await host.logged("demo: ready");
    write("auto", { s: recorded("s") });
    expect(await host.logged("not started until you confirm them: s (")).not.toContain("other keys");
    write("ask", {});
    expect(await host.logged("removed s")).toContain("other keys than mcpServers are as they were");
    expect(() => pidsOf("s")).toThrow("ENOENT");
  });

  test("keeps those that were confirmed", async () => {
    find({ s: recorded("s") });
    const path = join(place.folder, "config.yaml");
    const loaded = loadConfig(path, { cwd: place.folder, env: { HOME: place.folder } });
    const file = join(place.folder, ".local", "state", "mcp-platform", "confirmed.json");
    new Confirmations(file).add(path, fingerprint(loaded.config.mcpServers, [], loaded));
    host = new Host();
    await host.logged("s: ready");
    find({ s: recorded("s"), evil: recorded("evil") });
    await host.logged("not started until you confirm them: evil (");
    const [pid = 0, ...more] = pidsOf("s");
    expect([isRunning(pid), more]).toEqual([true, []]);
    find({ s: recorded("s") });
    await host.logged("removed evil");
    expect([isRunning(pid), pidsOf("s")]).toEqual([true, [pid]]);
    expect(() => pidsOf("evil")).toThrow("ENOENT");
  });
});
