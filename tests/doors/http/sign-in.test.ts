import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { SignIns, signInMs } from "../../../src/doors/http/admission/sign-ins.js";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { startApp } from "../../support/app.js";
import { openDoor, post } from "./door.js";
import { connect, refusedStatus } from "./socket.js";

const token = "correct-horse-battery";
const bearer = { authorization: `Bearer ${token}` };
const folder = mkdtempSync(join(tmpdir(), "mcp-platform-sign-ins-"));
afterAll(() => rmSync(folder, { recursive: true }));

function app(): Promise<App> {
  return startApp({ llm: "http://127.0.0.1:9" });
}

interface SignedIn {
  /** Headers of the page. */
  page: { cookie: string; "x-mcp-platform": string };
  setCookie: string;
}

async function signIn(door: Pick<HttpDoor, "url">, headers: Record<string, string> = bearer): Promise<SignedIn> {
  const response = await fetch(`${door.url}/api/sign-in`, { method: "POST", headers });
  const { page_key: key } = (await response.json()) as { page_key: string };
  const setCookie = response.headers.get("set-cookie") ?? "";
  return { setCookie, page: { cookie: setCookie.split(";")[0] ?? "", "x-mcp-platform": key } };
}

async function statusOf(url: string, headers: Record<string, string>, method = "GET"): Promise<number> {
  return (await fetch(url, { method, headers })).status;
}

function protocols(key: string): string[] {
  return ["mcp-platform", `page.${key}`];
}

function protocolHeader(key: string): Record<string, string> {
  return { "sec-websocket-protocol": protocols(key).join() };
}

