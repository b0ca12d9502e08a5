import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { McpResults, ToolHub } from "../../../src/core/ports.js";
import { choiceColumns, createCompleter } from "../../../src/doors/terminal/completion/completion.js";
import type { App } from "../../../src/index.js";
import { startApp } from "../../support/app.js";
import { answer, type LlmServer, startLlmServer } from "../../support/llm-server.js";

const folder = mkdtempSync(join(tmpdir(), "completion-"));
mkdirSync(join(folder, "src"));
for (const name of ["notes.txt", "notes.md", "my file.txt", ".hidden", "src/main.ts"])
  writeFileSync(join(folder, name), "");

/** A hub whose server has chosen all names; one of the names would move the cursor. */
const catalogue: Partial<ToolHub> = {
  prompts: () => [
    { name: "git__review", server: "git", description: "", arguments: [argument("branch"), argument("base")] },
    { name: "git__release", server: "git", description: "", arguments: [] },
    { name: "git__\u001b[2J", server: "git", description: "", arguments: [] },
  ],
  resources: () => [
    { uri: "git://head", server: "git", name: "", description: "" },
    { uri: "git://log\u001b]0;x\u0007", server: "git", name: "", description: "" },
  ],
  mcpResults: {
    templates: () => [{ uriTemplate: "git://file/{path}", server: "git" }],
    complete: async (of, { name, value }) => {
      if (name === "base") throw new Error("not today");
      const values = "prompt" in of ? ["main", "two words", "maint"] : ["a.txt", "b.txt"];
      return values.filter((each) => each.startsWith(value));
    },
  } as Partial<McpResults> as McpResults,
};

function argument(name: string) {
  return { name, description: "", required: true };
}

describe("Tab", () => {
  let llm: LlmServer;
  let app: App;
  beforeAll(async () => {
    llm = await startLlmServer([answer("hi")]);
    app = await startApp({ llm: llm.url });
    await (await app.sessions.open("conv_7").submit({ requestId: "r", text: "hi" })).watch().next();
  });
  afterAll(async () => {
    await app.close();
    await llm[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["/he", "/help"],
    ["/pr", "/prompt"],
    ["/mod", "/model "],
    ["/model t", "/model test/m1"],
    ["/prompt ", "/prompt git__re"],
    ["/prompt git__rel", "/prompt git__release "],
    ["/prompt git__review br", "/prompt git__review branch="],
    ["/prompt git__review branch=m", "/prompt git__review branch=main"],
    ["/prompt git__review branch=t", '/prompt git__review branch="two words" '],
    ['/prompt git__review branch="two w', '/prompt git__review branch="two words" '],
    ["/prompt git__review base=x", "/prompt git__review base=x"],
    ["/resource git://h", "/resource git://head"],
    ["/resource git://f", "/resource git://file/"],
    ["/resource git://file/b", "/resource git://file/b.txt"],
    ["/resume c", "/resume conv_7"],
    ["/export sr", "/export src/"],
    ["see @n", "see @notes."],
    ["see @src/", "see @src/main.ts "],
    ["see @my", 'see @"my file.txt" '],
    ["see @.h", "see @.hidden "],
    ["see @git", "see @git://head "],
    ['see @"my file.txt" and @notes.m', 'see @"my file.txt" and @notes.md '],
    [`${"a".repeat(1_000_000)} @notes.m`, `${"a".repeat(1_000_000)} @notes.md `],
    ["nothing", "nothing"],
    ["@none", "@none"],
  ])("makes of %.80s", async (text, expected) => {
    const hub = { ...catalogue } as ToolHub;
    const complete = createCompleter({ hub, sessions: app.sessions, models: () => ["test/m1"], folder });
    const { start, insert } = await complete(text, text.length);
    expect(text.slice(0, start) + insert).toBe(expected);
  });

  test("shows the choices side by side, as wide as they are", async () => {
    const hub = { ...catalogue } as ToolHub;
    const complete = createCompleter({ hub, sessions: app.sessions, models: () => [], folder });
    expect((await complete("/prompt git__", 13)).choices).toEqual(["git__review ", "git__release "]);
    expect(choiceColumns(["漢字", "ab", "abc"], 12)).toBe("漢字  ab\nabc");
  });
});
