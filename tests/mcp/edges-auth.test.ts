/**
 * Edges 17 to 19 of the SDK 1.32.2, its OAuth, each with a real authorization server. For the other edges see edges-stdio, edges-http and
 * edges-protocol.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "@jest/globals";
import { listenForCallback } from "../../src/mcp/auth/callback.js";
import { browse, grants, guarded, hubOf, logins, newFolder } from "../support/logins.js";
import { oauthServer } from "../support/oauth-server.js";

test("edge 17: a tool that wants more scopes gets them by a new login with the union, not by a refresh", async () => {
  await using server = await oauthServer({ scopes: { write: "files:write" } });
  await using running = await hubOf(guarded(server), newFolder(), browse);
  expect((await running.call("write")).isError).toBe(false);
  expect(server.asked.map((asked) => asked.get("scope")).filter(Boolean)).toEqual(["basic", "basic files:write"]);
  expect(grants(server)).toEqual(["POST /token authorization_code", "POST /token authorization_code"]);
});

test("edge 18: calls in parallel, and hosts in parallel, share one renewal of a token that rotates", async () => {
  await using server = await oauthServer({ tokenDelayMs: 50 });
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using one = await hubOf(guarded(server), folder);
  await using other = await hubOf(guarded(server), folder);
  server.expire();
  const results = await Promise.all([one.call(), one.call(), one.call(), other.call(), other.call()]);
  expect(results.every(({ isError }) => !isError)).toBe(true);
  expect(grants(server)).toHaveLength(2);
});

test("edge 19: a code that comes with another state is refused and waited past", async () => {
  await using server = await oauthServer();
  const statuses: number[] = [];
  const showPage = async (page: URL) => {
    const callback = page.searchParams.get("redirect_uri");
    statuses.push((await fetch(`${callback}?code=stolen&state=wrong`)).status);
    statuses.push((await fetch(page)).status);
  };
  let visit: Promise<void> | undefined;
  await logins(guarded(server), newFolder(), (page) => {
    visit = showPage(page);
  }).login("r");
  await visit;
  expect(statuses).toEqual([400, 200]);
  expect(server.asked.at(-1)?.get("code")).not.toBe("stolen");
});

test("the callback refuses an invalid address and waits for the next request", async () => {
  await using callback = await listenForCallback(undefined);
  const returned = callback.firstReturn("s", new AbortController().signal);
  const socket = connect(Number(new URL(callback.url).port), "127.0.0.1");
  socket.write("GET //[ HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1.1 400 /);
  const answered = fetch(`${callback.url}?state=s&code=c`);
  const { query, answer: tell } = await returned;
  expect(query.get("code")).toBe("c");
  await tell("well done");
  expect(await (await answered).text()).toBe("well done");
});

test("a browser that asks again gets the same answer", async () => {
  await using callback = await listenForCallback(undefined);
  const returned = callback.firstReturn("s", new AbortController().signal);
  const page = () => fetch(`${callback.url}?state=s&code=c`).then((response) => response.text());
  const first = page();
  const { answer } = await returned;
  const second = page();
  await answer("well done");
  expect(await Promise.all([first, second, page()])).toEqual(["well done", "well done", "well done"]);
});

test.each([
  ["names another issuer", { answer: (back: URLSearchParams) => back.set("iss", "https://evil.example") }],
  [
    "names none, although the server always does",
    { metadata: { authorization_response_iss_parameter_supported: true } },
  ],
  ["brings an error", { answer: (back: URLSearchParams) => back.set("error", "access_denied") }],
])("edge 19: a browser that %s brings no token", async (_, behaviour) => {
  await using server = await oauthServer(behaviour as Parameters<typeof oauthServer>[0]);
  await expect(logins(guarded(server), newFolder()).login("r")).rejects.toMatchObject({ kind: "needs_auth" });
  expect(grants(server)).toEqual([]);
});
