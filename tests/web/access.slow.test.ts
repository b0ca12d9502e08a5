import { describe, expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, failure, startLlmServer, toolCalls } from "../support/llm-server.js";
import {
  browserOfFile,
  comesTo,
  looks,
  overflow,
  reads,
  say,
  showAs,
  showTurnPanel,
  unfold,
  violations,
} from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

const markdown =
  "# Head\n\n> said\n\n- [x] done\n- `code`\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```js\nlet x = 1;\n```\n[a link](https://example.com)";

inBrowser("for everybody", () => {
  const open = browserOfFile();

  test.each(looks)("axe finds nothing on any view: %s", async (_, look) => {
    const form = {
      method: "elicitation/create",
      params: {
        message: "Who?",
        requestedSchema: { type: "object", properties: { name: { type: "string" }, ok: { type: "boolean" } } },
      },
    };
    await using llm = await startLlmServer([
      answer(markdown, { reasoning: "well" }),
      toolCalls([{ name: "s__echo", arguments: { a: 1 } }]),
      toolCalls([{ name: "s__ask", arguments: form }]),
      failure(401),
    ]);
    const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
    const mcpServers = { s: fixtureServer({}, { tools: { auto_approve: ["ask"] } }), bad: { command: "/no/such" } };
    await using app = await startApp({ llm: llm.url, mcpServers, config });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat", look);
    const { page, complaints } = tab;
    const found: Record<string, string[]> = {};
    const lookAt = async (view: string) => {
      found[view] = await violations(page);
      const wide = await overflow(page);
      expect([view, wide]).toEqual([view, 0]);
    };
    await page.getByText("What can I do for you?").waitFor();
    await lookAt("empty");
    await say(page, "Show me");
    await page.locator(".answer pre").waitFor();
    await say(page, "Use a tool");
    await page.locator(".question").waitFor();
    await lookAt("approval");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.locator(".form").waitFor();
    await lookAt("form");
    await page.getByRole("button", { name: "Decline" }).click();
    await page.locator(".card.error").waitFor();
    await page.locator(".tool summary").first().click();
    await lookAt("chat");
    await showTurnPanel(page);
    await page.locator(".now .timeline").waitFor();
    await lookAt("panel");
    await showAs(page, "trace");
    await page.getByRole("heading", { name: "Trace", exact: true }).waitFor();
    await lookAt("trace");
    for (const view of ["Servers", "Usage", "Settings"]) {
      await unfold(page);
      await lookAt(`sidebar before ${view}`);
      await page.getByRole("link", { name: view, exact: true }).click();
      await page.getByRole("heading", { name: view, exact: true }).waitFor();
      if (view === "Servers") await page.getByText("failed").waitFor();
      await lookAt(view);
    }
    await unfold(page);
    await page.getByRole("navigation", { name: "Conversations" }).getByText("Show me").hover();
    await page.getByRole("button", { name: "More for Show me" }).click();
    await page.getByRole("button", { name: "Rename" }).waitFor();
    await lookAt("menu");
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((view) => [view, []])));
    expect(complaints).toEqual([]);
  });

  test("by keyboard alone: from the address bar to the message, an answer to a question, and another view", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done it")]);
    const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    const focused = () => page.evaluate("document.activeElement.textContent || document.activeElement.id");
    await page.getByLabel("Message").and(page.locator(":focus")).waitFor();
    await page.keyboard.type("Do it");
    await page.keyboard.press("Enter");
    await page.locator(".question:focus").waitFor();
    for (let times = 0; times < 6 && (await focused()) !== "Allow once"; times++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await reads(page, "done it");
    await page.getByText("The answer is complete. done it").waitFor({ state: "attached" });
    await page.evaluate("document.activeElement.blur()");
    for (let times = 0; times < 40 && (await focused()) !== "Servers"; times++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Servers" }).waitFor();
    await comesTo(() => page.title(), /^Servers – MCP-Platform$/);
  });
});
