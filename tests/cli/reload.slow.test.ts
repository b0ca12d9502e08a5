import type { ChildProcess } from "node:child_process";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { Confirmations, fingerprint } from "../../src/config/consent/project-servers.js";
import { loadConfig } from "../../src/config/reading/load.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
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

/** A running host with the JSON lines door, and its output. */
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

  chat(requestId: string, text = "go", conversationId?: string): void {
    const request = { action: "chat", request_id: requestId, conversation_id: conversationId, payload: { text } };
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  /** Resolves to the next log line that has this text, after the line that the last call found. */
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
/** Replaces the file by renaming a new one, as editors do. */
const replace = (name: string, text: string) =>
  renameSync(place.write(`${name}.draft`, text), join(place.folder, name));

describe("servers follow the configuration of a running host", () => {
  const auto = { chat: { service: { approval: "auto" } } };

  test("when they are added, changed or removed; a broken file changes nothing, and a running call finishes", async () => {
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
    const broken = await host.logged("nothing changes");
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

  test("follow mcp.config_file too, and the host names settings that need a restart", async () => {
    await using llm = await startLlmServer([]);
    place.configure(configFor(llm.url));
    place.write("servers.json", JSON.stringify({ mcpServers: { a: fixtureServer() } }));
    host = new Host("--mcp-config", "servers.json");
    await host.logged("a: ready");
    replace("servers.json", JSON.stringify({ mcpServers: { b: fixtureServer() } }));
    await host.logged("added b; removed a");
    await host.logged("b: ready");
    replace("servers.json", "{");
    expect(await host.logged("nothing changes")).toContain("servers.json:1:");
    replace("servers.json", JSON.stringify({ mcpServers: { b: fixtureServer() } }));
    await host.logged("nothing has changed");
    replace("config.yaml", dump(configFor(llm.url, {}, { ...auto, serve: { port: 9 } })));
    await host.logged("changed chat.service, from the next turn on; serve stays as before until the host restarts");
  });

  test("may be added while the demo server goes on running", async () => {
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

describe("under load", () => {
  const turns = 50;
  const edits = 100;

  /** Each turn calls a tool that waits for its file. Its answer is the edit number in the system prompt of the last request. */
  const turnOf = ({ body: { messages = [] } }: LlmRequest): Step => {
    const last = messages.at(-1);
    const go = String(messages.find(({ role }) => role === "user")?.content);
    if (last?.role === "user") return toolCalls([{ name: "s__wait", arguments: { path: join(place.folder, go) } }]);
    return answer(/edit \d+/.exec(String(messages[0]?.content))?.[0] ?? "");
  };

  test("100 edits during 50 running turns break no turn, and the last edit is in effect", async () => {
    await using llm = await startLlmServer((request) => turnOf(request));
    const edited = (edit: number) =>
      configFor(
        llm.url,
        { s: recorded("s"), ...(edit % 4 === 1 ? { t: fixtureServer() } : {}) },
        {
          llm: { providers: { test: { base_url: llm.url, model: `m${edit}`, api_key: "sk-test-0123456789" } } },
          chat: { service: { approval: "auto", system_prompt: `This is edit ${edit}.` } },
        },
      );
    place.configure(edited(0));
    host = new Host();
    await host.logged("s: ready");
    for (let n = 0; n < turns; n++) host.chat(`r${n}`, `go${n}`, `c${n}`);
    await until(() => llm.requests.length === turns);
    for (let edit = 1; edit <= edits; edit++) {
      const isBroken = edit % 10 === 5;
      replace("config.yaml", isBroken ? `llm: [edit ${edit}` : dump(edited(edit)));
      await host.logged(isBroken ? "nothing changes, because" : "changed llm, chat.service");
      if (edit % 2 === 0) place.write(`go${edit / 2 - 1}`, "");
    }
    for (let n = 0; n < turns; n++) expect(await host.answered(`r${n}`)).toContain('"data":"edit 0"');
    expect(llm.requests).toHaveLength(2 * turns);
    expect(new Set(llm.requests.map(({ body }) => body.model))).toEqual(new Set(["m0"]));
    expect(host.stdout).not.toContain('"status":"error"');
    place.write("last", "");
    host.chat("last", "last", "c0");
    expect(await host.answered("last")).toContain(`"data":"edit ${edits}"`);
    expect(llm.requests.at(-1)?.body.model).toBe(`m${edits}`);
    expect(pidsOf("s")).toHaveLength(1);
  });
});

describe("a configuration that was only found in the folder", () => {
  const find = (mcpServers: object) => replace("config.yaml", dump({ mcpServers }));

  test("starts no changed server before it is confirmed, and the log says how to confirm it", async () => {
    find({});
    host = new Host();
    await host.logged("demo: ready");
    find({ s: recorded("s") });
    expect(await host.logged("not started until you confirm them: s (")).toContain("--config config.yaml");
    host.chat("r1", "Add 2 and 40 with the add tool");
    expect(await host.answered("r1")).toContain("The answer is 42.");
    expect(() => pidsOf("s")).toThrow("ENOENT");
  });

  test("reports changed settings that wait for confirmation, but not unchanged ones", async () => {
    const write = (approval: string, mcpServers: object) =>
      replace("config.yaml", dump({ chat: { service: { approval } }, mcpServers }));
    write("auto", {});
    host = new Host();
    await host.logged("these settings have no effect (chat.service.approval)");
    await host.logged("demo: ready");
    write("auto", { s: recorded("s") });
    expect(await host.logged("not started until you confirm them: s (")).not.toContain("other keys");
    write("ask", {});
    expect(await host.logged("removed s")).not.toContain("as before");
    expect(() => pidsOf("s")).toThrow("ENOENT");
  });

  test("keeps confirmed settings in effect", async () => {
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
