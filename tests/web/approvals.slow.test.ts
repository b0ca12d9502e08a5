import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { script } from "../support/app.js";
import { browsers, noChromium } from "../support/chromium.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { browserOfFile, kill, pageOf, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const bookings = ["train", "hotel", "car"];
const book = toolCalls(bookings.map((what) => ({ name: "s__book", arguments: { what }, id: `call_${what}` })));

/** A host of its own process whose server writes down what it has booked. */
async function startHost(...steps: Step[]) {
  const llm = await startLlmServer(steps);
  const place = new Workplace();
  const effects = join(place.folder, "effects");
  const server = script("tests/support/counting-server.mjs", effects);
  place.configure(
    configFor(llm.url, { s: server }, { chat: { service: { approval: "ask" }, storage: { path: "log.db" } } }),
  );
  let host = place.start("serve", "--port", "0", "--no-token");
  const { origin, port } = new URL(await pageOf(host));
  return {
    url: origin,
    llm,
    /** Returns what was booked, in order. */
    booked: () => {
      try {
        return readFileSync(effects, "utf8")
          .trim()
          .split("\n")
          .map((line) => line.split(" ")[1]);
      } catch {
        return [];
      }
    },
    async killAndStart() {
      await kill(host);
      host = place.start("serve", "--port", port, "--no-token");
      await pageOf(host);
    },
    async [Symbol.asyncDispose]() {
      await kill(host);
      place[Symbol.dispose]();
      await llm[Symbol.asyncDispose]();
    },
  };
}

/** Presses Tab until the element with this text or accessible name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = "document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent";
  for (let times = 0; times < 40; times++) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(focused)) === name) return;
  }
  throw new Error(`the focus does not reach ${name}`);
}

const cards = (page: Page) => page.locator(".question");

describe.each(browsers)("the questions about several calls in $name", ({ start }) => {
  const open = browserOfFile(start);

  test("are answered by keyboard alone, one with changed arguments, and the rest at once", async () => {
    await using host = await startHost(book, answer("all booked"));
    await using tab = await open(host);
    const { page, complaints } = tab;
    await page.getByLabel("Message").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Book a trip");
    await page.keyboard.press("Enter");
    await page.getByText("3 calls wait for you.").waitFor();
    await cards(page).first().and(page.locator(":focus")).waitFor();
    expect(await cards(page).getByRole("heading").allTextContents()).toEqual(Array(3).fill("Run s · book?"));
    expect(await violations(page)).toEqual([]);

    await tabTo(page, "Change the arguments");
    await page.keyboard.press("Enter");
    await page.getByLabel("what").and(page.locator(":focus")).waitFor();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("ferry");
    await tabTo(page, "Allow once");
    await page.keyboard.press("Enter");
    await page.getByText("2 calls wait for you.").waitFor();
    await cards(page).first().and(page.locator(":focus")).waitFor();
    expect(host.booked()).toEqual(["ferry"]);
    await page.keyboard.press("Shift+Tab");
    await page.getByRole("button", { name: "Allow all" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Enter");
    await reads(page, "all booked");
    expect(host.booked().toSorted()).toEqual(["car", "ferry", "hotel"]);

    const tools = page.locator(".tool");
    expect(await tools.locator(".line").allTextContents()).toEqual(["what: ferry", "what: hotel", "what: car"]);
    await tools.first().getByText("allowed with changed arguments").waitFor();
    const told = JSON.stringify(host.llm.requests[1]);
    expect(told).toContain("the user changed the arguments of this call to");
    expect(complaints).toEqual([]);
  });
});

inBrowser("the questions about several calls", () => {
  const open = browserOfFile();

  test("are open again after SIGKILL of the host, with what was changed; nothing has run, and nothing runs twice", async () => {
    await using host = await startHost(book, answer("all booked"));
    await using tab = await open(host);
    const { page } = tab;
    await say(page, "Book a trip");
    await page.getByText("3 calls wait for you.").waitFor();
    const hotel = cards(page).nth(1);
    await hotel.getByRole("button", { name: "Change the arguments" }).click();
    await hotel.getByLabel("what").fill("tent");
    await host.killAndStart();
    expect(host.booked()).toEqual([]);
    await page.getByRole("status").getByText("The host").waitFor({ state: "detached" });
    expect(await cards(page).count()).toBe(3);
    await cards(page).first().getByRole("button", { name: "Deny" }).click();
    await page.getByText("2 calls wait for you.").waitFor();
    await host.killAndStart();
    await page.getByText("2 calls wait for you.").waitFor();
    await page.getByRole("button", { name: "Allow all" }).click();
    await reads(page, "all booked");
    expect(host.booked().toSorted()).toEqual(["car", "tent"]);
    expect(host.llm.requests).toHaveLength(2);
  });
});
