import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { noChromium, startChromiumIn } from "../support/chromium.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { browserOfFile, kill, pageOf, reads, say } from "./support.js";

const inBrowser = noChromium ? describe.skip : describe;

const token = "correct-horse-battery/+?";
const link = `#token=${encodeURIComponent(token)}`;

/** Signs out as the button of the settings does. */
const signOut = `fetch("/api/sign-in", { method: "DELETE", headers: { "x-mcp-platform": localStorage["mcp-platform-page-key"] } })
  .then(() => localStorage.removeItem("mcp-platform-page-key"))`;

async function startHost(llm: { url: string }, port = "0") {
  const place = new Workplace();
  place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" } } }));
  const file = place.write("token", token);
  const start = (at: string) => place.start("serve", "--port", at, "--token-file", file);
  let host = start(port);
  const url = new URL(await pageOf(host));
  return {
    url: url.origin,
    address: url.href,
    async restart() {
      await kill(host);
      host = start(url.port);
      await pageOf(host);
    },
    kill: () => kill(host),
    place,
    async [Symbol.asyncDispose]() {
      await kill(host);
      place[Symbol.dispose]();
    },
  };
}

/** Returns a port that no program listens on. */
async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

inBrowser("the page of a host with a token", () => {
  const open = browserOfFile();

  test("is signed in by its link, in every tab and after a restart of the host and of the browser, until one signs out", async () => {
    await using llm = await startLlmServer([answer("come in")]);
    await using host = await startHost(llm, await freePort());
    const profile = join(host.place.folder, "profile");
    const first = await startChromiumIn(profile);
    const asked: string[] = [];
    first.on("request", (request) => asked.push(request.url()));
    const page = await first.newPage();
    page.on("websocket", (socket) => asked.push(socket.url()));
    expect(host.address).toContain("#token=");
    await page.goto(`${host.url}/${link}`);
    await say(page, "Hello");
    await reads(page, "come in");
    expect(page.url()).not.toContain("correct");
    const bookmark = page.url();
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((each) => /correct|token/.test(each))).toEqual([]);
    const [cookie] = await first.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", secure: false });
    expect(JSON.stringify(await first.storageState())).not.toContain("correct");
    const second = await first.newPage();
    await second.goto(bookmark);
    await reads(second, "come in");
    const [third] = await Promise.all([
      first.waitForEvent("page"),
      second
        .getByRole("link", { name: "Usage" })
        .first()
        .click({ modifiers: ["ControlOrMeta"] }),
    ]);
    await third.getByRole("heading", { name: "Usage" }).waitFor();
    await host.restart();
    await page.reload();
    await reads(page, "come in");
    await first.close();
    const again = await startChromiumIn(profile);
    const later = await again.newPage();
    await later.goto(bookmark);
    await reads(later, "come in");
    const other = await again.newPage();
    await other.goto(bookmark);
    await reads(other, "come in");
    await later.evaluate(signOut);
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await again.close();
  });

  test("asks for the token where it is needed, and then sends what was written", async () => {
    await using llm = await startLlmServer([answer("the first"), answer("the second")]);
    await using host = await startHost(llm);
    await using tab = await open({ url: host.url });
    const { page, complaints } = tab;
    await page.getByLabel("Token").fill("wrong-horse-battery");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This is not the token of this host.").waitFor();
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await say(page, "One");
    await reads(page, "the first");
    await page.context().clearCookies();
    await say(page, "Two");
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await reads(page, "the second");
    expect(await page.locator(".said").allTextContents()).toEqual(["One", "Two"]);
    expect(llm.requests).toHaveLength(2);
    expect(complaints).toEqual([]);
  });

  test("takes a link that is opened in a tab with the page, and says so if the browser keeps no cookie", async () => {
    await using llm = await startLlmServer([]);
    await using host = await startHost(llm);
    await using tab = await open({ url: host.url });
    const { page } = tab;
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${host.url}/${link}`);
    await page.getByLabel("Message").waitFor();
    expect(page.url()).not.toContain("correct");
    await using bare = await open({ url: host.url });
    await bare.page.route("**/api/sign-in", async (route) => {
      if (route.request().method() === "GET") await bare.page.context().clearCookies();
      await route.continue();
    });
    await bare.page.getByLabel("Token").fill(token);
    await bare.page.getByRole("button", { name: "Sign in" }).click();
    await bare.page.getByText("allow cookies").waitFor();
  });
});
