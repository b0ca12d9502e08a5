import { describe, expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, chunk, failure, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { browserOfFile, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const clipboard = { permissions: ["clipboard-read", "clipboard-write"] };

inBrowser("what a person does with messages", () => {
  const open = browserOfFile();

  test("a message and an answer are articles, are copied as Markdown, and the answer says what it took", async () => {
    await using llm = await startLlmServer([answer("**Two**\n\n- one")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat", clipboard);
    const { page, complaints } = tab;
    await say(page, "What?");
    const asked = page.getByRole("article", { name: "You", exact: true });
    const reply = page.getByRole("article", { name: "m1", exact: true });
    await reply.getByRole("button", { name: "Copy", exact: true }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("**Two**\n\n- one");
    await asked.getByRole("button", { name: "Copy", exact: true }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("What?");
    expect(await reply.locator(".facts").textContent()).toMatch(/^m1 · \d.* m?s · \d+ tokens/);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("a copy of the conversation begins at an answer", async () => {
    await using llm = await startLlmServer([answer("the first"), answer("the second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "One");
    await reads(page, "the first");
    await say(page, "Two");
    await reads(page, "the second");
    const before = page.url();
    await page.getByRole("button", { name: "Fork from here" }).first().click();
    await reads(page, "another conversation");
    await reads(page, "the first");
    expect(page.url()).not.toBe(before);
    expect(await page.locator(".said").allTextContents()).toEqual(["One"]);
  });

  test("what was sent is shown, also after the person has scrolled up", async () => {
    await using llm = await startLlmServer([answer("line\n\n".repeat(100)), answer("the second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "One");
    await page.getByRole("button", { name: "Fork from here" }).waitFor();
    await page.locator(".turns").evaluate((frame) => frame.scrollTo({ top: 0 }));
    await page.getByRole("button", { name: "To the end" }).waitFor();
    await say(page, "Two");
    await reads(page, "the second");
    await page.getByRole("button", { name: "To the end" }).waitFor({ state: "detached" });
    const isInView = await page
      .getByText("Two", { exact: true })
      .evaluate((text) => text.getBoundingClientRect().top > 0 && text.getBoundingClientRect().bottom < 800);
    expect(isInView).toBe(true);
  });

  test("the chosen model belongs to the conversation: it stays over other views and after a reload", async () => {
    await using llm = await startLlmServer([answer("from m1")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    const models = [{ id: "other/far" }];
    await page.route("**/models", (route) => route.fulfill({ json: { data: models, models } }));
    await say(page, "One");
    await reads(page, "from m1");
    await page.reload();
    const model = page.locator(".composer select");
    await model.locator("option").nth(1).waitFor({ state: "attached" });
    const names = await model.locator("option").evaluateAll((all) => all.map((each) => each.textContent ?? ""));
    const [, chosen = ""] = names;
    expect(chosen).toMatch(/\//);
    await model.selectOption(chosen);
    await page.getByRole("link", { name: "Servers" }).first().click();
    await page.getByRole("heading", { name: "Servers" }).waitFor();
    await page.reload();
    await page.goBack();
    expect(await model.inputValue()).toBe(chosen);
  });

  test("Escape in a form and while a word is composed cancels nothing, and the form keeps its values", async () => {
    const form = {
      method: "elicitation/create",
      params: { message: "Who?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } },
    };
    await using llm = await startLlmServer([toolCalls([{ name: "s__ask", arguments: form }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Ask me");
    const name = page.locator(".question").getByLabel("name");
    await name.fill("Ann");
    await name.press("Escape");
    await page.evaluate(
      "document.getElementById('message').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true }))",
    );
    await page.getByRole("link", { name: "Servers" }).first().click();
    await page.getByRole("heading", { name: "Servers" }).waitFor();
    await page.goBack();
    expect(await name.inputValue()).toBe("Ann");
    await page.locator(".question").getByRole("button", { name: "Send" }).click();
    await reads(page, "done");
  });

  test("a turn that failed because of a key can be sent again", async () => {
    await using llm = await startLlmServer([failure(401), answer("there it is")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    await say(tab.page, "Please");
    await tab.page.getByRole("button", { name: "Send again" }).click();
    await reads(tab.page, "there it is");
    expect(await tab.page.locator(".card.error").count()).toBe(0);
  });

  test("a file that is dropped beside the message field does not take the place of the page", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    await tab.page.getByLabel("Message", { exact: true }).waitFor();
    const isPrevented = await tab.page.evaluate(`(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["x"], "x.txt"));
      return !document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    })()`);
    expect(isPrevented).toBe(true);
  });

  test("the arrow up opens the last message, and Escape closes it and cancels nothing", async () => {
    await using llm = await startLlmServer([
      answer("the first"),
      stream([chunk({ content: "begun" }), () => new Promise<void>(() => {})]),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "One");
    await reads(page, "the first");
    await say(page, "Two");
    await reads(page, "begun");
    await page.keyboard.press("ArrowUp");
    expect(await page.getByLabel("Edit the message").inputValue()).toBe("Two");
    await page.keyboard.press("Escape");
    await page.getByLabel("Message", { exact: true }).and(page.locator(":focus")).waitFor();
    expect(await page.getByText("Cancelled.").count()).toBe(0);
    await page.keyboard.press("Escape");
    await reads(page, "Cancelled.");
  });

  test("an edited message and another answer are versions, and each of them can be shown", async () => {
    await using llm = await startLlmServer([answer("to One"), answer("to Two"), answer("to Two again")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await say(page, "One");
    await reads(page, "to One");
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Edit the message").fill("Two");
    await page.keyboard.press("Enter");
    await reads(page, "to Two");
    expect(await page.locator(".said").allTextContents()).toEqual(["Two"]);
    await page.getByText("2/2").waitFor();
    await page.getByRole("button", { name: "Answer again", exact: true }).click();
    await reads(page, "to Two again");
    await page.getByText("3/3").waitFor();
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.getByText("2/3").waitFor();
    await page.getByRole("button", { name: "Previous version" }).click();
    await reads(page, "to One");
    await page.getByText("1/3").waitFor();
    expect(complaints).toEqual([]);
  });

  test("a turn that is taken back is gone, and its text stands in the message field", async () => {
    await using llm = await startLlmServer([answer("the first"), answer("the second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "One");
    await reads(page, "the first");
    await say(page, "Two");
    await reads(page, "the second");
    await page.getByRole("button", { name: "Take back" }).last().click();
    await page.getByRole("button", { name: "Take this turn back?" }).click();
    await page.locator(".answer").getByText("the second").waitFor({ state: "detached" });
    expect(await page.locator(".said").allTextContents()).toEqual(["One"]);
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("Two");
  });
});
