import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Command } from "commander";
import { dump } from "js-yaml";
import { addConfigCommands } from "../../src/cli/commands/config.js";
import { type ConfigSource, findUnconfirmed, load } from "../../src/cli/shared/configuration.js";
import { Reload } from "../../src/cli/shared/reload.js";
import type { LoadedConfig } from "../../src/config/reading/load.js";
import type { Config } from "../../src/core/config.js";
import { type Folder, folderWith } from "../config/folder.js";

let folder: Folder;
const found = () => join(folder.path, "project", "config.yaml");
const own = () => join(folder.path, "home", "mcp-platform", "config.yaml");
const environment = { ...process.env };
const start = process.cwd();
const stops: (() => void)[] = [];

beforeEach(() => {
  folder = folderWith({});
  // Changes the working directory so that no file of the repository is found.
  process.chdir(folder.path);
  process.env.XDG_CONFIG_HOME = join(folder.path, "home");
  process.env.XDG_STATE_HOME = join(folder.path, "state");
});

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  process.chdir(start);
  folder[Symbol.dispose]();
  process.env = { ...environment };
});

function write(path: string, tree: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, dump(tree));
}

/**
 * Starts a host with the current content of these files. `says` returns the messages about a reload, `config` the configuration in force.
 */
async function hostOn(source: ConfigSource, { isConfirmed = false } = {}) {
  const read = await load({}, source);
  const unconfirmed = await findUnconfirmed(read, { flags: {}, source });
  if (isConfirmed) unconfirmed?.confirm();
  const loaded: LoadedConfig = (isConfirmed ? undefined : unconfirmed?.refused) ?? read;
  const host = {
    config: loaded.config,
    async apply(next: Config) {
      host.config = next;
    },
  };
  const reload = new Reload({ flags: {}, source, read, loaded, host });
  /** Follows the files. Returns a function that resolves to the next message. */
  const watched = () => {
    const texts: string[] = [];
    let arrived = () => {};
    stops.push(
      reload.watch(({ text }) => {
        texts.push(text);
        arrived();
      }),
    );
    return async () => {
      while (texts.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
      return texts.shift();
    };
  };
  return { host, watched, says: () => reload.now(), service: () => host.config.chat.service };
}

test("config show marks settings of the found file that are not confirmed", async () => {
  write(join(folder.path, "config.yaml"), service({ approval: "auto", tool_budget_tokens: 3 }));
  const { stdout } = process;
  const before = stdout.write;
  let shown = "";
  const show = async () => {
    shown = "";
    stdout.write = (text: unknown) => {
      shown += String(text);
      return true;
    };
    const program = new Command().option("--trust-project");
    addConfigCommands(program);
    await program.parseAsync(["config", "show"], { from: "user" }).finally(() => (stdout.write = before));
    return shown;
  };
  expect(await show()).toContain("approval: auto # not confirmed yet, so it has no effect\n");
  expect(shown).toContain("tool_budget_tokens: 3\n");
  const source = { file: "config.yaml", isFound: true };
  (await findUnconfirmed(await load({}, source), { flags: {}, source }))?.confirm();
  expect(await show()).not.toContain("not confirmed");
});

const service = (settings: object) => ({ chat: { service: settings } });
const foundOverOwn = (): ConfigSource => ({ file: found(), isFound: true, base: own() });

test("rules in the user's own file take effect at once while the found file waits for confirmation", async () => {
  write(own(), service({ permissions: { deny: ["a.*"] } }));
  write(found(), service({ approval: "auto" }));
  const { says, service: running } = await hostOn(foundOverOwn());
  write(own(), service({ max_tool_hops: 3, permissions: { deny: ["a.*", "b.*"], allow: ["c.*"] } }));
  expect(await says()).toContain("changed chat.service");
  expect(running()).toMatchObject({
    approval: "ask",
    maxToolHops: 3,
    permissions: { deny: ["a.*", "b.*"], allow: ["c.*"] },
  });
});

test("new deny rules of the found file take effect at once; what it allows waits and is named", async () => {
  write(found(), service({ permissions: { allow: ["a.*"] } }));
  const { says, service: running } = await hostOn({ file: found(), isFound: true }, { isConfirmed: true });
  expect(running().permissions.allow).toEqual(["a.*"]);
  write(found(), service({ approval: "auto", permissions: { allow: ["a.*", "b.*"], deny: ["d.*"] } }));
  const text = await says();
  expect(text).toContain("chat.service.approval, chat.service.permissions.allow");
  expect(text).toContain(`--config ${found()}`);
  expect(running()).toMatchObject({ approval: "ask", permissions: { allow: ["a.*"], deny: ["d.*"] } });
  expect(await says()).toMatch(/nothing has changed$/);
});

test("confirmed settings stay in effect during a turn, and settings that the file no longer has do not", async () => {
  const llm = (model: string) => ({ llm: { active: "openai", providers: { openai: { model } } } });
  write(found(), { ...llm("one"), ...service({ approval: "auto" }) });
  const { host, says } = await hostOn({ file: found(), isFound: true }, { isConfirmed: true });
  write(found(), llm("two"));
  expect(await says()).toContain("llm.providers.openai.model");
  expect(host.config.llm).toMatchObject({ active: "openai", providers: { openai: { model: "one" } } });
  expect(host.config.chat.service.approval).toBe("ask");
  write(own(), { llm: { providers: { openai: { model: "mine" } } } });
  await says();
  expect(host.config.llm.providers.openai?.model).toBe("one");
});

test("if both files have a setting and the user changes it in their own file, that value wins", async () => {
  const model = (name: string) => ({ llm: { providers: { openai: { model: name } } } });
  write(own(), model("one"));
  write(found(), model("one"));
  const { host, says } = await hostOn(foundOverOwn());
  write(own(), model("two"));
  await says();
  expect(host.config.llm.providers.openai?.model).toBe("two");
});

test("the user's own file is followed from its creation on, and its deletion changes nothing", async () => {
  write(found(), service({}));
  const { says, watched, service: running } = await hostOn({ file: found(), isFound: true });
  const told = watched();
  write(own(), service({ permissions: { deny: ["a.*"] } }));
  expect(await told()).toContain("changed chat.service");
  expect(running().permissions.deny).toEqual(["a.*"]);
  write(own(), service({ permissions: { deny: ["b.*"] } }));
  expect(await told()).toContain("changed chat.service");
  rmSync(own());
  expect(await told()).toContain("nothing changes");
  expect(running().permissions.deny).toEqual(["b.*"]);
  write(own(), service({ permissions: { deny: ["c.*"] } }));
  await told();
  expect(running().permissions.deny).toEqual(["c.*"]);
  expect(await says()).toContain("nothing has changed");
});

test("a host that started without a file follows the first file that is made", async () => {
  const { watched, service: running } = await hostOn({ isFound: false });
  const told = watched();
  write(own(), service({ max_tool_hops: 3 }));
  expect(await told()).toContain("changed chat.service");
  expect(running().maxToolHops).toBe(3);
});

test("a limit in the user's own file holds over a confirmed setting that waits", async () => {
  const limited = (rpm: unknown) => ({ llm: { providers: { openai: { rpm } } } });
  process.env.FOUND_RPM = "100";
  write(found(), limited("${FOUND_RPM}"));
  const { host, says } = await hostOn({ file: found(), isFound: true }, { isConfirmed: true });
  expect(host.config.llm.providers.openai?.rpm).toBe(100);
  write(own(), limited(5));
  write(found(), limited("${FOUND_RPM}0"));
  await says();
  expect(host.config.llm.providers.openai?.rpm).toBe(5);
});
