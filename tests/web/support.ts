import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll } from "@jest/globals";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import type { HttpDoor } from "../../src/doors/http/serve.js";
import { openTab, startChromium, type Tab } from "../support/chromium.js";

/** Starts one browser for all tests of a file. */
export function browserOfFile(
  start = startChromium,
): (door: Pick<HttpDoor, "url">, place?: string, options?: Parameters<typeof openTab>[2]) => Promise<Tab> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await start();
  });
  afterAll(() => browser.close());
  return (door, place = "#/chat", options = {}) => openTab(browser, `${door.url}/${place}`, options);
}

/** Resolves to the address of the page that `serve` prints. */
export async function pageOf(host: ChildProcess): Promise<string> {
  let said = "";
  for await (const text of host.stderr?.setEncoding("utf8") ?? []) {
    said += text;
    const [, url] = /^page: (\S+)/m.exec(said) ?? [];
    if (url) return url;
  }
  throw new Error(`the host ended: ${said}`);
}

export async function kill(host: ChildProcess): Promise<void> {
  host.kill("SIGKILL");
  await once(host, "exit");
}

/** Types the text and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByLabel("Message").press("Enter");
}

/**
 * Presses Tab, or Shift+Tab for what stands before, until this element has the focus. Throws if a person could not get there by keyboard.
 */
export async function tabTo(target: Locator): Promise<void> {
  await target.waitFor();
  const page = target.page();
  for (let presses = 0; ; presses++) {
    const key = await target.evaluate((element) => {
      const { activeElement, body } = element.ownerDocument;
      if (activeElement === element) return undefined;
      const isBefore = activeElement !== body && activeElement?.compareDocumentPosition(element) === 2;
      return isBefore ? "Shift+Tab" : "Tab";
    });
    if (!key) return;
    if (presses === 80) throw new Error(`${target} is not reached by Tab`);
    await page.keyboard.press(key);
  }
}

/** Goes to the element by keyboard and presses Enter. */
export async function enter(target: Locator): Promise<void> {
  await tabTo(target);
  await target.page().keyboard.press("Enter");
}

/** Resolves when the conversation shows this text. */
export function reads(page: Page, text: string | RegExp): Promise<void> {
  return page.getByLabel("Conversation", { exact: true }).getByText(text).first().waitFor();
}

/**
 * Resolves when this reads as it should: for what no locator waits for, such as the title or the text of a field.
 * Not waitForFunction: it asks the page again by eval, which the page's policy forbids.
 */
export async function comesTo(read: () => Promise<string>, pattern: RegExp): Promise<void> {
  while (!pattern.test(await read()));
}

/** Returns the text of the conversation. */
export async function shownText(page: Page): Promise<string> {
  return (await page.getByLabel("Conversation", { exact: true }).textContent()) ?? "";
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Shows the sidebar if the window is so narrow that it is folded. */
export async function unfold(page: Page): Promise<void> {
  const button = page.getByRole("button", { name: "Show the sidebar" });
  if (await button.isVisible()) await button.click();
}

/** Shows the panel with what the turn does. */
export async function showTurnPanel(page: Page): Promise<void> {
  await page.getByRole("button", { name: "This turn" }).click();
}

/** Shows the conversation of the chat as a trace, or the one of the trace as a chat. */
export async function showAs(page: Page, view: "chat" | "trace"): Promise<void> {
  await page.evaluate(`location.hash = location.hash.replace(/^#\\/\\w+/, "#/${view}")`);
}

/** Returns the violations that axe calls moderate or worse, each with its first location. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations: found } = (await page.evaluate("axe.run()")) as AxeResults;
  return found
    .filter(({ impact }) => impact !== "minor")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}

/** Returns by how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

export const looks: [string, BrowserContextOptions][] = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["a phone", { colorScheme: "light", viewport: { width: 360, height: 740 }, hasTouch: true }],
];
