import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { browserOfFile, looks, overflow, reads, say, unfold, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

const line = (key: string, requests: number, usd: number, unpriced = 0) => ({
  key,
  requests,
  input_tokens: requests * 1_000,
  output_tokens: requests * 100,
  reasoning_tokens: 0,
  cached_tokens: requests * 10,
  cache_write_tokens: requests,
  estimated_tokens: unpriced * 300,
  usd,
  unpriced_requests: unpriced,
});
const call = (key: string, calls: number, errors: number) => ({
  key,
  calls,
  errors,
  duration_ms: calls * 120,
  result_bytes: calls * 4_000,
});

const lines: Record<string, object[]> = {
  day: [line("2026-11-20", 4, 0.02), line("2026-11-22", 12, 0.3), line("2026-11-25", 7, 0.11, 2)],
  model: [line("openai/gpt-5.4-mini", 21, 0.43), line("local/<b>llama</b>\u001b[1m", 2, 0, 2)],
  conversation: [{ ...line("c1", 23, 0.43), title: "What it cost" }],
  tool: [call("github.list_issues", 40, 2), call("fs.read_text_file", 12, 0)],
  server: [],
};

/** Answers the page's requests for usage as a host with this account does. Resolves to the list of requests. */
async function answerUsage(page: Page): Promise<string[]> {
  const asked: string[] = [];
  await page.route("**/api/usage?*", (route) => {
    const { search, searchParams } = new URL(route.request().url());
    asked.push(search);
    const by = searchParams.get("by") ?? "";
    const total = by === "tool" || by === "server" ? call("", 52, 2) : line("", 23, 0.43, 2);
    const rest = by === "conversation" ? { lines: 1_200, ...line("", 1_300, 0.01) } : null;
    return route.fulfill({ json: { by, since: 0, until: 1, lines: lines[by], rest, total } });
  });
  return asked;
}

inBrowser("the usage page", () => {
  const open = browserOfFile();

  test("says so where the host keeps no account", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat");
    await tab.page.route("**/api/usage?*", (route) =>
      route.fulfill({ status: 404, json: { error: { code: "not_found", message: "no such path" } } }),
    );
    await tab.page.getByRole("link", { name: "Usage" }).click();
    await tab.page.getByText("keeps no account of usage").waitFor();
    expect(tab.complaints).toEqual([]);
  });

  test("shows what the turns of the host have used", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done it")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await say(page, "Do it");
    await reads(page, "done it");
    await page.getByRole("link", { name: "Usage" }).click();
    await page.getByRole("button", { name: "Model" }).click();
    const cells = page.getByRole("row").filter({ hasText: "test/m1" }).getByRole("cell");
    await cells.first().waitFor();
    expect(await cells.allTextContents()).toEqual(["not known", "2", "20", "10"]);
    await page.getByRole("button", { name: "Server", exact: true }).click();
    expect(await page.getByRole("row").filter({ hasText: /^s/ }).getByRole("cell").first().textContent()).toBe("1");
    expect(complaints).toEqual([]);
  });

  test.each(looks)(
    "shows tokens and costs by day, model and conversation, and calls by tool and server: %s",
    async (_, look) => {
      await using llm = await startLlmServer([answer("much")]);
      await using app = await startApp({ llm: llm.url });
      await collect(app.sessions.open("c1").prompt({ requestId: "r", text: "What it cost" }));
      await using door = await openDoor(app);
      await using tab = await open(door, "#/chat", look);
      const { page, complaints } = tab;
      const asked = await answerUsage(page);
      await unfold(page);
      await page.getByRole("link", { name: "Usage" }).click();
      await page.getByRole("row").filter({ hasText: "2026-11-22" }).waitFor();
      expect(await page.locator(".day-chart rect").count()).toBe(6);
      // No number may need a scroll to the side, which nobody expects of a table on a phone.
      expect(await page.getByLabel("Usage by day").evaluate((table) => table.scrollWidth - table.clientWidth)).toBe(0);
      const rowOf = (name: string) => page.getByRole("row").filter({ hasText: name });
      expect(await rowOf("2026-11-25").textContent()).toMatch(
        /\$0\.11 and more.*7,000 \(70 cached, 7 written\) \+ about 600/,
      );
      expect(await rowOf("All").textContent()).toContain("23,000");
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      await page.getByRole("button", { name: "Model" }).click();
      await rowOf("openai/gpt-5.4-mini").waitFor();
      expect(await rowOf("local/").textContent()).toContain("<b>llama</b>␛[1m");
      expect(await rowOf("local/").textContent()).toContain("not known");
      await page.getByRole("button", { name: "Requests" }).click();
      await page.getByRole("button", { name: "Tool", exact: true }).click();
      await rowOf("github.list_issues").waitFor();
      expect(await rowOf("github.list_issues").textContent()).toMatch(/40.*2.*4\.8 s.*160\.0 kB/);
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      await page.getByLabel("Since").selectOption("30d");
      await page.getByRole("button", { name: "Server", exact: true }).click();
      await page.getByText("Nothing was used").waitFor();
      await page.getByRole("button", { name: "Conversation" }).click();
      expect(await rowOf("1,200 others").textContent()).toContain("1,300");
      await page.getByRole("main").getByRole("link", { name: "What it cost" }).click();
      await page.getByRole("heading", { name: "Trace" }).waitFor();
      expect(asked.slice(0, 3)).toEqual(["?by=day&since=7d", "?by=model&since=7d", "?by=tool&since=7d"]);
      expect(complaints).toEqual([]);
    },
  );
});
