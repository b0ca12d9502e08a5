import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { openDoor } from "../doors/http/door.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { answer, chunk, cutStream, failure, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { browserOfFile, reads, say, shownText, showTurnPanel } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const asking = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

/** Returns a promise and the function that resolves it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), wait: () => opened };
}

inBrowser("a chat in the browser", () => {
  const open = browserOfFile();

  test("shows the answer while it is written, as Markdown, with tools as cards and the turn's times beside it", async () => {
    const { open: goOn, wait } = gate();
    await using llm = await startLlmServer([
      toolCalls(
        [
          { name: "s__echo", arguments: { a: 1 } },
          { name: "s__oddly", arguments: {} },
        ],
        { text: "Let me see." } as never,
      ),
      stream([
        chunk({ reasoning_content: "hmm" }),
        chunk({ content: "**Two** things:\n\n- one\n" }),
        wait,
        chunk({ content: "- two\n\n```js\nlet x;\n```\n\nThat was it" }),
        chunk({}, "stop"),
        "data: [DONE]\n\n",
      ]),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await say(page, "What is there?");
    await reads(page, "one");
    expect(await page.locator(".answer strong").textContent()).toBe("Two");
    goOn();
    await page.locator(".answer pre").waitFor();
    expect(await page.locator(".answer li").allInnerTexts()).toEqual(["one", "two"]);
    await page.locator(".tool").getByText("s · echo").first().click();
    await page.locator(".tool [open] dd").getByText("1").first().waitFor();
    expect(await page.locator(".tool.failed .name").textContent()).toBe("s · oddly");
    await page.getByText("Reasoning").click();
    await reads(page, "hmm");
    await showTurnPanel(page);
    const rows = await page.locator(".timeline .row .label").allInnerTexts();
    expect(rows.map((row) => row.replace(/\s+/g, " ").trim())).toEqual([
      "model m1",
      "tool s · echo",
      "tool s · oddly",
      "model m1",
    ]);
    expect(complaints).toEqual([]);
  });

  test("keeps the elements of an answer in the page when it is complete: what is selected or opened there stays so", async () => {
    const { open: goOn, wait } = gate();
    await using llm = await startLlmServer([
      stream([
        chunk({ reasoning_content: "hmm" }),
        chunk({ content: "# One\n\nTwo" }),
        wait,
        chunk({}, "stop"),
        "data: [DONE]\n\n",
      ]),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Count");
    await page.getByText("Reasoning").click();
    const heading = await page.waitForSelector(".answer h3");
    goOn();
    await page.getByRole("button", { name: "Fork from here" }).waitFor({ state: "attached" });
    expect(await heading.evaluate(({ isConnected }) => isConnected)).toBe(true);
    expect(await page.locator(".answer details[open]").count()).toBe(1);
  });

  test("shows how far a tool is, and what ran at the same time", async () => {
    const slow = { name: "s__drip", arguments: { times: 20, everyMs: 50 } };
    await using llm = await startLlmServer([
      toolCalls([slow, { name: "s__echo", arguments: {} }]),
      answer("both are done"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await showTurnPanel(page);
    await say(page, "Do both");
    await page
      .locator(".tool.running")
      .getByText(/^\d+ of 20$/)
      .waitFor();
    await page.locator(".timeline .row.tool.open").getByText("s · drip").waitFor();
    await page.locator(".tool.done").getByText("s · echo").waitFor();
    await reads(page, "both are done");
    expect(await page.locator(".progress").count()).toBe(0);
  });

  test("is cancelled by Escape and by its button, and keeps what was said", async () => {
    await using llm = await startLlmServer(() =>
      stream([chunk({ content: "begun" }), () => new Promise<void>(() => {})]),
    );
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Go");
    await reads(page, "begun");
    await page.keyboard.press("Escape");
    await reads(page, "Cancelled.");
    await say(page, "Again");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Cancelled.").nth(1).waitFor();
    expect(await shownText(page)).toContain("begun");
  });

  test("is not cancelled by Escape in the sidebar, in a menu or while an input method composes", async () => {
    await using llm = await startLlmServer(() =>
      stream([chunk({ content: "begun" }), () => new Promise<void>(() => {})]),
    );
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Go");
    await reads(page, "begun");
    const cancels: string[] = [];
    page.on("request", (request) => request.url().endsWith("/cancel") && cancels.push(request.url()));
    await page.getByLabel("Search conversations").press("Escape");
    await page.locator(".conversation").hover();
    await page.getByRole("button", { name: "More for Go" }).click();
    await page.getByRole("button", { name: "Rename" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Rename" }).waitFor({ state: "hidden" });
    await page.getByLabel("Message").dispatchEvent("keydown", { key: "Escape", isComposing: true, bubbles: true });
    expect(cancels).toEqual([]);
    await page.getByLabel("Message").press("Escape");
    await reads(page, "Cancelled.");
    expect(cancels).toHaveLength(1);
  });

  test("is another one after New chat: title, turn beside it, Cancel, Escape and what is read out", async () => {
    const hang = () => new Promise<void>(() => {});
    await using llm = await startLlmServer([
      answer("the first answer"),
      stream([chunk({ content: "the second begins" }), hang]),
      stream([chunk({ content: "the third begins" }), hang]),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    const title = page.getByRole("heading", { level: 1 });
    const beside = page.locator(".now");
    await showTurnPanel(page);
    const readOut = page.locator(".chat > [aria-live]");
    await say(page, "One");
    await reads(page, "the first answer");
    await beside.getByRole("heading", { name: "Last turn" }).waitFor();
    const first = page.url();
    await page.getByLabel("Message").fill("not sent");
    await page.getByRole("link", { name: "New chat" }).click();
    await title.getByText("New chat").waitFor();
    expect(await shownText(page)).not.toContain("the first answer");
    expect([await page.getByLabel("Message").inputValue(), await readOut.textContent()]).toEqual(["", ""]);
    await beside.getByText("What a turn does").waitFor();
    await say(page, "Two");
    await reads(page, "the second begins");
    await title.getByText("Two").waitFor();
    await beside.getByRole("heading", { name: "This turn" }).waitFor();
    await readOut.getByText("The model is asked.").waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Cancel" }).click();
    await reads(page, "Cancelled.");
    await readOut.getByText("The turn is cancelled.").waitFor({ state: "attached" });
    await page.getByRole("link", { name: "New chat" }).click();
    await title.getByText("New chat").waitFor();
    await say(page, "Three");
    await reads(page, "the third begins");
    await page.keyboard.press("Escape");
    await reads(page, "Cancelled.");
    await page.goto(first);
    await title.getByText("One").waitFor();
    await reads(page, "the first answer");
    expect(complaints).toEqual([]);
  });

  test.each([
    ["beside the conversation", 1180, true],
    ["above the conversation", 1179, false],
  ])(
    "has the panel of its turn %s in a window of %i px, when it is wanted and as it was left",
    async (_, width, isBeside) => {
      await using llm = await startLlmServer([answer("done")]);
      await using app = await startApp({ llm: llm.url });
      await using door = await openDoor(app);
      await using tab = await open(door, "#/chat", { viewport: { width, height: 800 } });
      const { page } = tab;
      await say(page, "Go");
      await reads(page, "done");
      const panel = page.getByRole("complementary", { name: "This turn" });
      expect(await panel.count()).toBe(0);
      await showTurnPanel(page);
      const left = async (selector: string) => (await page.locator(selector).boundingBox())?.x ?? 0;
      await panel.waitFor();
      expect((await left(".now")) > (await left(".foot"))).toBe(isBeside);
      await page.reload();
      await panel.getByText("Last turn").waitFor();
      await panel.getByRole("link", { name: "Trace of this turn" }).click();
      await page.getByRole("article", { name: "Turn 1" }).waitFor();
      await page.goBack();
      await showTurnPanel(page);
      await panel.waitFor({ state: "detached" });
    },
  );

  test("says what failed and what to do, and sends the same request again", async () => {
    await using llm = await startLlmServer([
      failure(503),
      failure(503),
      failure(503),
      failure(503),
      answer("there it is"),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Please");
    await page.getByRole("button", { name: "Send again" }).click();
    await reads(page, "there it is");
    expect(await page.locator(".card.error").count()).toBe(0);
    expect(await page.locator(".said").count()).toBe(1);
  });

  test("sends a failed request again to the model that it named", async () => {
    const failures = Array.from({ length: 4 }, () => failure(503));
    await using llm = await startLlmServer([...failures, answer("there it is")]);
    await using app = await startApp({ llm: llm.url });
    await collect(app.sessions.open("chat_1").prompt({ requestId: "req_1", text: "Please", model: "other" }));
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat/chat_1");
    await tab.page.getByRole("button", { name: "Send again" }).click();
    await reads(tab.page, "there it is");
    expect(llm.requests.map(({ body }) => body.model)).toEqual(Array.from({ length: 5 }, () => "other"));
  });

  test("takes back the beginning of an answer that broke off, and shows the new one", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "wrong start" }), cutStream]), answer("right")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    await say(tab.page, "Please");
    await reads(tab.page, "right");
    expect(await shownText(tab.page)).not.toContain("wrong start");
  });

  test("is shown in every tab as it happens, from the middle of an answer too, and again from its address", async () => {
    const { open: goOn, wait } = gate();
    await using llm = await startLlmServer([
      stream([
        chunk({ content: "the first half" }),
        wait,
        chunk({ content: " and the second" }),
        chunk({}, "stop"),
        "data: [DONE]\n\n",
      ]),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using first = await open(door);
    await say(first.page, "Two halves");
    await reads(first.page, "the first half");
    const place = new URL(first.page.url()).hash;
    await using second = await open(door, place);
    await reads(second.page, "the first half");
    goOn();
    for (const { page } of [first, second]) await reads(page, "the first half and the second");
    await second.page.reload();
    await reads(second.page, "the first half and the second");
    expect(llm.requests).toHaveLength(1);
  });

  test("keeps what is written, and what is not sent yet, over other views and when the page is loaded again", async () => {
    await using llm = await startLlmServer([answer("the first"), answer("the second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    const look = async (view: string) => {
      await page.getByRole("link", { name: view }).click();
      await page.getByRole("heading", { name: view }).waitFor();
    };
    await page.route("**/turns", (route) => route.abort());
    await say(page, "One");
    await reads(page, "it is sent as soon as possible");
    await look("Servers");
    await page.reload();
    await page.goBack();
    await reads(page, "it is sent as soon as possible");
    await page.unroute("**/turns");
    await reads(page, "the first");
    await page.getByLabel("Message").fill("Two");
    await look("Usage");
    await page.goBack();
    await page.getByLabel("Message").press("Enter");
    await reads(page, "the second");
    await page.reload();
    await reads(page, "the second");
    expect(await page.locator(".said").allTextContents()).toEqual(["One", "Two"]);
    expect(await page.getByLabel("Message").inputValue()).toBe("");
    expect(llm.requests).toHaveLength(2);
    expect(complaints).toEqual([]);
  });

  test("sends what was written while the host did not answer in its order, each message under one id", async () => {
    const texts = ["One", "Two", "Three", "Four"];
    await using llm = await startLlmServer(texts.map((text) => answer(`to ${text}`)));
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    const sent: { request_id: string; text: string }[] = [];
    const { open: refuseAgain, wait } = gate();
    let refused = 0;
    await page.route("**/turns", async (route) => {
      const turn = route.request().postDataJSON() as { request_id: string; text: string };
      sent.push(turn);
      if (turn.text !== "One" || refused === 2) return route.continue();
      refused++;
      if (refused === 1) return route.abort();
      await wait();
      return route.fulfill({ status: 429, headers: { "retry-after": "1" } });
    });
    for (const text of texts) await say(page, text);
    await reads(page, "it is sent as soon as possible");
    expect(await page.getByText("It is sent after the message before it.").count()).toBe(3);
    refuseAgain();
    await reads(page, "to Four");
    expect(sent.map(({ text }) => text)).toEqual(["One", "One", ...texts]);
    expect(new Set(sent.map(({ request_id }) => request_id)).size).toBe(4);
    expect(await page.locator(".said").allTextContents()).toEqual(texts);
    expect(complaints).toEqual([]);
  });

  test("sends the next message if one is refused, says why, and sends the refused one again when asked to", async () => {
    await using llm = await startLlmServer([answer("to Two"), answer("to One")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    let refuses = true;
    await page.route("**/turns", (route) => {
      const { text } = route.request().postDataJSON() as { text: string };
      if (text === "One" && refuses)
        return route.fulfill({ status: 409, json: { error: { message: "not this one" } } });
      return route.continue();
    });
    await say(page, "One");
    await reads(page, "not this one");
    await say(page, "Two");
    await reads(page, "to Two");
    refuses = false;
    await page.getByRole("button", { name: "Send again" }).click();
    await reads(page, "to One");
    expect(await page.locator(".card.error").count()).toBe(0);
  });

  test("says that it was deleted elsewhere, and takes no further message", async () => {
    await using llm = await startLlmServer([answer("fine")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await collect(app.sessions.open("c1").prompt({ requestId: "r", text: "hello" }));
    await using tab = await open(door, "#/chat/c1");
    await reads(tab.page, "fine");
    await tab.page.getByLabel("Message").fill("half a thought");
    await app.sessions.delete("c1");
    await reads(tab.page, "This conversation was deleted");
    expect(await tab.page.getByLabel("Message").count()).toBe(0);
    await reads(tab.page, "half a thought");
    await tab.page.getByRole("button", { name: "Take it to a new chat" }).click();
    await tab.page.getByLabel("Message").waitFor();
    expect(await tab.page.getByLabel("Message").inputValue()).toBe("half a thought");
  });

  test("is not continued by a message that was written before the page heard of the deletion", async () => {
    await using llm = await startLlmServer([answer("the old one"), answer("of somebody else")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await collect(app.sessions.open("c1").prompt({ requestId: "r", text: "hello" }));
    await using tab = await open(door, "#/chat/c1");
    const { page, complaints } = tab;
    let isCut = false;
    await page.routeWebSocket(/ws.chat/, (socket) => {
      const host = socket.connectToServer();
      host.onMessage((message) => isCut || socket.send(message));
    });
    await page.reload();
    await reads(page, "the old one");
    isCut = true;
    await app.sessions.delete("c1");
    const begin = () => app.sessions.open("c1").prompt({ requestId: "theirs", text: "mine now" });
    for await (const _ of begin());
    const stored = await app.sessions.history("c1");
    await say(page, "to the old one");
    await reads(page, "This conversation was deleted");
    await reads(page, "to the old one");
    expect(await app.sessions.history("c1")).toEqual(stored);
    await page.reload();
    await reads(page, "to the old one");
    await page.getByRole("button", { name: "Take it to a new chat" }).click();
    expect(await page.getByLabel("Message").inputValue()).toBe("to the old one");
    expect(await app.sessions.history("c1")).toEqual(stored);
    expect(complaints).toEqual([]);
  });

  test("is followed again after its log could not be read for a while", async () => {
    await using llm = await startLlmServer([answer("fine"), answer("again")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    let fail = () => {};
    await page.routeWebSocket(/ws.chat/, (socket) => {
      const host = socket.connectToServer();
      socket.onMessage((message) => {
        const { action, request_id } = JSON.parse(String(message)) as { action: string; request_id: string };
        if (action !== "history") return host.send(message);
        host.send(message);
        fail = () => {
          host.send(JSON.stringify({ action: "cancel", request_id }));
          const chunk = { error: "the log is away", kind: "unavailable", retryable: true, hint: "" };
          socket.send(JSON.stringify({ request_id, status: "error", chunk }));
        };
      });
    });
    await page.reload();
    await say(page, "hello");
    await reads(page, "fine");
    fail();
    await reads(page, "the log is away");
    await say(page, "hello again");
    await reads(page, "again");
    await page.locator(".answer").getByText("again").waitFor();
    expect(await shownText(page)).not.toContain("the log is away");
  });

  test("says at the address of a conversation that does not exist that there is none, and takes no message", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat/conv_mistyped");
    const { page, complaints } = tab;
    await page.getByRole("heading", { name: "There is no such conversation" }).waitFor();
    expect(await page.getByLabel("Message").count()).toBe(0);
    await page.getByRole("link", { name: "Begin a new one" }).click();
    await page.getByLabel("Message").waitFor();
    expect(complaints).toEqual([]);
  });

  test("shows the start page at an address whose percent forms are invalid", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    for (const place of ["#/chat/%E0", "#/trace/%E0", "#token=%E0"]) {
      await using tab = await open(door, place);
      await tab.page.locator("h1").waitFor();
      expect(tab.complaints).toEqual([]);
    }
  });

  test("shows what a model and a server write as text, and nothing of it does anything", async () => {
    const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> \u001b[31mred [x](javascript:document.title='owned') ![p](https://evil.example/p.png) [ok](https://good.example/)`;
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: { evil } }]), answer(evil)]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await say(page, evil);
    await page.locator(".answer").getByText("ok").waitFor();
    await page.locator(".tool summary").click();
    const text = await shownText(page);
    expect(text).toContain("<script>document.title='owned'</script>");
    expect(text).toContain("\u241b[31mred");
    expect(text).not.toContain("\u001b");
    expect(await page.locator(".turns :is(img, script, iframe)").count()).toBe(0);
    const links = await page
      .locator(".answer a")
      .evaluateAll((all) => all.map((link) => [link.getAttribute("href"), link.getAttribute("rel")]));
    expect(links).toEqual([
      ["https://evil.example/p.png", "noopener noreferrer nofollow"],
      ["https://good.example/", "noopener noreferrer nofollow"],
    ]);
    expect(await page.title()).toContain("<img src=x"); // not what the script wrote
    expect(asked.filter((url) => !url.startsWith(door.url))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

inBrowser("a question in the browser", () => {
  const open = browserOfFile();

  test("to run a tool shows what would be run, is answered once or for longer, and denied", async () => {
    const call = () => toolCalls([{ name: "s__echo", arguments: { path: "/etc/passwd", to: "a\u200bb\u202ec" } }]);
    await using llm = await startLlmServer([
      call(),
      answer("one"),
      call(),
      answer("two"),
      call(),
      answer("three"),
      call(),
      answer("four"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: asking });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    const card = page.locator(".question");
    await say(page, "first");
    await card.and(page.locator(":focus")).waitFor();
    expect(await card.locator("dt, dd").allTextContents()).toEqual(["path", "/etc/passwd", "to", "a\\u200bb\\u202ec"]);
    await card.getByRole("button", { name: "Deny" }).click();
    await reads(page, "one");
    await page.locator(".tool").getByText("denied").waitFor();
    await say(page, "second");
    await card.getByRole("button", { name: "Allow once" }).click();
    await reads(page, "two");
    await say(page, "third");
    await card.getByRole("button", { name: "this conversation" }).click();
    await reads(page, "three");
    await say(page, "fourth");
    await reads(page, "four");
    expect(await shownText(page)).toContain("allowed (this conversation)");
    expect(complaints).toEqual([]);
  });

  test("at a limit says what was used, of how much, and by which setting", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
    const limits = { turn: { hops: 1 } };
    const config = { chat: { limits, service: { approval: "auto" }, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Call");
    const card = page.locator(".question");
    await card.getByText("This turn has made 1 of 1 requests to the model.").waitFor();
    await card.getByRole("button", { name: "Stop" }).click();
    await reads(page, "A limit is reached: denied");
  });

  test("of a server is a form by its schema, which the browser checks", async () => {
    const requestedSchema = {
      type: "object",
      properties: {
        email: { type: "string", format: "email", title: "Your address" },
        age: { type: "integer", minimum: 18 },
        plan: { type: "string", enum: ["a", "b"], enumNames: ["Plan A", "Plan B"] },
        news: { type: "boolean", default: true },
        note: { type: "string", description: "anything" },
      },
      required: ["email", "plan"],
    };
    const ask = (params: object) =>
      toolCalls([{ name: "s__ask", arguments: { method: "elicitation/create", params } }]);
    await using llm = await startLlmServer([
      ask({ message: "Who are you?", requestedSchema }),
      answer("thanks"),
      ask({ message: "Who are you?", requestedSchema }),
      answer("well"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Sign me up");
    await page.getByLabel("Your address").fill("nobody");
    await page.getByLabel("plan (required)").selectOption({ label: "Plan B" });
    await page.getByRole("button", { name: "Send", exact: true }).first().click();
    expect(await page.locator(".question input:invalid").count()).toBe(1);
    await page.getByLabel("Your address").fill("ann@example.com");
    await page.getByLabel("age", { exact: true }).fill("44");
    await page.locator(".question").getByRole("button", { name: "Send" }).click();
    await reads(page, "thanks");
    const [conversation] = (await app.sessions.list({ most: 100 })).conversations;
    const events = await app.sessions.history(conversation?.conversationId ?? "");
    const [result] = events.filter((event) => event.type === "tool_result");
    expect(JSON.parse(textOf(result?.content ?? []))).toEqual({
      action: "accept",
      content: { email: "ann@example.com", age: 44, plan: "b", news: true },
    });
    await say(page, "And again");
    await page.locator(".question").getByRole("button", { name: "Decline" }).click();
    await reads(page, "well");
    await reads(page, "s asks: declined");
  });

  test("shows where it leads, and opens nothing by itself, if it is a page to visit", async () => {
    const params = { mode: "url", elicitationId: "e1", message: "Log in there", url: "https://login.example/?next=1" };
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__visit", arguments: { url: params.url } }]),
      answer("done"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await say(page, "Log in");
    const link = page.locator(".question a");
    expect(await link.textContent()).toBe("Open login.example");
    expect(await link.getAttribute("href")).toBe(params.url);
    await page.getByRole("button", { name: "Done there" }).click();
    await reads(page, "done");
  });
});
