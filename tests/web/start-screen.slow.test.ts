import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Folder, folderWith } from "../config/folder.js";
import { noChromium } from "../support/chromium.js";
import { serveFiles } from "../support/configured-host.js";
import { answer, failure, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, enter, looks, overflow, reads, tabTo, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

inBrowser("the start screen of the demo model", () => {
  const open = browserOfFile();
  const environment = { ...process.env };
  const start = process.cwd();
  let folder: Folder;

  beforeEach(() => {
    const mcp = JSON.stringify({ mcpServers: { found: { command: "unwanted" } } });
    folder = folderWith({ "work/notes.txt": "", "work/.cursor/mcp.json": mcp });
    for (const name of ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]) process.env[name] = folder.path;
    process.chdir(join(folder.path, "work"));
  });

  afterEach(() => {
    process.chdir(start);
    process.env = { ...environment };
    folder[Symbol.dispose]();
  });

  test("tries a server by keyboard alone, shows why it is refused, and is that of the model once it answers", async () => {
    const refusal = failure(401, { body: { error: { message: "no such key" } } });
    await using llm = await startLlmServer([refusal, answer("works"), answer("It is I."), answer("A title")]);
    llm.models.push({ id: "m1" }, { id: "m2" });
    await using host = await serveFiles({});
    await using tab = await open(host);
    const { page, complaints } = tab;
    await page.getByText("A demo answers").waitFor();
    const provider = page.getByLabel(/^Provider/);
    await tabTo(provider);
    await page.keyboard.type("local");
    await tabTo(page.getByLabel(/^Address/));
    await page.keyboard.type(llm.url);
    await tabTo(page.getByLabel(/^Key/));
    await page.keyboard.type("wrong-key");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("no such key").waitFor();
    await page.getByRole("alert").getByText("Check the key.").waitFor();
    expect(await page.getByLabel(/^Address/).inputValue()).toBe(llm.url);
    expect(await page.getByLabel(/^Key/).inputValue()).toBe("wrong-key");
    expect(
      await page.locator("datalist option").evaluateAll((all) => all.map((each) => each.getAttribute("value"))),
    ).toEqual(["m1", "m2"]);
    await tabTo(page.getByLabel(/^Key/));
    await page.keyboard.press("Control+A");
    await page.keyboard.type("right-key");
    await tabTo(page.getByLabel(/^Model, if/));
    await page.keyboard.type("m2");
    await enter(page.getByRole("button", { name: "Try and use" }));
    await page.getByText("m2 of local answers.").waitFor();
    expect(await page.getByText("A demo answers").count()).toBe(0);
    await page.getByRole("link", { name: "Import 1 server of Cursor" }).waitFor();
    await page.getByLabel("Message").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Who are you?");
    await page.keyboard.press("Enter");
    await reads(page, "It is I.");
    expect(llm.requests.at(1)?.headers.authorization).toBe("Bearer right-key");
    expect(page.url()).not.toContain("key");
    expect(complaints).toEqual([]);
  });

  test.each(looks)("%s has no fault of accessibility, and nothing is cut", async (_, look) => {
    await using host = await serveFiles({});
    await using tab = await open(host, "#/chat", look);
    await tab.page.getByRole("button", { name: "Try and use" }).waitFor();
    expect(await violations(tab.page)).toEqual([]);
    expect(await overflow(tab.page)).toBe(0);
  });
});
