import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { browsers, noChromium } from "../support/chromium.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, comesTo, reads, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

const server = fixtureServer({
  declares: { tools: {}, prompts: {}, resources: {}, completions: {} },
  prompts: [
    { name: "plain", description: "A prompt without arguments" },
    {
      name: "review",
      description: "Reviews a file",
      arguments: [{ name: "file", description: "Its path", required: true }, { name: "tone" }],
    },
  ],
  resources: [
    { uri: "note:1", name: "Note", description: "The first note" },
    { uri: "none:it", name: "Gone" },
  ],
  templates: [{ name: "user", uriTemplate: "user:{name}" }],
  words: "words of the note",
});

const field = (page: Page) => page.getByLabel("Message", { exact: true });
const offered = (page: Page) => page.locator(".offers").getByRole("option");
const chosen = (page: Page, name: string) => page.locator(".offers").getByRole("option", { name, selected: true });

describe.each(browsers)("what servers offer for a message in $name", ({ start }) => {
  const open = browserOfFile(start);

  test("a prompt with arguments is used by keyboard alone", async () => {
    await using llm = await startLlmServer([answer("reviewed")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: server } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await field(page).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("/");
    await page.getByRole("listbox", { name: "Prompts" }).waitFor();
    expect(await offered(page).count()).toBe(2);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("ArrowDown");
    await chosen(page, "s__review").waitFor();
    await page.keyboard.type("rev");
    expect(await field(page).getAttribute("aria-activedescendant")).toBe(
      await chosen(page, "s__review").getAttribute("id"),
    );
    // With an input method, Enter may finish a word.
    await page.evaluate(
      "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }))",
    );
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.keyboard.press("Enter");
    const form = page.getByRole("dialog", { name: "s__review" });
    await form.waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.type("a.ts");
    await form.locator("datalist option[value='review:file=a.ts']").waitFor({ state: "attached" });
    await page.keyboard.press("Enter");
    await form.waitFor({ state: "detached" });
    expect(await field(page).inputValue()).toBe('review {"file":"a.ts"}, fetch 1');
    expect(llm.requests).toHaveLength(0);
    await page.keyboard.type("!");
    await page.keyboard.press("Enter");
    await reads(page, "reviewed");
    expect(llm.requests[0]?.body.messages?.at(-1)?.content).toBe('review {"file":"a.ts"}, fetch 1!');
    expect(complaints).toEqual([]);
  });
});

inBrowser("what servers offer for a message", () => {
  const open = browserOfFile();

  test("a resource is attached in the middle of a text, also one whose address has variables; a resource that cannot be read is named", async () => {
    await using llm = await startLlmServer([answer("read")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: server } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await field(page).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Sum up @no");
    await chosen(page, "Note").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Remove note:1" }).waitFor();
    expect(await field(page).inputValue()).toBe("Sum up ");
    await page.keyboard.type("and @user");
    await chosen(page, "user:{name}").waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("dialog").getByLabel("name").fill("Ann B");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Remove user:Ann%20B" }).waitFor();
    await page.keyboard.type("@gone");
    await chosen(page, "Gone").waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".offers").getByRole("alert").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".offers").waitFor({ state: "detached" });
    await field(page).fill("Sum up, a@b is no name of a resource");
    await page.keyboard.press("Enter");
    await reads(page, "read");
    expect(llm.requests).toHaveLength(1);
    expect(llm.requests[0]?.text).toContain("[file note:1]\\nwords of the note");
    expect(llm.requests[0]?.text).toContain("[file user:Ann%20B]\\nwords of the note");
    expect(complaints).toEqual([]);
  });

  test("Escape closes the list and cancels nothing; a path that no prompt is called by is sent", async () => {
    await using llm = await startLlmServer([answer("a folder")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: server } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await field(page).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("/pl");
    await page.getByRole("listbox").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("listbox").waitFor({ state: "detached" });
    expect(await field(page).inputValue()).toBe("/pl");
    await page.keyboard.type("a");
    await page.getByRole("option", { name: "s__plain" }).click();
    await comesTo(() => field(page).inputValue(), /^plain/);
    await field(page).fill("/usr/lib");
    await page.getByText("Asking the servers…").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await reads(page, "a folder");
    expect(llm.requests[0]?.body.messages?.at(-1)?.content).toBe("/usr/lib");
  });
});
