import { existsSync } from "node:fs";
import { test } from "@jest/globals";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const launchOptions = { executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] };

/** Why no browser can be started here; undefined if one can. */
export const noChromium = existsSync(executablePath)
  ? undefined
  : `there is no ${executablePath}: install chromium, or set CHROMIUM to its path`;

if (noChromium) {
  process.stderr.write(`NOT TESTED in a browser: ${noChromium}\n`);
  test.skip(`in a browser: ${noChromium}`, () => {});
}

/**
 * Starts a browser for a file of tests. It has no sandbox: that needs rights which test machines seldom have, and the pages are our own.
 */
export async function startChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core"); // loading it takes 0.2 s, which tests without a browser do not pay
  return chromium.launch(launchOptions);
}

const firefoxPath = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/** Starts the Firefox of this machine over WebDriver BiDi. */
async function startFirefox(): Promise<Browser> {
  const { firefox } = await import("playwright-core");
  return firefox.launch({ channel: "moz-firefox", executablePath: firefoxPath });
}

interface InstalledBrowser {
  name: string;
  start(): Promise<Browser>;
}

/** The browsers of this machine, in which people are expected to use the page. */
export const browsers: readonly InstalledBrowser[] = [
  { name: "Chromium", start: startChromium, path: executablePath },
  { name: "Firefox", start: startFirefox, path: firefoxPath },
].filter(({ name, path }) => {
  const isThere = existsSync(path);
  if (!isThere) process.stderr.write(`NOT TESTED in ${name}: there is no ${path}\n`);
  return isThere;
});

/** Starts a browser whose profile is in this folder, so that it has what an earlier browser of this folder kept. */
export async function startChromiumIn(folder: string): Promise<BrowserContext> {
  const { chromium } = await import("playwright-core");
  return chromium.launchPersistentContext(folder, launchOptions);
}

export interface Tab extends AsyncDisposable {
  page: Page;
  /** Errors in the page, with those of its content security policy. */
  complaints: string[];
}

/** Opens a tab with a new profile. Without other options it has no service worker, whose requests a test could not hold up. */
export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    serviceWorkers: "block",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    // Lost connections to the host are not errors, because a test may be about them.
    if (
      message.type() === "error" &&
      !/ERR_|WebSocket|Failed to load resource|fetching the script/.test(message.text())
    ) {
      complaints.push(message.text());
    }
  });
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
