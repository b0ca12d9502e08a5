import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { BrowserContextOptions, Page } from "playwright-core";
import { readScript } from "../../src/scripted/reading/read-script.js";
import { exportConversation } from "../../src/session/export/export.js";
import { openDoor } from "../doors/http/door.js";
import { call, joined, readerOf, stored, turn } from "../log/support.js";
import { ScriptFolder } from "../scripted/support.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, failure, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { browserOfFile, looks, overflow, reads, say, showAs, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const clipboard: BrowserContextOptions = { permissions: ["clipboard-read", "clipboard-write"] };
const hostile = "<img src=x onerror=alert(1)> \u001b[31mred {{name}}";

/** Starts a conversation that waits for an answer of the person and for a file, with a retry, concurrent calls and errors. */
async function startConversation(...more: Step[]) {
  const folder = mkdtempSync(join(tmpdir(), "mcp-platform-trace-"));
  const gate = join(folder, "open");
  const llm = await startLlmServer([
    failure(503),
    toolCalls([
      { name: "s__echo", arguments: { said: hostile } },
      { name: "s__wait", arguments: { path: gate } },
      { name: "frail__crash", arguments: { code: 7 } },
    ]),
    answer("**All** of it is done.", { reasoning: "well" }),
    ...more,
  ]);
  const servers = {
    s: fixtureServer({}, { tools: { auto_approve: ["wait"] } }),
    frail: fixtureServer(),
  };
  const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
  const app = await startApp({ llm: llm.url, mcpServers: servers, config });
  const door = await openDoor(app);
  return {
    door,
    openGate: () => writeFileSync(gate, ""),
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
      await llm[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const row = (page: Page, name: string) =>
  page.locator(".trace-row", { has: page.locator("summary", { hasText: name }) });

/** Returns the open question about a call of this tool. */
const asked = (page: Page, tool: string) => page.locator(".question", { hasText: tool });

/** Returns the steps of a session file that has this step, as the reader parses them. */
function stepsOf(step: string) {
  using folder = new ScriptFolder();
  folder.write("a.session.yaml", `steps:\n${step}`);
  return readScript("a.session.yaml", folder.path).steps;
}

/** Finishes the turn, then runs a second turn that fails, and shows the trace in the page. */
async function finish(page: Page, openGate: () => void): Promise<void> {
  await say(page, "Do it\nand say {{so}}");
  for (const tool of ["echo", "crash"]) {
    await asked(page, tool).getByRole("button", { name: "Allow once" }).click();
    await asked(page, tool).waitFor({ state: "detached" }); // the next question moves up
  }
  openGate();
  await reads(page, "of it is done.");
  await say(page, "Once more");
  await page.locator(".card.error").waitFor();
  await showAs(page, "trace");
  await page.getByRole("article", { name: "Turn 2" }).waitFor();
}

inBrowser("the trace of a conversation", () => {
  const open = browserOfFile();

  test("grows while the turn runs: requests, calls at the same time, and what waits for the person", async () => {
    await using conversation = await startConversation();
    await using tab = await open(conversation.door, "#/chat", clipboard);
    const { page, complaints } = tab;
    await say(page, "Do it");
    await page.locator(".question").first().waitFor();
    await showAs(page, "trace");
    await row(page, "m1").getByText("retried once").waitFor();
    await row(page, "s · echo").getByText("asks you").waitFor();
    await row(page, "s · wait").locator(".span.work.open").waitFor({ state: "attached" });
    await page.getByText(/running for/).waitFor();
    await showAs(page, "chat");
    await asked(page, "echo").getByRole("button", { name: "Allow once" }).click();
    await asked(page, "crash").getByRole("button", { name: "Deny" }).click();
    await showAs(page, "trace");
    await row(page, "frail · crash").getByText("not approved").waitFor();
    await row(page, "s · echo").getByText("approved").waitFor();
    await row(page, "s · wait").locator(".span.work.open").waitFor({ state: "attached" });
    conversation.openGate();
    await page.getByText("end turn").waitFor();
    expect(await page.locator(".trace-row").count()).toBe(5);
    expect(await page.locator(".span.open").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("has arguments, results and costs behind its rows, by keyboard too, and all text of others is inert", async () => {
    await using conversation = await startConversation(failure(401));
    await using tab = await open(conversation.door, "#/chat", clipboard);
    const { page, complaints } = tab;
    await finish(page, conversation.openGate);
    const rows = page.getByRole("article", { name: "Turn 1" }).locator(".trace-row > details > summary");
    await rows.first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const echo = row(page, "s · echo").locator(".trace-body");
    const text = (await echo.textContent()) ?? "";
    expect(text).toContain("<img src=x onerror=alert(1)> ");
    expect(text).toContain("\\u001b[31mred");
    expect(text).not.toContain("\u001b");
    expect(await page.locator(".trace-body img").count()).toBe(0);
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    const answered = page.getByRole("article", { name: "Turn 1" }).locator(".trace-row.of-model").last();
    await answered.getByText("**All** of it is done.").waitFor();
    expect(await answered.locator(".fact-list").textContent()).toContain("test/m1");
    const crash = row(page, "frail · crash");
    expect(await crash.getAttribute("class")).toContain("is-failed");
    expect(await page.getByRole("article", { name: "Turn 2" }).textContent()).toContain("failed");
    expect(complaints).toEqual([]);
  });

  test("gives messages and calls as steps that a session file takes", async () => {
    await using conversation = await startConversation(failure(401));
    await using tab = await open(conversation.door, "#/chat", clipboard);
    const { page } = tab;
    await finish(page, conversation.openGate);
    const copied = () => page.evaluate("navigator.clipboard.readText()") as Promise<string>;
    const first = page.getByRole("article", { name: "Turn 1" });
    await first.getByRole("heading").click();
    await first.getByRole("button", { name: "Copy as session step" }).click();
    await first.getByRole("button", { name: "Copied" }).waitFor();
    expect(stepsOf(await copied())).toMatchObject([{ kind: "user", text: "Do it\nand say \\{{so}}" }]);
    await row(page, "s · echo").locator("summary").click();
    await row(page, "s · echo").getByRole("button", { name: "Copy as session step" }).click();
    await row(page, "s · echo").getByRole("button", { name: "Copied" }).waitFor();
    const said = hostile.replace("{{", "\\{{");
    expect(stepsOf(await copied())).toMatchObject([{ kind: "tool", tool: "s.echo", args: { said } }]);
  });

  test.each([761, 900, 1024, 1440])("has its bars wide enough to read in a window of %i px", async (width) => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await collect(app.sessions.open("one").prompt({ requestId: "r", text: "Go" }));
    await using door = await openDoor(app);
    await using tab = await open(door, "#/trace/one", { viewport: { width, height: 800 } });
    await row(tab.page, "s · echo").waitFor();
    expect((await tab.page.locator(".lane").first().boundingBox())?.width).toBeGreaterThan(150);
    expect(await overflow(tab.page)).toBe(0);
  });

  test("is another one after a move to another conversation's trace", async () => {
    await using llm = await startLlmServer(({ body }) => answer(`You said ${body.messages?.at(-1)?.content}.`));
    await using app = await startApp({ llm: llm.url });
    for (const id of ["one", "two"])
      await collect(app.sessions.open(id).prompt({ requestId: "r", text: `this is ${id}` }));
    await using door = await openDoor(app);
    await using tab = await open(door, "#/trace/one");
    const { page, complaints } = tab;
    await row(page, "m1").locator("summary").click();
    await row(page, "m1").getByText("You said this is one.").waitFor();
    await page.evaluate("location.hash = '#/trace/two'");
    await page.getByRole("main").getByText("this is two").first().waitFor();
    expect(await page.getByRole("main").getByText("this is one").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("says in a file that a turn was not finished, and shows nothing of it as running", async () => {
    const one = turn("turn_1");
    const planned = call("call_1", "s__add");
    const events = stored([one.user("go"), one.answer("", [planned]), one.planned(planned), one.sent("call_1")]);
    using folder = new ScriptFolder();
    folder.write("c.html", await joined(exportConversation(readerOf(events), "c1", { format: "html", secrets: [] })));
    await using tab = await open({ url: pathToFileURL(folder.path).href }, "c.html#trace");
    await row(tab.page, "s · add").waitFor();
    const text = (await tab.page.getByRole("article", { name: "Turn 1" }).textContent()) ?? "";
    expect(text).toContain("not finished");
    expect(text).not.toContain("running");
    expect(await tab.page.locator(".trace-row").count()).toBe(2);
    expect(tab.complaints).toEqual([]);
  });

  test.each(looks)("is for everybody, and so is the exported file: %s", async (_, look) => {
    await using conversation = await startConversation(failure(401));
    await using tab = await open(conversation.door, "#/chat", look);
    const { page, complaints } = tab;
    await finish(page, conversation.openGate);
    for (const summary of await page.locator(".trace-row > details > summary").all()) await summary.click();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    const id = decodeURIComponent(page.url().split("/").at(-1) ?? "");
    const response = await fetch(`${conversation.door.url}/api/sessions/${id}/export?format=html`);
    using folder = new ScriptFolder();
    const file = folder.write("conversation.html", await response.text());
    await using opened = await open(
      { url: pathToFileURL(file).href.replace(/\/conversation\.html$/, "") },
      "conversation.html",
      {
        ...look,
        offline: true,
      },
    );
    const requested: string[] = [];
    opened.page.on("request", (request) => requested.push(request.url()));
    await opened.page.reload();
    await opened.page.getByText("of it is done.").waitFor();
    expect(await violations(opened.page)).toEqual([]);
    await opened.page.getByRole("button", { name: "Trace" }).click();
    await row(opened.page, "s · echo").getByText("approved").waitFor();
    for (const summary of await opened.page.locator(".trace-row > details > summary").all()) await summary.click();
    expect(await opened.page.locator(".trace-body").first().isVisible()).toBe(true);
    expect(await opened.page.getByText("All of it is done.").isVisible()).toBe(false);
    const inFile = await violations(opened.page);
    expect(inFile.filter((each) => !/^(landmark-one-main|region)/.test(each))).toEqual([]); // its main element is the transcript
    expect(await overflow(opened.page)).toBe(0);
    expect(requested).toEqual([opened.page.url()]);
    expect([...complaints, ...opened.complaints]).toEqual([]);
    await using plain = await open({ url: pathToFileURL(folder.path).href }, "conversation.html", {
      ...look,
      javaScriptEnabled: false,
    });
    expect(await plain.page.locator("main").textContent()).toContain("All of it is done.");
  });
});
