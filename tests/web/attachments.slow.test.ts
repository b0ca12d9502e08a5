import { describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { openDoor, post } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { browsers, noChromium } from "../support/chromium.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, failure, type LlmRequest, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, kill, overflow, pageOf, reads, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;
const clipboard = { permissions: ["clipboard-read", "clipboard-write"] };

const field = (page: Page) => page.getByLabel("Message", { exact: true });
const asked = (page: Page) => page.getByRole("article", { name: "You", exact: true });
/** Returns the buttons that remove the file, or any file, from the message that is being written. */
const attached = (page: Page, name = "") => page.locator(".composer").getByRole("button", { name: `Remove ${name}` });

const drawnPicture = `(() => {
  const canvas = new OffscreenCanvas(8, 8);
  canvas.getContext("2d").fillRect(0, 0, 8, 8);
  return canvas.convertToBlob({ type: "image/png" });
})()`;

/** Puts a picture into the clipboard, as a program for screenshots does, and pastes it. */
async function copyAndPaste(page: Page): Promise<void> {
  await page.evaluate(`(async () => {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": await ${drawnPicture} })]);
  })()`);
  await page.keyboard.press("Control+V");
}

/** Pastes a picture without the clipboard: that of a Firefox without a window takes no pictures, and its ClipboardEvent no files. */
function pasteAlone(page: Page): Promise<void> {
  return page.evaluate(`(async () => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([await ${drawnPicture}], "image.png", { type: "image/png" }));
    const paste = new Event("paste", { bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(Object.assign(paste, { clipboardData }));
  })()`);
}

function drop(page: Page, files: { name: string; type?: string; text: string }[], onto = ".turns"): Promise<void> {
  return page.evaluate(`(() => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, text } of ${JSON.stringify(files)}) dataTransfer.items.add(new File([text], name, { type }));
    document.querySelector(${JSON.stringify(onto)}).dispatchEvent(
      new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  })()`);
}

/** Returns the types of the parts of the last message. A text in place of parts counts as one part. */
function partsOf(request: LlmRequest | undefined): string[] {
  const content = request?.body.messages?.at(-1)?.content;
  return Array.isArray(content) ? content.map(({ type }: { type: string }) => type) : [typeof content];
}

/** Has the page's database busy for half a second, as on a slow disk. */
const occupiedDatabase = `new Promise((resolve) => {
  const opening = indexedDB.open("mcp-platform");
  opening.onupgradeneeded = () => opening.result.createObjectStore("texts", { keyPath: "id" });
  opening.onsuccess = () => {
    const texts = opening.result.transaction("texts", "readwrite").objectStore("texts");
    const until = Date.now() + 500;
    const occupy = () => {
      if (Date.now() < until) texts.get("").onsuccess = occupy;
    };
    occupy();
    resolve();
  };
})`;

describe.each(browsers)("files of a message in $name", ({ name, start }) => {
  const open = browserOfFile(start);
  const isChromium = name === "Chromium";

  test("a picture is pasted and sent by keyboard alone: the model gets it once, and every tab shows it", async () => {
    await using llm = await startLlmServer([answer("a black square")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat", isChromium ? clipboard : {});
    const { page, complaints } = tab;
    await field(page).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("What is it?");
    await (isChromium ? copyAndPaste : pasteAlone)(page);
    await attached(page, "image.png").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await reads(page, "a black square");
    expect(llm.requests).toHaveLength(1);
    expect(partsOf(llm.requests[0])).toEqual(["text", "text", "image_url"]);
    expect(await attached(page).count()).toBe(0);
    await page.reload();
    const picture = asked(page).getByRole("img", { name: "image.png" });
    await picture.waitFor();
    expect(await picture.evaluate((element) => (element as { naturalWidth?: number }).naturalWidth)).toBe(8);
    expect(await page.locator(".said > p").allTextContents()).toEqual(["What is it?"]);
    expect(await violations(page)).toEqual([]);
    await using other = await open(door, new URL(page.url()).hash);
    await asked(other.page).getByRole("img", { name: "image.png" }).waitFor();
    expect(complaints).toEqual([]);
  });
});

inBrowser("files of a message", () => {
  const open = browserOfFile();

  test("what is dropped anywhere is attached, what cannot be sent is named with the reason, and an edit keeps the files", async () => {
    await using llm = await startLlmServer([answer("a list"), answer("a shorter list")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat", { viewport: { width: 360, height: 740 } });
    const { page, complaints } = tab;
    await field(page).waitFor();
    await drop(page, [
      { name: "notes.md", text: "- one\n- two" },
      { name: "program.bin", text: "\0\0" },
      { name: "long.txt", text: "x".repeat(256_001) },
    ]);
    await attached(page, "notes.md").waitFor();
    const problem = page.locator(".composer").getByRole("alert");
    expect(await problem.textContent()).toMatch(
      /program\.bin is neither text, sound, a PDF nor a picture.*long\.txt has 256\.0 KB: it may have at most 256\.0 KB/,
    );
    await drop(page, [{ name: "more.md", text: "three" }], ".composer");
    await attached(page, "more.md").click();
    expect(await problem.count()).toBe(0);
    expect(await overflow(page)).toBe(0);
    await page.getByRole("button", { name: "Send" }).click();
    await reads(page, "a list");
    expect(llm.requests[0]?.text).toContain("[file notes.md]\\n- one\\n- two");
    expect(llm.requests[0]?.text).not.toContain("three");
    await asked(page).getByText("notes.md").waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Edit the message").fill("Shorter");
    await page.keyboard.press("Enter");
    await reads(page, "a shorter list");
    expect(llm.requests[1]?.text).toContain("Shorter");
    expect(llm.requests[1]?.text.split("[file notes.md]\\n- one\\n- two")).toHaveLength(2);
    expect(complaints).toEqual([]);
  });

  test("what the model does not take is said before it is sent; another model may take it", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/servers");
    const { page } = tab;
    const models = [
      { id: "near/deaf", takes: ["image"], is_default: true },
      { id: "far/hearing", takes: ["audio"] },
    ];
    await page.route("**/api/models", (route) => route.fulfill({ json: { models } }));
    await page.evaluate("location.hash = '#/chat'");
    const model = page.locator(".composer select");
    await model.locator("option").nth(2).waitFor({ state: "attached" });
    await page
      .locator("input[type=file]")
      .setInputFiles({ name: "song.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("la la") });
    await page.getByText("near/deaf takes no sound. Choose another model, or remove song.mp3.").waitFor();
    await field(page).press("Enter");
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await model.selectOption("far/hearing");
    expect(await page.locator(".composer").getByRole("alert").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(false);
    await drop(page, [{ name: "paper.pdf", type: "application/pdf", text: "%PDF-1.7" }]);
    await page.getByText("far/hearing takes no PDFs. Choose another model, or remove paper.pdf.").waitFor();
  });

  test("a failed turn is sent again as the same request, with its files", async () => {
    await using llm = await startLlmServer([failure(401), answer("a picture")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const png = Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1").toString("base64");
    const image = { type: "image", data: png, mime_type: "image/png" };
    const content = [{ type: "text", text: "What" }, { type: "text", text: "is it?" }, image];
    await post(`${door.url}/api/sessions/c1/turns`, { request_id: "r1", content });
    await using tab = await open(door, "#/chat/c1");
    await tab.page.getByRole("button", { name: "Send again" }).click();
    await reads(tab.page, "a picture");
    expect(await asked(tab.page).count()).toBe(1);
    expect(partsOf(llm.requests[1])).toEqual(["text", "text", "image_url"]);
  });

  test("a large file survives a reload in the moment in which it is shown as attached", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door, "#/chat");
    const { page, complaints } = tab;
    await field(page).waitFor();
    await page.evaluate(occupiedDatabase);
    const reloaded = page.waitForEvent("load");
    await page.evaluate(`new MutationObserver(() => {
      if (document.querySelector(".composer .files")) location.reload();
    }).observe(document.body, { childList: true, subtree: true })`);
    await drop(page, [{ name: "large.txt", text: "large ".repeat(40_000) }]);
    await reloaded;
    await attached(page, "large.txt").waitFor();
    expect(complaints).toEqual([]);
  });

  test("files that were not sent survive a reload, and SIGKILL of the host during their upload: they are sent once", async () => {
    await using llm = await startLlmServer([answer("noise")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
    let host = place.start("serve", "--port", "0", "--no-token");
    const url = new URL(await pageOf(host));
    await using tab = await open({ url: url.origin });
    const { page, complaints } = tab;
    const picture = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(4_000_000, "noise")]);
    await page.locator("input[type=file]").setInputFiles({ name: "large.png", mimeType: "image/png", buffer: picture });
    await attached(page, "large.png").waitFor();
    await field(page).fill("What is it?");
    await page.reload();
    await attached(page, "large.png").waitFor();
    host.kill("SIGSTOP");
    await field(page).press("Enter");
    await asked(page).getByText("large.png").waitFor();
    await kill(host);
    await reads(page, "it is sent as soon as possible");
    host = place.start("serve", "--port", url.port, "--no-token");
    try {
      await pageOf(host);
      await reads(page, "noise");
      expect(await page.locator(".said > p").allTextContents()).toEqual(["What is it?"]);
      expect(llm.requests).toHaveLength(1);
      expect(llm.requests[0]?.text).toContain(picture.toString("base64"));
      await page.reload();
      await asked(page).getByRole("img", { name: "large.png" }).waitFor({ state: "attached" });
      expect(await attached(page).count()).toBe(0);
      expect(complaints).toEqual([]);
    } finally {
      await kill(host);
    }
  });
});
