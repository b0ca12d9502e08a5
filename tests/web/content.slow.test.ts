import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { browserOfFile, overflow, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

/** The smallest picture that a browser shows. */
const pixel = "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=";

/** Returns the names of the parts of the page that were loaded after it was shown. */
function laterParts(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map(({ name }) => /(code-colours|typeset-maths)[^/]*\.js$/.exec(name)?.[1] ?? "")
      .filter(Boolean),
  );
}

inBrowser("what an answer contains", () => {
  const open = browserOfFile();

  /** Opens a chat whose model gives this answer, and waits for it. */
  async function answered(text: string, options = {}) {
    const llm = await startLlmServer([answer(text)]);
    const app = await startApp({ llm: llm.url });
    const door = await openDoor(app);
    const tab = await open(door, "#/chat", { permissions: ["clipboard-read", "clipboard-write"], ...options });
    await say(tab.page, "Show me");
    await tab.page.getByText("the end", { exact: true }).waitFor();
    return {
      ...tab,
      async [Symbol.asyncDispose]() {
        await tab[Symbol.asyncDispose]();
        await door[Symbol.asyncDispose]();
        await app[Symbol.asyncDispose]();
        await llm[Symbol.asyncDispose]();
      },
    };
  }

  test("code has colours, which are loaded only for a language that has them, and is wrapped, copied and saved", async () => {
    await using plain = await answered("```\nlet it = 1;\n```\n\n```mermaid\ngraph TD\n```\n\nthe end");
    expect(await plain.page.locator(".code pre").allInnerTexts()).toEqual(["let it = 1;", "graph TD"]);
    expect(await laterParts(plain.page)).toEqual([]);
    const code = `const long = "${"x".repeat(300)}"; // why`;
    await using tab = await answered(`\`\`\`js\n${code}\n\`\`\`\n\n\`\`\`diff\n-old\n+new\n\`\`\`\n\nthe end`);
    const { page, complaints } = tab;
    await page.locator(".hljs-comment").getByText("// why").waitFor();
    expect(await page.locator(".hljs-addition").textContent()).toBe("+new");
    expect(await laterParts(page)).toEqual(["code-colours"]);
    const pre = page.locator(".code pre").first();
    const isWide = () => pre.evaluate((element) => element.scrollWidth > element.clientWidth);
    expect(await isWide()).toBe(true);
    await page.getByRole("button", { name: "Wrap lines" }).first().click();
    expect(await isWide()).toBe(false);
    await page.getByRole("button", { name: "Copy code" }).first().click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(code);
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).first().click();
    expect((await saving).suggestedFilename()).toBe("code.js");
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("formulas are drawn by the browser and copied as they were written", async () => {
    const text = "so $\\frac{a}{b}\\,c$ is\n\n$$\n\\sum_{i=1}^n i\n$$\n\nbut \\(x^2\\) and $\\broken{$ too\n\nthe end";
    await using tab = await answered(text);
    const { page, complaints } = tab;
    await page.locator("math mfrac").waitFor();
    expect(await page.locator("math[display=block]").count()).toBe(1);
    expect(await page.locator("math").count()).toBe(3);
    await page.locator(".maths:not(.typeset)").getByText("$\\broken{$").waitFor();
    expect(await laterParts(page)).toEqual(["typeset-maths"]);
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.answer .markdown'))");
    const copied = String(await page.evaluate("String(getSelection())")).replace(/\s+/g, " ");
    expect(copied.trim()).toBe(text.replace(/\s+/g, " "));
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("a footnote's mark leads to its note, and a wide table scrolls by itself", async () => {
    const columns = Array.from({ length: 12 }, (_, index) => `column_number_${index}`);
    const table = [columns, columns.map(() => "---"), columns].map((row) => `| ${row.join(" | ")} |`).join("\n");
    await using tab = await answered(`It is so[^1].\n\n${table}\n\n[^1]: by *the book*\n\nthe end`, {
      viewport: { width: 360, height: 740 },
    });
    const { page, complaints } = tab;
    await page.getByRole("button", { name: "Note 1" }).click();
    await page.locator("[data-note]:focus").getByText("the book").waitFor();
    expect(await overflow(page)).toBe(0);
    const wide = await page.locator(".wide").evaluate((frame) => frame.scrollWidth / frame.clientWidth);
    expect(wide).toBeGreaterThan(3);
    expect(
      await page
        .locator("td")
        .first()
        .evaluate((cell) => cell.clientHeight),
    ).toBeLessThan(60);
    expect(complaints).toEqual([]);
  });

  test("a picture is shown if its data is there, and is otherwise a link that nothing loads before a click", async () => {
    await using tab = await answered(
      `![a dot](data:image/gif;base64,${pixel})\n\n![far](https://elsewhere.example/x.png)\n\nthe end`,
    );
    const { page, complaints } = tab;
    expect(await page.getByAltText("a dot").evaluate((img) => "naturalWidth" in img && img.naturalWidth)).toBe(1);
    const link = page.getByRole("link", { name: /far.*elsewhere\.example/ });
    expect(await link.getAttribute("href")).toBe("https://elsewhere.example/x.png");
    expect(await page.locator("img").count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  test("arguments and results of a tool are as wide as the page, and a long result is folded with its size", async () => {
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__echo", arguments: { text: "word ".repeat(2_000) } }]),
      answer("the end"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Go");
    await reads(page, "the end");
    await page.locator(".tool summary").click();
    const widths = () =>
      page.locator(".tool :is(pre, dd)").evaluateAll((all) => all.map((pre) => pre.scrollWidth - pre.clientWidth));
    expect(await widths()).toEqual([0, 0]);
    expect((await page.locator(".result pre").textContent())?.length).toBe(2_000);
    await page.getByRole("button", { name: /^Show all 10\.\d KB$/ }).click();
    expect((await page.locator(".result pre").textContent())?.length).toBeGreaterThan(10_000);
    expect(await widths()).toEqual([0, 0]);
  });
});
