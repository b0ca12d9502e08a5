import { describe, expect, test } from "@jest/globals";
import { noChromium } from "../support/chromium.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, chunk, startLlmServer, stream } from "../support/llm-server.js";
import { browserOfFile, kill, pageOf, reads, say, shownText } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

inBrowser("a page whose host is killed and started again", () => {
  const open = browserOfFile();

  test("goes on by itself: everything once, the turn that ran to its end, and what was sent meanwhile", async () => {
    const hang = () => new Promise<void>(() => {});
    await using llm = await startLlmServer([
      answer("the first answer"),
      stream([chunk({ content: "half of the" }), hang]),
      answer("the second answer"),
      answer("the third answer"),
    ]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
    let host = place.start("serve", "--port", "0", "--no-token");
    const url = new URL(await pageOf(host));
    await using tab = await open({ url: url.origin });
    const { page, complaints } = tab;
    await say(page, "One");
    await reads(page, "the first answer");
    await say(page, "Two");
    await reads(page, "half of the");
    await kill(host);
    await page.getByText("The host cannot be reached").waitFor();
    await say(page, "Three");
    await reads(page, "it is sent as soon as possible");
    host = place.start("serve", "--port", url.port, "--no-token");
    try {
      await pageOf(host);
      await reads(page, "the third answer");
      expect(await page.locator(".said").allTextContents()).toEqual(["One", "Two", "Three"]);
      const text = await shownText(page);
      for (const said of ["the first answer", "the second answer", "the third answer"]) {
        expect(text.split(said)).toHaveLength(2);
      }
      expect(text).not.toContain("half of the");
      expect(llm.requests).toHaveLength(4);
      expect(complaints).toEqual([]);
    } finally {
      await kill(host);
    }
  });

  test("keeps what was written in an edited message, which is sent once when the host is back", async () => {
    await using llm = await startLlmServer([answer("to One"), answer("to Two")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
    let host = place.start("serve", "--port", "0", "--no-token");
    const url = new URL(await pageOf(host));
    await using tab = await open({ url: url.origin });
    const { page, complaints } = tab;
    await say(page, "One");
    await reads(page, "to One");
    await page.getByRole("button", { name: "Edit" }).click();
    const field = page.getByLabel("Edit the message");
    await field.fill("Two");
    host.kill("SIGSTOP");
    await field.press("Enter");
    await page.getByRole("button", { name: "Send again" }).and(page.locator(":disabled")).waitFor();
    await kill(host);
    await page.getByRole("alert").getByText("the host does not answer").waitFor();
    expect(await field.inputValue()).toBe("Two");
    host = place.start("serve", "--port", url.port, "--no-token");
    try {
      await pageOf(host);
      await page.locator(".link").waitFor({ state: "detached" });
      await field.press("Enter");
      await reads(page, "to Two");
      expect(await page.locator(".said").allTextContents()).toEqual(["Two"]);
      expect(llm.requests).toHaveLength(2);
      expect(complaints).toEqual([]);
    } finally {
      await kill(host);
    }
  });

  test("says that the conversation was deleted meanwhile, keeps what was typed, and sends nothing of it", async () => {
    await using llm = await startLlmServer([answer("the old answer"), answer("one"), answer("two"), answer("new")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
    expect(await place.run(["run", "One", "--conversation", "c1"])).toMatchObject({ exitCode: 0 });
    let host = place.start("serve", "--port", "0", "--no-token");
    const url = new URL(await pageOf(host));
    await using tab = await open({ url: url.origin }, "#/chat/c1");
    const { page, complaints } = tab;
    await reads(page, "the old answer");
    await kill(host);
    await page.getByText("The host cannot be reached").waitFor();
    await say(page, "Two");
    await reads(page, "it is sent as soon as possible");
    expect(await place.run(["sessions", "delete", "c1", "--yes"])).toMatchObject({ exitCode: 0 });
    // Another client begins a longer conversation under the same id, so that the page cannot notice the deletion by its length.
    for (const text of ["X", "Y"]) {
      expect(await place.run(["run", text, "--conversation", "c1"])).toMatchObject({ exitCode: 0 });
    }
    host = place.start("serve", "--port", url.port, "--no-token");
    try {
      await pageOf(host);
      await reads(page, "This conversation was deleted");
      await page.locator(".link").waitFor({ state: "detached" });
      const text = await shownText(page);
      expect(text).toContain("the old answer");
      expect(text.split("Two")).toHaveLength(2);
      expect(await page.locator(".said").allTextContents()).toEqual(["One"]);
      expect(llm.requests).toHaveLength(3);
      await page.getByRole("button", { name: "Take it to a new chat" }).click();
      await page.getByLabel("Message").press("Enter");
      await reads(page, "new");
      expect(await page.locator(".said").allTextContents()).toEqual(["Two"]);
      expect(new URL(page.url()).hash).toMatch(/^#\/chat\/conv_[0-9a-f]{32}$/);
      expect(complaints).toEqual([]);
    } finally {
      await kill(host);
    }
  });
});
