import { describe, expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { startLlmServer } from "../support/llm-server.js";
import { browserOfFile } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

inBrowser("the servers in the page", () => {
  const open = browserOfFile();

  test("show their state, why one failed, what it wrote, its tools and what they cost; and are reconnected", async () => {
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
