import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { browserOfFile, comesTo, overflow, reads, say } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
/** Resolves when what has this text has the focus. */
const focus = (page: Page, text: string) => page.locator(":focus", { hasText: text }).waitFor();

const conversations = (page: Page) => page.getByRole("navigation", { name: "Conversations" });
const links = (page: Page) => conversations(page).getByRole("link");

async function openMenu(page: Page, title: string): Promise<void> {
  await conversations(page).getByRole("link", { name: title }).hover();
  await page.getByRole("button", { name: `More for ${title}` }).click();
}

inBrowser("the sidebar", () => {
  const open = browserOfFile();

  async function opened(titles: readonly string[], place = "#/chat") {
    const llm = await startLlmServer(() => answer("a **fine** answer"));
    const app = await startApp({ llm: llm.url });
    for (const [index, text] of titles.entries()) {
      await collect(app.sessions.open(`c${index}`).prompt({ requestId: "r", text }));
    }
    const door = await openDoor(app);
    const tab = await open(door, place);
    return {
      ...tab,
      app,
      async [Symbol.asyncDispose]() {
        await tab[Symbol.asyncDispose]();
        await door[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
        await llm[Symbol.asyncDispose]();
      },
    };
  }

  test("has every conversation, page by page, and finds them by their words, also after a look at one and Back", async () => {
    const titles = Array.from({ length: 130 }, (_, index) => (index % 50 === 7 ? `rare ${index}` : `usual ${index}`));
    await using tab = await opened(titles);
    const { page, complaints } = tab;
    await links(page).nth(99).waitFor();
    await links(page).nth(99).scrollIntoViewIfNeeded();
    await links(page).nth(129).waitFor();
    expect(await links(page).count()).toBe(130);
    await page.getByLabel("Search conversations").fill("RARE");
    await links(page).nth(3).waitFor({ state: "detached" });
    expect(await links(page).allTextContents()).toEqual(["rare 107", "rare 57", "rare 7"]);
    await page.getByRole("link", { name: "rare 57" }).click();
    await reads(page, "rare 57");
    await reads(page, "fine");
    await page.goBack();
    await page.getByRole("heading", { name: "New chat" }).waitFor();
    expect(await page.getByLabel("Search conversations").inputValue()).toBe("RARE");
    expect(await links(page).count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  test.each([
    ["the title of the model as soon as there is one", "model", "Fine weather"],
    ["the time if there are no titles", "off", /^\D+ \d.*:\d\d/],
  ])("shows %s", async (_, titles, shown) => {
    await using llm = await startLlmServer(({ text }) =>
      answer(text.includes("You name conversations") ? '"Fine weather."' : "It is fine."),
    );
    await using app = await startApp({ llm: llm.url, config: { chat: { titles } } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await say(page, "How is it outside?");
    await reads(page, "It is fine.");
    await links(page).filter({ hasText: shown }).waitFor();
    expect(await links(page).allTextContents()).not.toContainEqual(expect.stringContaining("outside"));
    expect(complaints).toEqual([]);
  });

  test("copies a conversation and writes it as a file", async () => {
    await using tab = await opened(["the only one"]);
    const { page, complaints } = tab;
    await openMenu(page, "the only one");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as Markdown" }).click();
    const file = await downloading;
    expect(file.suggestedFilename()).toBe("c0.md");
    expect(readFileSync(await file.path(), "utf8")).toContain("a **fine** answer");
    await openMenu(page, "the only one");
    await page.getByRole("button", { name: "Fork" }).click();
    await reads(page, "A copy of");
    expect(complaints).toEqual([]);
  });

  test("deletes a conversation at once, unless that is undone, and keeps the focus", async () => {
    await using tab = await opened(["first", "second", "third"], "#/chat/c1");
    const { page, app, complaints } = tab;
    await reads(page, "second");
    const ids = async () => (await app.sessions.list({ most: 9 })).conversations.map((each) => each.conversationId);
    await openMenu(page, "second");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "New chat" }).waitFor();
    expect(await links(page).allTextContents()).toEqual(["third", "first"]);
    await page.getByRole("button", { name: "Undo" }).click();
    await focus(page, "second");
    expect(await links(page).allTextContents()).toEqual(["third", "second", "first"]);
    await page.getByRole("link", { name: "first" }).click();
    await reads(page, "first");
    await openMenu(page, "third");
    await page.getByRole("button", { name: "Delete" }).click();
    await focus(page, "Undo");
    await page.clock.install();
    const isDeleted = (id: string) =>
      page.waitForResponse((response) => response.url().endsWith(`/${id}`) && response.status() === 204);
    const before = isDeleted("c2");
    await openMenu(page, "second");
    await page.getByRole("button", { name: "Delete" }).click();
    await before;
    expect(await ids()).toEqual(["c1", "c0"]);
    const deleted = isDeleted("c1");
    await page.clock.runFor(9_000);
    await deleted;
    await focus(page, "New chat");
    await openMenu(page, "first");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.goto("about:blank");
    const until = Date.now() + 20_000;
    while ((await ids()).length > 0 && Date.now() < until) await new Promise(setImmediate);
    expect(await ids()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("says by its title which conversation was not deleted, and why, and shows it again", async () => {
    await using llm = await startLlmServer([answer("fine"), toolCalls([{ name: "s__echo", arguments: {} }])]);
    const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await collect(app.sessions.open("c0").prompt({ requestId: "r", text: "Another" }));
    await say(page, "Use it");
    await page.locator(".question").waitFor();
    await openMenu(page, "Use it");
    await page.getByRole("button", { name: "Delete" }).click();
    await openMenu(page, "Another");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("“Use it” was not deleted: its turn has not ended. Cancel it first.").waitFor();
    expect(await links(page).allTextContents()).toEqual([expect.stringMatching(/^Use it/)]);
  });

  test("renames and pins a conversation, and shows what another tab and the host do, in the title of the tab too", async () => {
    await using llm = await startLlmServer([
      answer("fine"),
      answer("fine"),
      toolCalls([{ name: "s__echo", arguments: {} }]),
      answer("done"),
    ]);
    const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    for (const text of ["older", "newer"]) await collect(app.sessions.open(text).prompt({ requestId: "r", text }));
    await using door = await openDoor(app);
    await using tab = await open(door, "#/servers");
    await using other = await open(door, "#/usage");
    const { page, complaints } = tab;
    await openMenu(page, "older");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.keyboard.type("Taxes of 2026");
    await page.keyboard.press("Enter");
    await page.locator("a:focus", { hasText: "Taxes of 2026" }).waitFor();
    await openMenu(page, "Taxes of 2026");
    await page.getByRole("button", { name: "Pin", exact: true }).click();
    for (const each of [page, other.page]) {
      await each.getByRole("region", { name: "Pinned" }).getByText("Taxes of 2026").waitFor();
      expect(await links(each).allTextContents()).toEqual(["Taxes of 2026", "newer"]);
    }
    const icon = () => page.locator("link[rel=icon]").getAttribute("href");
    const plain = await icon();
    const asked = await app.sessions.open("third").submit({ requestId: "r", text: "Use it" });
    await links(page).getByText(", waits for you").waitFor({ state: "attached" });
    await comesTo(() => page.title(), /^\(1\) Servers/);
    expect(await icon()).not.toBe(plain);
    await links(page).getByText("Use it").click();
    await page.getByRole("button", { name: "Allow once" }).click();
    await asked.ended();
    await links(page).getByText(", waits for you").waitFor({ state: "detached" });
    expect(await icon()).toBe(plain);
    expect(complaints).toEqual([]);
  });

  test("is folded on a phone, opens over the view, and folds when a conversation is chosen or by Escape", async () => {
    await using tab = await opened(["first", "second"], "#/chat/c0");
    const { page, complaints } = tab;
    await page.setViewportSize({ width: 360, height: 740 });
    const sidebar = page.getByRole("complementary", { name: "Sidebar" });
    await sidebar.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Show the sidebar" }).click();
    await sidebar.waitFor();
    expect(await overflow(page)).toBe(0);
    await focus(page, "New chat");
    await page.keyboard.press("Escape");
    await sidebar.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Show the sidebar" }).and(page.locator(":focus")).click();
    await links(page).getByText("second").click();
    await reads(page, "second");
    await sidebar.waitFor({ state: "hidden" });
    expect(complaints).toEqual([]);
  });

  test("stays folded in a wide window when the page is loaded again", async () => {
    await using tab = await opened(["first"], "#/servers");
    const { page } = tab;
    await page.getByRole("button", { name: "Hide the sidebar" }).click();
    await page.reload();
    await page.getByRole("button", { name: "Show the sidebar" }).waitFor();
    expect(await conversations(page).isVisible()).toBe(false);
    await page.getByRole("link", { name: "New chat" }).click();
    await page.getByRole("heading", { name: "New chat" }).waitFor();
  });
});
