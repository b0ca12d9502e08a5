import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { appendTurns } from "../support/long-log.js";
import { browserOfFile, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const turns = 3_000;
const folder = mkdtempSync(join(tmpdir(), "long-"));
const path = join(folder, "log.db");

const articles = (page: Page) => page.locator(".turns .turn").count();
const earlier = (page: Page) => page.getByRole("button", { name: "Show earlier turns" });

/** Returns by how many pixels the conversation can be scrolled down. */
const toEnd = (page: Page) =>
  page.locator(".turns").evaluate((frame) => frame.scrollHeight - frame.scrollTop - frame.clientHeight);

/** Resolves with the number of turns in the page when it has grown. */
async function hasMoreTurns(page: Page, than: number): Promise<number> {
  await page.locator(".turns .turn").nth(than).waitFor({ state: "attached" });
  return articles(page);
}

/** Scrolls to the top if `isFirst`, and returns the distance of a turn's message from the top of the conversation, in pixels. */
const topOf = (page: Page, said: string, isFirst = false) =>
  page.locator(".turns").evaluate(
    (frame, [text, scrolls]) => {
      if (scrolls) frame.scrollTop = 0;
      const message = [...frame.querySelectorAll(".said")].find((each) => each.textContent === text);
      return (message?.getBoundingClientRect().top ?? 0) - frame.getBoundingClientRect().top;
    },
    [said, isFirst] as const,
  );

inBrowser("a conversation of 3,000 turns in the browser", () => {
  const open = browserOfFile();

  beforeAll(() => appendTurns(path, "c1", turns), 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function opened(view = "chat", conversationId = "c1") {
    const llm = await startLlmServer(() => answer("the newest answer"));
    const app = await startApp({ llm: llm.url, storage: { driver: "sqlite", path } });
    const door = await openDoor(app);
    const tab = await open(door, `#/${view}/${conversationId}`);
    return {
      ...tab,
      door,
      async [Symbol.asyncDispose]() {
        await tab[Symbol.asyncDispose]();
        await door[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
        await llm[Symbol.asyncDispose]();
      },
    };
  }

  test("is shown at its end with its last turns and its title, and continues there", async () => {
    await using tab = await opened();
    const { page, complaints } = tab;
    await reads(page, "answer 3000");
    await page.getByRole("heading", { name: "question 1", exact: true }).waitFor();
    expect(await articles(page)).toBeLessThan(60);
    expect(await toEnd(page)).toBeLessThan(2);
    await say(page, "and now?");
    await page.locator(".answer").getByText("the newest answer").last().waitFor();
    expect(await toEnd(page)).toBeLessThan(2);
    expect(await articles(page)).toBeLessThan(60);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("loads earlier turns when the user scrolls up, and what is read stays in its place", async () => {
    await using tab = await opened();
    const { page, complaints } = tab;
    await reads(page, "answer 3000");
    let count = await articles(page);
    for (let round = 0; round < 4; round++) {
      const first = (await page.locator(".said").first().textContent()) ?? "";
      const before = await topOf(page, first, true);
      count = await hasMoreTurns(page, count);
      expect(Math.abs((await topOf(page, first)) - before)).toBeLessThan(2);
    }
    const numbers = (await page.locator(".said").allInnerTexts()).map((text) =>
      Number(/question (\d+)/.exec(text)?.[1]),
    );
    const known = numbers.filter((number) => !Number.isNaN(number));
    expect(known).toEqual(known.map((_, index) => turns - known.length + 1 + index));
    expect(complaints).toEqual([]);
  });

  test("loads earlier turns by the keyboard, and does not hold up a turn that runs", async () => {
    await using tab = await opened();
    const { page, complaints } = tab;
    await reads(page, "answer 3000");
    const count = await articles(page);
    await earlier(page).focus();
    await page.keyboard.press("Enter");
    const more = await hasMoreTurns(page, count);
    await page.keyboard.press("Enter");
    await hasMoreTurns(page, more);
    await say(page, "are you there?");
    await page.getByText("the newest answer").last().waitFor({ state: "attached" });
    expect(complaints).toEqual([]);
  });

  test("is loaded as a whole when the user searches in it", async () => {
    await using tab = await opened();
    const { page, complaints } = tab;
    page.setDefaultTimeout(60_000);
    await reads(page, "answer 3000");
    await page.keyboard.press("Control+f");
    await page.locator(".said").getByText("question 1", { exact: true }).waitFor({ state: "attached" });
    expect(await articles(page)).toBeGreaterThanOrEqual(turns);
    expect(await earlier(page).count()).toBe(0);
    expect(complaints).toEqual([]);
  }, 120_000);

  test("is traced from its end, and turns have numbers when all are loaded", async () => {
    await using tab = await opened("trace");
    const { page, complaints } = tab;
    await page.getByRole("heading", { name: "question 3000" }).waitFor();
    await page.getByText(/the last \d+ turns/).waitFor();
    const count = await page.locator(".trace-turn").count();
    expect(count).toBeLessThan(60);
    expect(await page.getByRole("article", { name: /^Turn \d+$/ }).count()).toBe(0);
    await earlier(page).click();
    await page.locator(".trace-turn").nth(count).waitFor({ state: "attached" });
    expect(complaints).toEqual([]);
  });

  test("opens at the last turn that stands if more turns than a page has were taken back, and goes back to it if that happens later", async () => {
    await appendTurns(path, "c2", 300);
    const rewind = async (turns: number) => {
      await using app = await startApp({ llm: "http://127.0.0.1:1", storage: { driver: "sqlite", path } });
      await app.sessions.conversations.rewind("c2", { turns });
    };
    await rewind(100);
    await using tab = await opened("chat", "c2");
    await reads(tab.page, "answer 200");
    await rewind(100);
    await reads(tab.page, "answer 100");
  });
});
