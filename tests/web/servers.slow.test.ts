import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { type Folder, folderWith } from "../config/folder.js";
import { openDoor } from "../doors/http/door.js";
import { fixtureServer, startApp } from "../support/app.js";
import { browsers, noChromium } from "../support/chromium.js";
import { serveFiles } from "../support/configured-host.js";
import { startLlmServer } from "../support/llm-server.js";
import { oauthServer } from "../support/oauth-server.js";
import { browserOfFile, enter, looks, overflow, tabTo, violations } from "./support.js";

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
    expect(await good.locator(".tools li").first().textContent()).toMatch(/^echo \d+ tokens/);
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

describe("the servers of the configuration in the page", () => {
  const environment = { ...process.env };
  const start = process.cwd();
  const server = resolve("node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
  const fixture = fixtureServer({
    prompts: [{ name: "greet", description: "Greets", arguments: [{ name: "who", required: true }] }],
    resources: [{ uri: "file:///notes.txt", name: "notes" }],
  });
  let folder: Folder;
  let config: string;
  const written = () => readFileSync(config, "utf8");

  beforeEach(() => {
    folder = folderWith({
      "config.yaml": "llm: { active: demo }\nchat: { storage: { driver: memory } }\n",
      "notes.txt": "remember the milk",
      ".cursor/mcp.json": JSON.stringify({ mcpServers: { found: fixture, other: { command: "unwanted" } } }),
    });
    config = join(folder.path, "config.yaml");
    for (const name of ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]) process.env[name] = folder.path;
    process.chdir(folder.path);
  });

  afterEach(() => {
    process.chdir(start);
    process.env = { ...environment };
    folder[Symbol.dispose]();
  });

  const card = (page: Page, name: string) => page.getByRole("article", { name, exact: true });
  const isIn = (page: Page, name: string, state: string) =>
    card(page, name)
      .locator(".state", { hasText: new RegExp(`^${state}$`) })
      .waitFor();

  describe.each(browsers)("by keyboard alone in $name", ({ start: startBrowser }) => {
    const open = browserOfFile(startBrowser);

    test("one is added from pasted JSON, and its tool is tried", async () => {
      await using host = await serveFiles({ config });
      await using tab = await open(host, "#/servers");
      const { page, complaints } = tab;
      await enter(page.getByRole("button", { name: "Add server" }));
      await page.locator("textarea:focus").waitFor();
      const entry = { command: process.execPath, args: [server, folder.path] };
      await page.keyboard.insertText(JSON.stringify({ mcpServers: { files: entry } }));
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByLabel("Name").and(page.locator(":focus")).waitFor();
      expect(await page.getByLabel("Name").inputValue()).toBe("files");
      expect(JSON.parse(await page.getByLabel("Entry in the configuration file").inputValue())).toEqual(entry);
      expect(written()).not.toContain("mcpServers");
      await page.keyboard.press("Enter");
      await isIn(page, "files", "ready");
      expect(written()).toContain("files:");
      expect(await page.getByRole("heading", { name: "Add a server" }).count()).toBe(0);
      await enter(card(page, "files").getByText(/^\d+ tools/));
      await enter(card(page, "files").locator("summary", { hasText: "read_text_file" }));
      await tabTo(card(page, "files").getByLabel("path"));
      await page.keyboard.insertText(join(folder.path, "notes.txt"));
      await enter(page.getByRole("button", { name: "Try tool" }));
      await page.getByText("remember the milk").waitFor();
      await card(page, "files").getByLabel("path").fill("/etc/hostname");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Error" }).waitFor();
      await page.getByText("Schema").click();
      await page.getByText('"properties"').waitFor();
      expect(complaints).toEqual([]);
    });

    test("one with OAuth is logged in and out in one click each", async () => {
      await using guarded = await oauthServer();
      await using host = await serveFiles({ config });
      await fetch(`${host.url}/api/servers`, {
        method: "POST",
        body: JSON.stringify({ name: "remote", entry: { url: guarded.url } }),
      });
      await using tab = await open(host, "#/servers");
      const { page, complaints } = tab;
      await isIn(page, "remote", "needs a login");
      const popup = page.waitForEvent("popup");
      await enter(page.getByRole("button", { name: "Log in" }));
      const login = await popup;
      expect(await login.evaluate("window.opener")).toBeNull();
      await page.bringToFront();
      await isIn(page, "remote", "ready");
      await card(page, "remote").getByText("1 tool").waitFor();
      await enter(page.getByRole("button", { name: "Log out" }));
      await isIn(page, "remote", "needs a login");
      expect(complaints).toEqual([]);
    });
  });

  inBrowser("in Chromium", () => {
    const open = browserOfFile();

    test("what cannot be read or added is refused with the reason, and the text stays", async () => {
      await using host = await serveFiles({ config });
      await host.app.ready();
      await using tab = await open(host, "#/servers/add");
      const { page } = tab;
      const field = page.getByLabel("A command line, a URL or JSON");
      await field.fill("a | b");
      await page.getByRole("button", { name: "Read" }).click();
      await page.getByRole("alert").waitFor();
      expect(await field.inputValue()).toBe("a | b");
      await field.fill("npx notes-mcp");
      await page.getByRole("button", { name: "Read" }).click();
      await page.getByLabel("Name").fill("host");
      await page.getByLabel("Entry in the configuration file").fill('{ "comand": "x" }');
      await page.getByRole("button", { name: "Add server" }).click();
      await page.getByRole("alert").getByText("the host's own tools").waitFor();
      await page.getByLabel("Name").fill("notes");
      await page.getByRole("button", { name: "Add server" }).click();
      await page.getByRole("alert").getByText("did you mean").waitFor();
      expect(written()).not.toContain("mcpServers");
    });

    test("one is edited without its secret, switched off and on, and removed after a question", async () => {
      await using host = await serveFiles({ config });
      await fetch(`${host.url}/api/servers`, {
        method: "POST",
        body: JSON.stringify({ name: "s", entry: { ...fixture, env: { API_KEY: "s3cr3t-value" } } }),
      });
      await using tab = await open(host, "#/servers");
      const { page, complaints } = tab;
      await isIn(page, "s", "ready");
      const button = (name: string) => card(page, "s").getByRole("button", { name, exact: true });
      await button("Edit").click();
      const field = page.getByLabel("Entry in the configuration file");
      const shown = JSON.parse(await field.inputValue());
      expect(shown.env).toEqual({ API_KEY: "***" });
      await field.fill("{");
      await button("Save").click();
      expect(await field.evaluate((element: { validationMessage?: string }) => element.validationMessage)).toContain(
        "not JSON",
      );
      await field.fill(JSON.stringify({ ...shown, tools: { deny: ["echo"] } }));
      await button("Save").click();
      await field.waitFor({ state: "detached" });
      await button("Edit").and(page.locator(":focus")).waitFor();
      await page.getByRole("status").getByText("holds a secret that others can read").waitFor();
      expect(written()).toContain("API_KEY: s3cr3t-value");
      expect(written()).toContain("deny:");
      await button("Switch off").click();
      await isIn(page, "s", "disabled");
      await button("Switch on").click();
      await isIn(page, "s", "ready");
      await button("Remove").click();
      await button("Remove it from config.yaml?").click();
      await card(page, "s").waitFor({ state: "detached" });
      expect(written()).not.toContain("s3cr3t-value");
      await page.locator("main:focus").waitFor();
      expect(complaints).toEqual([]);
    });

    test("those of other programs are imported, and show their prompts and resources", async () => {
      await using host = await serveFiles({ config });
      await using tab = await open(host, "#/servers/add");
      const { page, complaints } = tab;
      const item = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "Import found" }) });
      expect(await item.textContent()).toContain("anybody may have written it");
      expect(await item.textContent()).toContain("mcp-server.mjs");
      await page.getByRole("button", { name: "Import found" }).click();
      await page.getByRole("status").getByText("found: added").waitFor();
      await isIn(page, "found", "ready");
      expect(written()).not.toContain("unwanted");
      await item.waitFor({ state: "detached" });
      await page.getByRole("heading", { name: "Add a server" }).and(page.locator(":focus")).waitFor();
      await card(page, "found")
        .getByText(/^\d+ tools/)
        .click();
      await card(page, "found").locator("summary", { hasText: "hang" }).click();
      const attempt = card(page, "found").getByRole("button", { name: "Try tool" });
      await attempt.click();
      await card(page, "found").getByRole("button", { name: "Cancel" }).click();
      await attempt.and(page.locator(":enabled")).waitFor();
      await card(page, "found").getByText("1 prompt, 1 resource").click();
      await card(page, "found").getByText("/found__greet").waitFor();
      await card(page, "found").getByText("who (required)").waitFor();
      await card(page, "found").getByText("notes", { exact: true }).click();
      await card(page, "found").locator(".result", { hasText: "words" }).waitFor();
      expect(complaints).toEqual([]);
    });

    test("the host's refusal of a change by another machine is shown", async () => {
      await using host = await serveFiles({ config });
      await fetch(`${host.url}/api/servers`, { method: "POST", body: JSON.stringify({ name: "s", entry: fixture }) });
      await using tab = await open(host, "#/servers", { extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" } });
      await card(tab.page, "s").getByRole("button", { name: "Switch off" }).click();
      await card(tab.page, "s").getByRole("alert").getByText("may be a program").waitFor();
    });

    test.each(looks)("%s has no fault of accessibility, and nothing is cut", async (_, look) => {
      await using host = await serveFiles({ config });
      await fetch(`${host.url}/api/servers`, { method: "POST", body: JSON.stringify({ name: "s", entry: fixture }) });
      await using tab = await open(host, "#/servers/add", look);
      const { page } = tab;
      await isIn(page, "s", "ready");
      await page.getByLabel("A command line, a URL or JSON").fill("npx -y notes-mcp");
      await page.getByRole("button", { name: "Read" }).click();
      await page.getByRole("button", { name: "Import found" }).waitFor();
      await card(page, "s").getByRole("button", { name: "Edit" }).click();
      await card(page, "s")
        .getByText(/^\d+ tools/)
        .click();
      await card(page, "s").locator("summary", { hasText: "echo" }).click();
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    });
  });
});
