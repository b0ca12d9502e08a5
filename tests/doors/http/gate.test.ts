import { describe, expect, test } from "@jest/globals";
import { Gate } from "../../../src/doors/http/admission/gate.js";
import { RateLimit } from "../../../src/doors/http/admission/rate-limit.js";

type Parts = ConstructorParameters<typeof Gate>[0];

function statusOf(parts: Partial<Parts>, headers: Record<string, string>, url = "/v1/models", method = "GET") {
  const rate = new RateLimit(1000, () => 0);
  const open = {
    token: undefined,
    isOnlyLocal: true,
    allowedHosts: [],
    allowedOrigins: [],
    rate,
    strangersRate: rate,
    isDraining: () => false,
  };
  const all: Record<string, string> = { host: "127.0.0.1:8642", ...headers };
  const visit = {
    method,
    url,
    header: (name: string) => all[name],
    address: "127.0.0.1",
    isForProbes: false,
    keep: () => {},
  };
  return new Gate({ ...open, ...parts }).check(visit)?.status;
}

describe("the Host header", () => {
  test.each([
    ["127.0.0.1:8642", undefined],
    ["localhost", undefined],
    ["[::1]:8642", undefined],
    ["127.9.9.9", undefined],
    ["evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["127.0.0.1@evil.example", 403],
    ["evil.example/127.0.0.1", 403],
    ["", 403],
  ])("%s on a loopback address: %s", (host, status) => {
    expect(statusOf({}, { host })).toBe(status);
  });

  test("on a wider address may have any name, unless the names are listed", () => {
    const wide = { isOnlyLocal: false };
    expect(statusOf(wide, { host: "chat.example.com" })).toBeUndefined();
    expect(statusOf({ ...wide, allowedHosts: ["chat.example.com"] }, { host: "chat.example.com:80" })).toBeUndefined();
    expect(statusOf({ ...wide, allowedHosts: ["chat.example.com"] }, { host: "evil.example" })).toBe(403);
  });
});

describe("the Origin header", () => {
  test.each([
    ["http://127.0.0.1:8642", undefined],
    ["https://chat.example.com", undefined],
    ["http://chat.example.com", 403],
    ["http://localhost:3000", 403],
    ["https://evil.example", 403],
    ["null", 403],
    ["nonsense", 403],
  ])("%s: %s", (origin, status) => {
    expect(statusOf({ allowedOrigins: ["https://chat.example.com/"] }, { origin }, "/v1/models", "POST")).toBe(status);
  });
});

describe("a request that another web page has made", () => {
  const site = (value: string, more: Record<string, string> = {}) => ({ "sec-fetch-site": value, ...more });
  const link = { "sec-fetch-mode": "navigate" };

  test.each([
    [site("same-origin"), "/v1/models", undefined],
    [site("none"), "/openapi.json", undefined],
    [site("cross-site"), "/v1/models", 403],
    [site("same-site"), "/v1/models", 403], // a page of another port on the same machine
    [site("cross-site", link), "/", undefined],
    [site("cross-site"), "/", 403],
    [site("cross-site", link), "/openapi.json", 403],
    [site("cross-site"), "/healthz", 403],
    [site("cross-site", { origin: "https://chat.example.com" }), "/v1/models", undefined],
    [site("cross-site", { origin: "https://evil.example" }), "/v1/models", 403],
  ])("%j to %s: %s", (headers, url, status) => {
    expect(statusOf({ allowedOrigins: ["https://chat.example.com"] }, headers, url)).toBe(status);
  });
});

test("callers without the token use up no requests of callers with it, and no probes", () => {
  const parts = {
    token: "correct-horse-battery",
    rate: new RateLimit(2, () => 0),
    strangersRate: new RateLimit(2, () => 0),
  };
  const statuses = (headers: Record<string, string>, url?: string) =>
    Array.from({ length: 3 }, () => statusOf(parts, headers, url));
  expect(statuses({})).toEqual([401, 401, 429]);
  expect(statuses({ authorization: "Bearer correct-horse-battery" })).toEqual([undefined, undefined, 429]);
  expect([...statuses({}, "/healthz"), ...statuses({}, "/readyz")]).toEqual(Array(6).fill(undefined));
});

describe("the token", () => {
  const token = "correct-horse-battery";
  const base64Url = (text: string) => Buffer.from(text).toString("base64url");

  test.each([
    [{ authorization: `Bearer ${token}` }, "/v1/models", undefined],
    [{ authorization: `bearer ${token}` }, "/v1/models", undefined],
    [{ "sec-websocket-protocol": `mcp-platform, bearer.${base64Url(token)}` }, "/ws/chat", undefined],
    [{ "sec-websocket-protocol": `mcp-platform, bearer.${base64Url(`${token}x`)}` }, "/ws/chat", 401],
    [{}, "/v1/models", 401],
    [{ authorization: `Bearer ${token}x` }, "/v1/models", 401],
    [{ authorization: `Basic ${token}` }, "/v1/models", 401],
    [{ authorization: "Bearer " }, "/v1/models", 401],
    [{}, "/healthz", undefined],
    [{}, "/readyz", undefined],
    [{}, "/healthz/../v1/models", 401],
    [{}, "/metrics", 401],
    [{}, "/mcp", 401],
    [{}, "/api/servers", 401],
  ])("%j at %s: %s", (headers, url, status) => {
    expect(statusOf({ token }, headers as Record<string, string>, url)).toBe(status);
  });

  test.each(["GET", "POST"])("in the address of a %s is refused, because proxies log addresses", (method) => {
    expect(statusOf({ token }, {}, `/v1/models?token=${token}`, method)).toBe(401);
  });
});

test("an empty token lets nobody in", () => {
  expect(statusOf({ token: "" }, {})).toBe(401);
  expect(statusOf({ token: "" }, { authorization: "Bearer " })).toBe(401);
});

test("a host that drains refuses new requests, and gives the reason to callers with the token", () => {
  const draining = { isDraining: () => true };
  expect(statusOf(draining, {})).toBe(503);
  expect(statusOf(draining, {}, "/healthz")).toBeUndefined();
});

test("each address has its number of requests, and gets them back over time", () => {
  let now = 0;
  const rate = new RateLimit(2, () => now);
  expect([rate.take("a"), rate.take("a"), rate.take("a"), rate.take("b")]).toEqual([
    undefined,
    undefined,
    30,
    undefined,
  ]);
  now = 30_000;
  expect([rate.take("a"), rate.take("a")]).toEqual([undefined, 30]);
});