test("the token is exchanged for a cookie that scripts cannot read and other sites do not send", async () => {
  await using host = await app();
  await using door = await openDoor(host, { token });
  expect(await statusOf(`${door.url}/api/sign-in`, {}, "POST")).toBe(401);
  expect(await (await fetch(`${door.url}/api/sign-in`)).json()).toEqual({ signed_in: false, needs_token: true });
  const { setCookie, page } = await signIn(door);
  expect(setCookie).toMatch(
    /^mcp-platform-[0-9a-f]{12}=[\w-]{22}\.[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
  );
  expect(setCookie).not.toContain(token);
  expect(await (await fetch(`${door.url}/api/sign-in`, { headers: page })).json()).toMatchObject({ signed_in: true });
  expect(await statusOf(`${door.url}/api/sessions`, page)).toBe(200);
  const answered = await post(`${door.url}/api/sessions/c1/answer`, { question_id: "q", value: 1 }, page);
  expect(answered.status).toBe(404);
});

test("behind TLS the cookie is for TLS only", async () => {
  await using host = await app();
  await using door = await openDoor(host, { token });
  const origin = door.url.replace("http:", "https:");
  expect((await signIn(door, { ...bearer, origin })).setCookie).toMatch(/; SameSite=Strict; Secure$/);
});

test("a host without a token needs no sign-in", async () => {
  await using host = await app();
  await using door = await openDoor(host);
  expect(await (await fetch(`${door.url}/api/sign-in`)).json()).toEqual({ signed_in: true, needs_token: false });
  expect(await statusOf(`${door.url}/api/sign-in`, {}, "POST")).toBe(200);
  expect(await statusOf(`${door.url}/api/sign-in`, {}, "DELETE")).toBe(204);
});

describe("another program of this machine", () => {
  test("cannot use the cookie that a browser has sent to it, also not to read", async () => {
    await using host = await app();
    await using door = await openDoor(host, { token });
    const { page } = await signIn(door);
    const stolen = { cookie: page.cookie };
    const other = (await signIn(door)).page["x-mcp-platform"];
    for (const more of <Record<string, string>[]>[
      {},
      { "x-mcp-platform": "page" },
      { "x-mcp-platform": "" },
      { "x-mcp-platform": other },
    ]) {
      expect(await statusOf(`${door.url}/api/sessions`, { ...stolen, ...more })).toBe(401);
      expect(await statusOf(`${door.url}/api/servers/reload`, { ...stolen, ...more }, "POST")).toBe(401);
      expect(await statusOf(`${door.url}/api/sign-in`, { ...stolen, ...more }, "DELETE")).toBe(401);
    }
    const socket = `${door.url.replace("http", "ws")}/ws/chat`;
    expect(await refusedStatus(socket, { ...stolen, origin: door.url })).toBe(401);
    expect(await refusedStatus(socket, { ...stolen, origin: door.url, ...protocolHeader(other) })).toBe(401);
  });

  test("cannot sign this browser out or in by cookies of the same name", async () => {
    await using host = await app();
    await using door = await openDoor(host, { token });
    const { page } = await signIn(door);
    const [name = ""] = page.cookie.split("=");
    for (const value of ["junk", "", "../../etc.passwd", page.cookie.split("=")[1]?.toUpperCase()]) {
      const cookie = `other=1; ${name}=${value}`;
      expect(await statusOf(`${door.url}/api/sessions`, { ...page, cookie })).toBe(401);
      expect(await statusOf(`${door.url}/api/sessions`, { ...page, cookie: `${cookie}; ${page.cookie}` })).toBe(200);
    }
  });

  test("cannot send the cookie under the name of another host", async () => {
    await using host = await app();
    await using door = await openDoor(host, { token });
    await using second = await openDoor(host, { token });
    const { page } = await signIn(door);
    const name = (await signIn(second)).page.cookie.split("=")[0];
    const cookie = `${name}=${page.cookie.split("=")[1]}`;
    expect(page.cookie).not.toContain(`${name}=`);
    expect(await statusOf(`${second.url}/api/sessions`, { ...page, cookie })).toBe(401);
    expect(await statusOf(`${door.url}/api/sessions`, { ...page, cookie })).toBe(401);
  });
});

test("a sign-in is worth nothing at the APIs for programs", async () => {
  await using host = await app();
  await using door = await openDoor(host, { token });
  const { page } = await signIn(door);
  for (const path of ["/v1/models", "/metrics", "/mcp", "/api/../v1/models", "/api/%2e%2e/v1/models", "/none"]) {
    expect([path, await statusOf(door.url + path, page)]).toEqual([path, 401]);
  }
  expect(await statusOf(`${door.url}/v1/messages`, page, "POST")).toBe(401);
});

test("a page of another origin cannot use a sign-in, even of an origin that may call", async () => {
  await using host = await app();
  const friend = "https://chat.example.com";
  await using door = await openDoor(host, { token, allowedOrigins: [friend] });
  const { page } = await signIn(door);
  const neighbour = "http://127.0.0.1:1";
  expect(await statusOf(`${door.url}/api/sessions`, { ...page, origin: neighbour })).toBe(403);
  expect(await statusOf(`${door.url}/api/sessions`, { ...page, origin: "null" })).toBe(403);
  expect(await statusOf(`${door.url}/api/sessions`, { ...page, origin: friend })).toBe(401);
  expect(await statusOf(`${door.url}/api/sessions`, { ...page, "sec-fetch-site": "same-site" })).toBe(403);
  const socket = `${door.url.replace("http", "ws")}/ws/chat`;
  const withKey = { cookie: page.cookie, ...protocolHeader(page["x-mcp-platform"]) };
  expect(await refusedStatus(socket, { ...withKey, origin: neighbour })).toBe(403);
  expect(await refusedStatus(socket, { ...withKey, origin: friend })).toBe(401);
  expect(await refusedStatus(socket, withKey)).toBe(401);
  await using open = await connect(door, { cookie: page.cookie, origin: door.url }, protocols(page["x-mcp-platform"]));
  open.send({ action: "list_servers", request_id: "r1" });
  await open.until(({ request_id }) => request_id === "r1");
});

test("signing out ends the sign-in at once, with its WebSockets, and no other sign-in", async () => {
  await using host = await app();
  await using door = await openDoor(host, { token });
  const [{ page }, other] = [await signIn(door), await signIn(door)];
  const headers = { cookie: page.cookie, origin: door.url };
  await using open = await connect(door, headers, protocols(page["x-mcp-platform"]));
  const closed = new Promise((resolve) => open.socket.on("close", resolve));
  const response = await fetch(`${door.url}/api/sign-in`, { method: "DELETE", headers: page });
  expect(response.status).toBe(204);
  expect(response.headers.get("set-cookie")).toMatch(/^mcp-platform-\w+=; Path=\/; Max-Age=0; HttpOnly;/);
  expect(await closed).toBe(1008);
  expect(await statusOf(`${door.url}/api/sessions`, page)).toBe(401);
  expect(await statusOf(`${door.url}/api/sessions`, other.page)).toBe(200);
});

describe("the sign-ins of a host", () => {
  let now = 1_000;
  const open = (more: Partial<ConstructorParameters<typeof SignIns>[0]> = {}) =>
    new SignIns({ folder, port: 8642, token, now: () => now, ...more });
  const headersOf = ({ cookieName }: SignIns, { cookie, pageKey }: ReturnType<SignIns["begin"]>) => {
    const headers: Record<string, string> = { cookie: `${cookieName}=${cookie}`, "x-mcp-platform": pageKey };
    return (name: string) => headers[name];
  };

  test("survive a restart, and are kept as hashes that only the user can read", () => {
    const before = open();
    const begun = before.begin();
    const header = headersOf(before, begun);
    expect(open().find(header)).toEqual({ id: begun.cookie.split(".")[0], cookie: begun.cookie });
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    expect(texts.join().includes(begun.pageKey) || texts.join().includes(begun.cookie.split(".")[1] ?? "")).toBe(false);
  });

  test("are worth nothing at a host on another port, and after the token has changed", () => {
    const ours = open();
    const header = headersOf(ours, ours.begin());
    const neighbour = open({ port: 8643 });
    expect(neighbour.cookieName).not.toBe(ours.cookieName);
    expect(neighbour.find(header)).toBeUndefined();
    expect(open({ token: "another-token-of-it" }).find(header)).toBeUndefined();
    expect(open().find(header)).toBeDefined();
  });

  test("end 30 days after they were last renewed, and their files are removed", () => {
    const ours = open();
    const begun = ours.begin();
    const header = headersOf(ours, begun);
    const [id = ""] = begun.cookie.split(".");
    now += signInMs - 1;
    expect(ours.find(header)).toBeDefined();
    ours.renew(id);
    now += signInMs - 1;
    expect(ours.find(header)).toBeDefined();
    now += 1;
    expect(ours.find(header)).toBeUndefined();
    open();
    expect(readdirSync(folder)).not.toContain(`${id}.json`);
  });

  test("hold until the host ends if the folder cannot be written", () => {
    const warnings: string[] = [];
    const ours = open({ folder: "/dev/null/none", observe: ({ message }) => warnings.push(message) });
    const begun = ours.begin();
    const header = headersOf(ours, begun);
    expect(ours.find(header)).toBeDefined();
    expect(warnings).toEqual([expect.stringContaining("browsers are signed in until this host ends")]);
    ours.end(begun.cookie.split(".")[0] ?? "");
    expect(ours.find(header)).toBeUndefined();
  });
});
