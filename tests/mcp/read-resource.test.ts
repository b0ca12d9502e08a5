import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { PromptOptions, TurnDefaults } from "../../src/session/shared/prompt-options.js";
import { rulesOf } from "../../src/session/shared/rules.js";
import { decide, isHidden } from "../../src/turn/policy.js";
import { fixture, type RunningHub, startHub } from "../support/mcp-hub.js";

const readTool = "host__read_resource";
const link = { name: "link", inputSchema: { type: "object" } };

function offering(scheme: string) {
  return {
    pages: [[link]],
    instructions: "Link first.",
    prompts: [{ name: "ask" }],
    resources: [{ uri: `${scheme}://listed`, name: "Listed" }],
    templates: [{ uriTemplate: `${scheme}://find/{words}`, name: "Find" }],
  };
}

const tools = { allow: [], deny: [], autoApprove: [], timeoutsMs: {} };

let running: RunningHub;

beforeAll(async () => {
  running = startHub(
    fixture("evil", offering("evil")),
    fixture("notes", offering("notes"), { trusted: true }),
    fixture("own", offering("own"), { tools: { ...tools, autoApprove: ["read_*"] } }),
    fixture("shut", offering("shut"), { tools: { ...tools, deny: ["*"] } }),
  );
  await running.hub.ready();
  await running.call("evil__link", { uri: "https://example.com/linked" });
});

afterAll(async () => {
  await running[Symbol.asyncDispose]();
});

type Said = PromptOptions & { permissions?: Partial<TurnDefaults["permissions"]>; yes?: boolean };

function rules({ permissions, yes, ...turn }: Said) {
  const defaults = { approval: "ask", changedTools: "ask" } as const;
  return rulesOf(
    { ...turn, ...(yes && { approval: "auto" }) },
    { ...defaults, permissions: { allow: [], ask: [], deny: [], ...permissions } },
    { find: () => undefined, remember: () => {} },
  );
}

/** Returns the outcome when the model reads this URI. */
async function verdict(uri: string, said: Said) {
  const prepared = await running.hub.prepare({ id: "c", name: readTool, arguments: JSON.stringify({ uri }) });
  if ("refused" in prepared) throw new Error(textOf(prepared.refused.content));
  return decide(prepared, rules(said));
}

describe("the catalogue in the system prompt", () => {
  const all = ["evil", "notes", "own"];
  const allReads = { allow: [], ask: [], deny: ["host.read_resource"] };

  test.each<[string, Said, { usable: string[]; readable: string[] }]>([
    ["has all but what the configuration denies", {}, { usable: all, readable: all }],
    [
      "nothing of a denied server",
      { permissions: { deny: ["evil.*"] } },
      { usable: all.slice(1), readable: all.slice(1) },
    ],
    ["nor of those that a request leaves out", { only: ["notes.*"] }, { usable: ["notes"], readable: ["notes"] }],
    ["no resource where only a tool is left", { only: ["notes.link"] }, { usable: ["notes"], readable: [] }],
    ["no words about tools that are all denied", { deny: ["own.link"] }, { usable: all.slice(0, 2), readable: all }],
    ["no resources where reads are denied", { permissions: allReads }, { usable: all, readable: [] }],
    ["nothing without tools", { deny: ["*"] }, { usable: [], readable: [] }],
    ["all while only some calls are denied", { deny: ["own.link(to=/etc/*)"] }, { usable: all, readable: all }],
  ])("%s", (_, said, { usable, readable }) => {
    const narrowed = rules(said);
    const text = running.hub.catalogue((tool) => isHidden(tool, narrowed));
    const named = (line: RegExp) => [...text.matchAll(line)].map(([, server]) => server);
    expect({
      instructions: named(/^- (\w+): Link first\.$/gm),
      prompts: named(/^- (\w+)__ask\(\)$/gm),
      resources: named(/^- (\w+):\/\/listed: Listed$/gm),
    }).toEqual({ instructions: usable, prompts: usable, resources: readable });
    if (usable.length + readable.length === 0) expect(text).toBe("");
  });
});

describe("a read by the model is an action of the server that owns the address", () => {
  test.each<[string, string, Said, "allow" | "ask" | "deny"]>([
    ["a listed address is read unasked", "evil://listed", {}, "allow"],
    ["so is one that a result has linked to", "https://example.com/linked", {}, "allow"],
    ["an address that the model wrote by a template is asked about", "evil://find/secret", {}, "ask"],
    ["so is one that only has the server's scheme", "evil://anything", {}, "ask"],
    ["not at a trusted server", "notes://find/secret", {}, "allow"],
    ["not at a server that approves it", "own://find/secret", {}, "allow"],
    ["not with --yes", "evil://find/secret", { yes: true }, "allow"],
    ["not with --allow for the server", "evil://find/secret", { allow: ["evil.read_resource"] }, "allow"],
    ["not with --allow for the host's tool", "evil://find/secret", { allow: ["host.read_resource"] }, "allow"],
    ["not with a rule for such addresses", "evil://find/a", { allow: ["evil.*(uri=evil://find/*)"] }, "allow"],
    ["a denied server is not read, listed or not", "evil://listed", { permissions: { deny: ["evil.*"] } }, "deny"],
    ["nor by a template", "evil://find/secret", { deny: ["evil__*"], yes: true }, "deny"],
    ["nor what it linked to", "https://example.com/linked", { deny: ["evil.*"] }, "deny"],
    ["others still are", "notes://listed", { permissions: { deny: ["evil.*"] } }, "allow"],
    ["the host's tool can be denied", "notes://listed", { permissions: { deny: ["host.read_resource"] } }, "deny"],
    ["a server that is asked about is asked about", "evil://listed", { permissions: { ask: ["evil.*"] } }, "ask"],
    ["a narrowed request reads no other server", "evil://listed", { only: ["notes.*"] }, "deny"],
    ["nor the named one by another tool's name", "notes://listed", { only: ["notes.link"] }, "deny"],
    ["but the named server", "notes://listed", { only: ["notes.*"] }, "allow"],
  ])("%s", async (_, uri, said, decision) => {
    expect((await verdict(uri, said)).decision).toBe(decision);
  });

  test("the question names the server", async () => {
    expect(await verdict("evil://find/secret", {})).toMatchObject({
      reason: "evil.read_resource is not known to be read-only",
    });
  });

  test("a server whose tools.deny matches read_resource is not read", async () => {
    const { isError, content } = await running.call(readTool, { uri: "shut://listed" });
    expect(isError).toBe(true);
    expect(textOf(content)).toContain("no MCP server offers the resource shut://listed");
    expect(running.hub.tools().find(({ name }) => name === readTool)?.description).not.toContain("shut://");
  });

  test.each<[string, Said, boolean]>([
    ["while one server may be read", { deny: ["evil.*", "notes.*"] }, false],
    ["not when all are denied", { deny: ["evil.*", "notes.*", "own.*"] }, true],
    ["not when a request is narrowed to tools", { only: ["notes.link"] }, true],
    ["not when a request is narrowed to none", { only: [] }, true],
    ["not when it is denied itself", { deny: ["host__*"] }, true],
  ])("the tool is shown to the model: %s", (_, said, hidden) => {
    const tool = running.hub.tools().find(({ name }) => name === readTool);
    if (!tool) throw new Error("there is no such tool");
    expect(isHidden(tool, rules(said))).toBe(hidden);
  });
});
