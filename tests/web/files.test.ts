import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { openDoor } from "../doors/http/door.js";
import { startApp } from "../support/app.js";
import { startLlmServer } from "../support/llm-server.js";

test("the page and its files are there without a token, what they show is not; nothing is loaded from elsewhere", async () => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app, { token: "correct-horse-battery" });
  const page = await fetch(`${door.url}/`);
  const html = await page.text();
  expect(page.headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'/,
  );
  expect(page.headers.get("cache-control")).toBe("no-cache");
  expect(html).not.toMatch(/<script>|<style|style=|https?:/);
  const names = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThanOrEqual(3);
  for (const name of names) {
    const file = await fetch(`${door.url}${name}`);
    expect(file.status).toBe(200);
    expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(file.headers.get("content-encoding")).toBe("gzip");
  }
  const again = await fetch(`${door.url}/`, { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
  expect((await fetch(`${door.url}/assets/..%2findex.html`)).status).toBe(404);
  expect((await fetch(`${door.url}/assets/none.js`)).status).toBe(404);
  for (const path of ["/api/sessions", "/api/servers", "/index.html", "/assets/x/y"]) {
    expect((await fetch(`${door.url}${path}`)).status).toBe(401);
  }
});

test("the whole page is less than 80 KB on its way", () => {
  const folder = "dist/ui";
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const bytes = files.map((file) => gzipSync(readFileSync(join(file.parentPath, file.name))).length);
  expect(bytes.length).toBeGreaterThanOrEqual(4);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(80_000);
});
