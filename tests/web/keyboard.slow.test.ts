import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { Approvals } from "../../src/config/consent/approvals.js";
import type { App } from "../../src/index.js";
import { folderWith } from "../config/folder.js";
import { openDoor } from "../doors/http/door.js";
import { collect, startApp } from "../support/app.js";
import { browsers } from "../support/chromium.js";
import { answer, chunk, stall, startLlmServer, stream } from "../support/llm-server.js";
import { browserOfFile, enter, reads, tabTo } from "./support.js";

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
const article = (page: Page, name: string) => page.getByRole("article", { name, exact: true });
const message = (page: Page) => page.getByLabel("Message", { exact: true });

/** Sends the text from where the focus is when the page has opened. */
async function typeAndSend(page: Page, text: string): Promise<void> {
  await message(page).and(page.locator(":focus")).waitFor();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

describe.each(browsers)("by keyboard alone in $name", ({ start }) => {
  const openTab = browserOfFile(start);

  async function opened(
    steps: Parameters<typeof startLlmServer>[0],
    { fill = async (_: App) => {}, parts = {} }: { fill?: (app: App) => Promise<void>; parts?: object } = {},
  ) {
    const llm = await startLlmServer(steps);
    const far = { base_url: llm.url, model: "m2", api_key: "sk-test-0123456789" };
    const test = { ...far, model: "m1" };
    const app = await startApp({
      llm: llm.url,
      config: { llm: { active: "test", providers: { test, far } } },
    });
    await fill(app);
    const door = await openDoor(app, { parts });
    const tab = await openTab(door);
    return {
      ...tab,
      app,
      llm,
      async [Symbol.asyncDispose]() {
        await tab[Symbol.asyncDispose]();
        await door[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
        await llm[Symbol.asyncDispose]();
      },
    };
  }

  test("a message is sent, and the answer cancelled", async () => {
    await using tab = await opened([stream([chunk({ content: "begun" }), stall])]);
    const { page, complaints } = tab;
    await typeAndSend(page, "Hello");
    await reads(page, "begun");
    await page.keyboard.press("Escape");
    await reads(page, "Cancelled.");
    expect(complaints).toEqual([]);
  });

  test("a message is edited and sent again", async () => {
    await using tab = await opened([answer("to One"), answer("to Two")]);
    const { page, llm } = tab;
    await typeAndSend(page, "One");
    await reads(page, "to One");
    await enter(article(page, "You").getByRole("button", { name: "Edit" }));
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("Two");
    await page.keyboard.press("Enter");
    await reads(page, "to Two");
    expect(llm.requests).toHaveLength(2);
    await enter(button(page, "Previous version"));
    await reads(page, "to One");
  });

  test("another model answers again", async () => {
    await using tab = await opened([answer("from the first"), answer("from the second")]);
    const { page, llm } = tab;
    await typeAndSend(page, "One");
    await reads(page, "from the first");
    await enter(button(page, "Answer again by another model"));
    await enter(button(page, /^far\/m2/));
    await reads(page, "from the second");
    expect(llm.requests.map(({ body }) => body.model)).toEqual(["m1", "m2"]);
  });

  test("an old conversation is found by a word of an answer", async () => {
    const fill = async ({ sessions }: App) => {
      await collect(sessions.open("old").prompt({ requestId: "r", text: "Which animal?" }));
      await collect(sessions.open("new").prompt({ requestId: "r", text: "And now?" }));
    };
    await using tab = await opened([answer("the Axolotl"), answer("nothing")], { fill });
    const { page } = tab;
    await tabTo(page.getByLabel("Search conversations"));
    await page.keyboard.type("axolotl");
    const links = page.getByRole("navigation", { name: "Conversations" }).getByRole("link");
    await links.filter({ hasText: "And now?" }).waitFor({ state: "detached" });
    await enter(links.filter({ hasText: "Which animal?" }));
    await reads(page, "the Axolotl");
  });

  test("a conversation is renamed and pinned", async () => {
    const fill = async ({ sessions }: App) => {
      await collect(sessions.open("c").prompt({ requestId: "r", text: "Plans" }));
    };
    await using tab = await opened([answer("fine")], { fill });
    const { page, app } = tab;
    const rows = page.getByRole("navigation", { name: "Conversations" });
    await enter(button(page, "More for Plans"));
    await enter(button(page, "Rename"));
    await page.getByLabel("Title").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Journey");
    await page.keyboard.press("Enter");
    await rows.getByRole("link", { name: "Journey" }).waitFor();
    await enter(button(page, "More for Journey"));
    await enter(button(page, "Pin"));
    await rows.getByText("Pinned").waitFor();
    const { conversations } = await app.sessions.list({ most: 9 });
    expect(conversations).toMatchObject([{ title: "Journey", pinned: true }]);
  });

  test("an approval is taken back", async () => {
    using folder = folderWith({});
    const approvals = new Approvals(folder.path, { observe: () => {}, now: Date.now });
    const tool = { server: "s", tool: "write", place: "here" };
    approvals.keep(tool, { allow: true, remember: "always" }, "/work");
    await using tab = await opened([], { parts: { approvals } });
    const { page } = tab;
    await enter(page.getByRole("link", { name: "Settings" }));
    await enter(button(page, "Take back the answer about s · write"));
    await page.getByText("None. An answer that you give").waitFor();
    expect(approvals.find(tool, "/work")).toBeUndefined();
  });

  test("the cost of a turn is read", async () => {
    await using tab = await opened([answer("fine")]);
    const { page } = tab;
    await typeAndSend(page, "One");
    await reads(page, "fine");
    await tabTo(article(page, "m1").getByRole("button", { name: "Fork from here" }));
    expect(await article(page, "m1").locator(".facts").textContent()).toMatch(/^m1 · .* · \d+ tokens/);
  });
});
