import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
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
  for (const name of ["manifest.webmanifest", "service-worker.js", "icon-512.png"]) {
    const file = await fetch(`${door.url}/${name}`);
    expect(file.status).toBe(200);
    expect(file.headers.get("cache-control")).toBe("no-cache");
    expect(file.headers.get("content-encoding")).toBe(name.endsWith(".png") ? null : "gzip");
  }
  const again = await fetch(`${door.url}/`, { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
  expect((await fetch(`${door.url}/assets/..%2findex.html`)).status).toBe(404);
  expect((await fetch(`${door.url}/assets/none.js`)).status).toBe(404);
  for (const path of ["/api/sessions", "/api/servers", "/index.html", "/assets/x/y"]) {
    expect((await fetch(`${door.url}${path}`)).status).toBe(401);
  }
});

test.each([
  ["", null],
  ["identity", null],
  ["gzip, deflate", "gzip"],
  ["gzip, deflate, br, zstd", "br"],
  ["GZIP;q=1.0, br;q=0.5", "gzip"],
  ["br;q=0, *;q=0.1", "gzip"],
  ["*", "br"],
  ["br;q=0.5, gzip;q=0.5, identity;q=0.8", null],
  ["gzip;q=0, br; q=0", null],
  ["deflate, br;q=much", null],
])("a client that accepts %j gets the page as %j", async (accepted, encoding) => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const page = await fetch(`${door.url}/`, { headers: { "accept-encoding": accepted } });
  expect(page.headers.get("content-encoding")).toBe(encoding);
  expect(page.headers.get("vary")).toContain("accept-encoding");
  expect(await page.text()).toContain("</html>");
  const etag = page.headers.get("etag") ?? "";
  const same = await fetch(`${door.url}/`, { headers: { "accept-encoding": accepted, "if-none-match": etag } });
  expect(same.status).toBe(304);
});

test("what the first view loads is less than 75 KB on its way; colours of code and formulas come when they are needed", () => {
  const folder = "dist/ui";
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const names = [...html.matchAll(/(?:src|href)="\.?\/(assets\/[^"]+)"/g)].map(([, name = ""]) => name);
  const bytes = ["index.html", ...names].map((name) => brotliCompressSync(readFileSync(join(folder, name))).length);
  expect(bytes.length).toBeGreaterThanOrEqual(4);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(75_000);
  const later = readdirSync(join(folder, "assets")).filter((name) => !names.includes(`assets/${name}`));
  for (const part of ["code-colours", "typeset-maths"]) {
    expect(later.filter((name) => name.startsWith(part)).length).toBeGreaterThanOrEqual(1);
  }
});
