import { describe, expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { noChromium } from "../support/chromium.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, kill, pageOf, reads, say, violations } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

/** Resolves when the service worker has this page. */
const isWatched = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)";

inBrowser("the page as a program of its own", () => {
  const openTab = browserOfFile();
  const open = (door: Parameters<typeof openTab>[0]) => openTab(door, "#/chat", { serviceWorkers: "allow" });

  test("a browser offers to install it", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page, complaints } = tab;
    await page.waitForFunction(isWatched);
    const devtools = await page.context().newCDPSession(page);
    const { errors } = await devtools.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
    // A context of a test is like a private window, which installs nothing.
    expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("without its host it says what to do, and it is back by itself; no file of the page and no answer is kept", async () => {
    await using llm = await startLlmServer([answer("the answer")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
    let host = place.start("serve", "--port", "0", "--no-token");
    const url = new URL(await pageOf(host));
    await using tab = await open({ url: url.origin });
    const { page, complaints } = tab;
    await say(page, "One");
    await reads(page, "the answer");
    await page.waitForFunction(isWatched);
    expect(await page.evaluate("caches.keys()")).toEqual([]);
    await kill(host);
    await page.reload();
    await page.getByRole("heading", { name: "The host does not answer" }).waitFor();
    await page.getByText(`Nothing listens at ${url.host}.`).waitFor();
    await page.getByText(`mcp-platform serve --port ${url.port}`).waitFor();
    expect(await violations(page)).toEqual([]);
    host = place.start("serve", "--port", url.port, "--no-token");
    try {
      await pageOf(host);
      await reads(page, "the answer");
      expect(complaints).toEqual([]);
    } finally {
      await kill(host);
    }
  });

  test("a link on another site opens it, also while the service worker is there", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await using tab = await open(door);
    const { page } = tab;
    await page.waitForFunction(isWatched);
    await page.goto(`data:text/html,<a href="${door.url}/">open</a>`);
    await page.getByRole("link", { name: "open" }).click();
    await page.getByLabel("Message", { exact: true }).waitFor();
  });
});
