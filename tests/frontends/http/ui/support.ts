import { afterAll, beforeAll } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import type { HttpDoor } from "../../../../src/frontends/http/serve.js";
import { openTab, startChromium, type Tab } from "../../../support/chromium.js";

/** One browser for the tests of a file. */
export function browserOfFile(): (
  door: Pick<HttpDoor, "url">,
  place?: string,
  options?: Parameters<typeof openTab>[2],
) => Promise<Tab> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  return (door, place = "#/chat", options = {}) => openTab(browser, `${door.url}/${place}`, options);
}

/** Types it and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByLabel("Message").press("Enter");
}

/** Resolves when this is to be read in the dialogue. */
export function reads(page: Page, text: string | RegExp): Promise<void> {
  return page.getByLabel("Conversation", { exact: true }).getByText(text).first().waitFor();
}

/** What is to be read in the dialogue. */
export async function dialogue(page: Page): Promise<string> {
  return (await page.getByLabel("Conversation", { exact: true }).textContent()) ?? "";
}
