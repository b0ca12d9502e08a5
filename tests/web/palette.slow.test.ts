import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, chunk, type LlmServer, stall, startLlmServer, stream } from "../support/llm-server.js";
import { browserOfFile, looks, overflow, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

const palette = (page: Page) => page.getByRole("dialog", { name: "Commands and conversations" });
const chosen = (page: Page) => palette(page).getByRole("option", { selected: true });

/** Opens the palette, writes these words and runs what is found first. */
async function run(page: Page, words: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await palette(page).getByRole("combobox").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
}

inBrowser("the palette", () => {
  const open = browserOfFile();

  async function opened(llm: LlmServer, titles: readonly string[], place: string, options = {}) {
    const app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    for (const [index, text] of titles.entries()) {
      await collect(app.sessions.open(`c${index}`).prompt({ requestId: "r", text }));
    }
    const door = await openDoor(app);
    const tab = await open(door, place, options);
    return {
      ...tab,
      app,
      async [Symbol.asyncDispose]() {
        await tab[Symbol.asyncDispose]();
        await door[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
      },
    };
  }

  test("runs commands and finds conversations by the words of their answers, by keyboard alone", async () => {
    await using llm = await startLlmServer([answer("about walruses"), answer("fine")]);
    await using tab = await opened(llm, ["first", "second"], "#/chat/c1");
    const { page, app, complaints } = tab;
    await reads(page, "second");
    await page.keyboard.press("Control+k");
    expect(await chosen(page).textContent()).toContain("Rename this conversation");
    await page.keyboard.press("ArrowUp");
    expect(await chosen(page).textContent()).toBe("firstconversation");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    await palette(page).waitFor({ state: "detached" });
    await run(page, "rename");
    await page.getByLabel("Title").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Taxes");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Taxes" }).waitFor();
    await run(page, "pin");
    await page.getByRole("region", { name: "Pinned" }).getByText("Taxes").waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("walruses");
    await chosen(page).getByText("first").waitFor();
    await page.keyboard.press("Enter");
    await reads(page, "about walruses");
    await run(page, "delete this");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await page.getByLabel("Message").and(page.locator(":focus")).waitFor();
    await run(page, "theme: dark");
    expect(await page.evaluate("document.documentElement.style.colorScheme")).toBe("dark");
    await run(page, "usage");
    await page.getByRole("heading", { name: "Usage" }).waitFor();
    await page.keyboard.press("Control+Shift+o");
    await page.getByLabel("Message").and(page.locator(":focus")).waitFor();
    await run(page, "search conv");
    await page.getByLabel("Search conversations").and(page.locator(":focus")).waitFor();
    expect((await app.sessions.list({ most: 9 })).conversations.length).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  test("shows the folded sidebar for a command that works there", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using tab = await opened(llm, ["first"], "#/chat/c0");
    const { page } = tab;
    await reads(page, "fine");
    await page.getByRole("button", { name: "Hide the sidebar" }).click();
    await run(page, "rename");
    await page.getByLabel("Title").and(page.locator(":focus")).waitFor();
  });

  test("cancels the running turn, and shows the keys at a question mark outside of fields", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "One" }), stall])]);
    await using tab = await opened(llm, [], "#/chat");
    const { page, complaints } = tab;
    await page.getByLabel("Message").fill("is this it");
    await page.keyboard.press("?");
    expect(await page.getByLabel("Message").inputValue()).toBe("is this it?");
    await say(page, "Go");
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await page.locator("main").focus();
    await page.keyboard.press("?");
    await palette(page).getByText("↑ edits the last message").waitFor();
    await page.keyboard.press("Escape");
    await palette(page).waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: "Cancel" }).count()).toBe(1);
    await run(page, "cancel");
    await reads(page, "Cancelled.");
    expect(complaints).toEqual([]);
  });

  test("does not open in a form, nor while an input method composes a word", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using tab = await opened(llm, ["first"], "#/chat/c0");
    const { page } = tab;
    await reads(page, "fine");
    const keys = { key: "k", ctrlKey: true, bubbles: true, isComposing: true };
    await page.getByLabel("Message").dispatchEvent("keydown", keys);
    await page.getByRole("article", { name: "You" }).getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Edit the message").press("Control+k");
    expect(await palette(page).count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await palette(page).waitFor();
  });

  test("↑ in an empty message field edits the last message", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using tab = await opened(llm, ["first"], "#/chat/c0");
    await reads(tab.page, "fine");
    await tab.page.getByLabel("Message").press("ArrowUp");
    expect(await tab.page.getByLabel("Edit the message").and(tab.page.locator(":focus")).inputValue()).toBe("first");
  });

  test.each(looks)("%s has no fault of accessibility, and nothing is cut", async (_, look) => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using tab = await opened(llm, ["first"], "#/chat/c0", look);
    const { page } = tab;
    await reads(page, "fine");
    await page.keyboard.press("Control+k");
    await chosen(page).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  test("a conversation leaves out the tools that the person takes from it, and so does its copy", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using tab = await opened(llm, [], "#/chat");
    const { page, app, complaints } = tab;
    await app.ready();
    const offered = () => (llm.requests.at(-1)?.body.tools ?? []) as { function: { name: string } }[];
    await say(page, "With all");
    await reads(page, "fine");
    expect(offered().some(({ function: { name } }) => name === "s__echo")).toBe(true);
    await page.getByRole("button", { name: "Tools" }).click();
    await page.getByLabel("echo", { exact: true }).uncheck();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await say(page, "Without one");
    await page.getByRole("article", { name: "m1" }).nth(1).getByText("fine").waitFor();
    const names = offered().map(({ function: { name } }) => name);
    expect(names).toContain("s__hang");
    expect(names).not.toContain("s__echo");
    await page.reload();
    await page.getByRole("button", { name: "Tools" }).click();
    await page.getByLabel("s", { exact: true }).uncheck();
    expect(await page.getByLabel("hang", { exact: true }).isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Tools, some off" }).waitFor();
    await page
      .getByRole("article", { name: "m1" })
      .nth(1)
      .getByRole("button", { name: "Answer again", exact: true })
      .click();
    await page.getByText("2/2").waitFor();
    await page.getByRole("article", { name: "m1" }).nth(1).getByText("fine").waitFor();
    expect(offered()).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
