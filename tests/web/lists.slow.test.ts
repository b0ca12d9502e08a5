import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, reads } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

inBrowser("the lists of the page", () => {
  const open = browserOfFile();

  test("have every conversation, page by page, and find them by their titles", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using app = await startApp({ llm: llm.url });
    const conversations = Array.from({ length: 130 }, (_, index) => app.sessions.open(`c${index}`));
    for (const [index, session] of conversations.entries()) {
      await (
        await session.submit({ requestId: "r", text: index % 50 === 7 ? `rare ${index}` : `usual ${index}` })
      ).ended();
    }
    await using door = await openDoor(app);
    await using tab = await open(door, "#/conversations");
    const { page, complaints } = tab;
    const rows = page.locator(".conversation");
    await rows.nth(99).waitFor();
    await rows.nth(99).scrollIntoViewIfNeeded();
    await rows.nth(129).waitFor();
    expect(await rows.count()).toBe(130);
    await page.getByLabel("Search in titles and messages").fill("RARE");
    await rows.nth(3).waitFor({ state: "detached" });
    expect(await rows.locator(".open").allTextContents()).toEqual(["rare 107", "rare 57", "rare 7"]);
    await page.getByRole("link", { name: "rare 57" }).click();
    await reads(page, "rare 57");
    await reads(page, "fine");
    expect(complaints).toEqual([]);
  });

  test("copy a conversation, write it as a file, and delete it once that is confirmed", async () => {
    await using llm = await startLlmServer(() => answer("a **fine** answer"));
    await using app = await startApp({ llm: llm.url });
    await (await app.sessions.open("c1").submit({ requestId: "r", text: "the only one" })).ended();
    await using door = await openDoor(app);
    await using tab = await open(door, "#/conversations");
    const { page, complaints } = tab;
    const menu = page.getByLabel("More for the only one");
    await menu.click();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export as Markdown" }).click();
    const file = await downloading;
    expect(file.suggestedFilename()).toBe("c1.md");
    expect(readFileSync(await file.path(), "utf8")).toContain("a **fine** answer");
    if (!(await page.getByRole("button", { name: "Fork" }).isVisible())) await menu.click();
    await page.getByRole("button", { name: "Fork" }).click();
    await reads(page, "A copy of");
    await reads(page, "the only one");
    await page.getByRole("link", { name: "Conversations" }).click();
    await page.locator(".conversation").nth(1).waitFor();
    for (const wanted of ["Keep it", "Delete"]) {
      await menu.first().click();
      await page.getByRole("button", { name: "Delete…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: wanted, exact: true }).click();
    }
    await page.locator(".conversation").nth(1).waitFor({ state: "detached" });
    expect((await app.sessions.list({ most: 100 })).conversations).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test("show the servers: state, why one failed, what it wrote, its tools and what they cost; and reconnect them", async () => {
    await using llm = await startLlmServer([]);
    const mcpServers = {
      good: fixtureServer({ greeting: "hello \u001b[1mthere\u001b[0m\n" }),
      bad: fixtureServer({ exitAtStart: { code: 3, stderr: "no such database\n" } }),
    };
    await using app = await startApp({ llm: llm.url, mcpServers });
    await app.ready();
    await using door = await openDoor(app);
    await using tab = await open(door, "#/servers");
    const { page, complaints } = tab;
    const good = page.getByLabel("good", { exact: true });
    const bad = page.getByLabel("bad", { exact: true });
    expect(await good.locator(".state").textContent()).toBe("ready");
    expect(await bad.locator(".state").textContent()).toBe("failed");
    expect(await bad.locator(".reason").textContent()).toContain("no such database");
    expect(await good.textContent()).toContain("protocol up to 2025-11-25");
    await good.getByText(/\d+ tools/).click();
    expect(await good.locator(".tools li").first().textContent()).toMatch(/^echo\d+/);
    await good.getByText("What it has written").click();
    await good.getByText("hello there").waitFor();
    const starts = () => app.hub.servers().find(({ name }) => name === "good");
    const before = starts()?.startMs;
    const told = page.waitForResponse((response) => response.url().endsWith("/good/reconnect") && response.ok());
    await good.getByRole("button", { name: "Reconnect" }).click();
    await told;
    await app.ready();
    expect(starts()).toMatchObject({ state: "ready" });
    expect(before).toBeDefined();
    expect(complaints).toEqual([]);
  });
});
