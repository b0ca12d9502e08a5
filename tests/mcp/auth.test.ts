import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { textOf } from "../../src/core/messages.js";
import { AuthFile } from "../../src/mcp/auth/auth-file.js";
import { authorizeWithPerson } from "../../src/mcp/auth/flows.js";
import { loginFetch } from "../../src/mcp/auth/login-fetch.js";
import { Logins } from "../../src/mcp/auth/logins.js";
import { Reach } from "../../src/mcp/auth/reach.js";
import { browse, grants, guarded, hubOf, logins, newFolder } from "../support/logins.js";
import { httpServer } from "../support/mcp-http.js";
import { remoteServer, until } from "../support/mcp-hub.js";
import { oauthServer } from "../support/oauth-server.js";

const onlyFile = (folder: string) => join(folder, readdirSync(folder)[0] ?? "");

test("without a login, the state says so with the command to run, and only the server itself is asked", async () => {
  await using server = await oauthServer();
  await using running = await hubOf(guarded(server), newFolder());
  expect(running.hub.servers()[0]).toMatchObject({
    state: "needs_auth",
    reason: `${server.url} wants authorization: it needs a login (run: mcp-platform servers login r)`,
  });
  expect(server.seen).toEqual(["POST /mcp server/discover"]);
});

test("a running host notices a login that another program makes", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  await using running = await hubOf(guarded(server), folder);
  await logins(guarded(server), folder).login("r");
  await until(() => running.hub.servers()[0]?.state === "ready");
});

test("a login is noticed that ends between the server's refusal and the wait for a login", async () => {
  const folder = newFolder();
  const file = () => new AuthFile(folder, { ...remoteServer("r", "http://127.0.0.1:1/", "http") });
  const running = file();
  expect(running.read()).toEqual({});
  await file().change({ tokensAt: 1 });
  await running.changed(AbortSignal.timeout(10_000));
  expect(running.read()).toEqual({ tokensAt: 1 });
});

test("a server that takes a key and has no login says so at the login", async () => {
  await using server = await httpServer({ status: 401 });
  const config = remoteServer("r", server.url, "http");
  await expect(logins(config, newFolder()).login("r")).rejects.toMatchObject({
    message: `${server.url} requires authorization, but a login there is not possible`,
    hint: "if it takes a key, set mcpServers.r.headers.Authorization",
  });
});

test("a login registers, goes through the browser with PKCE and state, and lets every later host in", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  const status = await logins(guarded(server), folder).login("r");
  expect(status).toMatch(
    new RegExp(`^r: logged in at ${server.issuer}\n {2}scopes: basic\n {2}token until 20.*renewed by itself$`),
  );
  expect(server.registered[0]).toMatchObject({ application_type: "native", token_endpoint_auth_method: "none" });
  const [page, exchange] = server.asked;
  expect(page?.get("code_challenge_method")).toBe("S256");
  expect(page?.get("redirect_uri")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  expect([page?.get("resource"), exchange?.get("resource")]).toEqual([server.url, server.url]);

  await using running = await hubOf(guarded(server), folder);
  expect(running.hub.servers()[0]?.state).toBe("ready");
  expect(await running.call()).toMatchObject({ isError: false });
});

test("a login page from which no browser returns says what to do, and the next login registers again", async () => {
  await using server = await oauthServer();
  const config = guarded(server);
  const file = new AuthFile(newFolder(), config);
  const reach = new Reach(config.url);
  const oauth = config.oauth ?? { grant: "authorization_code", signingAlg: "RS256" };
  const logIn = async () => {
    const late = new AbortController();
    const showPage = () => late.abort(new DOMException("too late", "TimeoutError"));
    const signals = AbortSignal.timeout(60_000);
    const flow = { serverUrl: config.url, oauth, file, reach, fetch: loginFetch(config, reach, signals) };
    await authorizeWithPerson(flow, { showPage, signal: late.signal, reasonOf: String });
  };
  for (let time = 0; time < 2; time++) {
    await expect(logIn()).rejects.toMatchObject({
      kind: "needs_auth",
      message: "nobody came back from the login page in time",
      hint: expect.stringMatching(/^log in again; if your browser is on another machine, first run there: ssh -L \d+:/),
    });
  }
  expect(server.registered).toHaveLength(2);
});

test("only its owner can read a stored login, which names its authorization server", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  expect(statSync(onlyFile(folder)).mode & 0o777).toBe(0o600);
  const record = JSON.parse(readFileSync(onlyFile(folder), "utf8"));
  expect(record.tokens.issuer).toBe(server.issuer);
  expect(record.client).toMatchObject({ client_id: "registered-1", issuer: server.issuer });
});

test("a token that has expired is renewed in the middle of a call", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using running = await hubOf(guarded(server), folder);
  server.expire();
  expect((await running.call()).isError).toBe(false);
  expect(grants(server)).toEqual(["POST /token authorization_code", "POST /token refresh_token"]);
});

test("a login that was revoked ends the connection, in the state that says what to do", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using running = await hubOf(guarded(server), folder);
  server.revoke();
  expect((await running.call()).isError).toBe(true);
  await until(() => running.hub.servers()[0]?.state === "needs_auth");
  expect(running.hub.servers()[0]?.reason).toContain("run: mcp-platform servers login r");
});

test("a short failure of an authorization server fails the call, not the login", async () => {
  const behaviour = { tokenStatus: 0 };
  await using server = await oauthServer(behaviour);
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using running = await hubOf(guarded(server), folder);
  server.expire();
  behaviour.tokenStatus = 503;
  expect(textOf((await running.call()).content)).toContain("does not answer");
  behaviour.tokenStatus = 0;
  expect(await logins(guarded(server), folder).status("r")).toContain("logged in at");
});

test.each([
  ["is revoked", "needs_auth"],
  ["cannot be renewed for a moment", "ready"],
])(
  "a call that the server has accepted keeps its answer when the login %s, and a call after that reads that it failed",
  async (what, state) => {
    let [release, note] = [() => {}, () => {}];
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const accepted = new Promise<void>((resolve) => {
      note = resolve;
    });
    const behaviour = {
      scopes: { slow: "basic" },
      tokenStatus: 0,
      accepted: (tool: string) => {
        note();
        return tool === "slow" ? released : undefined;
      },
    };
    await using server = await oauthServer(behaviour);
    const folder = newFolder();
    await logins(guarded(server), folder).login("r");
    await using running = await hubOf(guarded(server), folder);
    const slow = running.call("slow");
    await accepted;
    if (what === "is revoked") server.revoke();
    else {
      server.expire();
      behaviour.tokenStatus = 503;
    }
    const refused = await running.call("echo");
    expect(refused.isError).toBe(true);
    expect(textOf(refused.content)).toMatch(/^echo failed: /);
    release();
    expect(textOf((await slow).content)).toBe("{}");
    await until(() => running.hub.servers()[0]?.state === state);
  },
);

test("without a person, the tool that demands more scopes fails alone, and the next login asks for them", async () => {
  await using server = await oauthServer({ scopes: { write: "files:write" } });
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using running = await hubOf(guarded(server), folder);
  const refused = await running.call("write");
  expect(textOf(refused.content)).toContain("it needs more rights (files:write)");
  expect((await running.call()).isError).toBe(false);
  await logins(guarded(server), folder).login("r");
  expect((await running.call("write")).isError).toBe(false);
});

test.each([true, false])(
  "an authorization server whose metadata name somebody else is not trusted (resource metadata: %s)",
  async (resourceMetadata) => {
    await using server = await oauthServer({ resourceMetadata, metadata: { issuer: "https://evil.example" } });
    await expect(logins(guarded(server), newFolder()).login("r")).rejects.toThrow(
      "names another issuer (https://evil.example)",
    );
    expect([server.asked, server.registered]).toEqual([[], []]);
  },
);

test("a refresh token is not sent to an authorization server whose metadata name somebody else", async () => {
  const behaviour = { metadata: {} };
  await using server = await oauthServer(behaviour);
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  await using running = await hubOf(guarded(server), folder);
  server.expire();
  behaviour.metadata = { issuer: "https://evil.example" };
  expect(textOf((await running.call()).content)).toContain("names another issuer (https://evil.example)");
  expect(grants(server)).toEqual(["POST /token authorization_code"]);
});

test.each(["", "/oauth"])(
  "a server without resource metadata is its own authorization server, with the issuer %j",
  async (path) => {
    const behaviour = { resourceMetadata: false, metadata: {} };
    await using server = await oauthServer(behaviour);
    behaviour.metadata = { issuer: server.issuer + path };
    expect(await logins(guarded(server), newFolder()).login("r")).toContain(`logged in at ${server.issuer}`);
  },
);

test("client credentials need no person: by secret, and by signature", async () => {
  await using server = await oauthServer();
  const secret = { grant: "client_credentials", clientId: "c1", clientSecret: "s3cr3t-0123456789" } as const;
  await using running = await hubOf(guarded(server, secret), newFolder());
  expect((await running.call()).isError).toBe(false);

  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const privateKeyFile = join(newFolder(), "key.pem");
  writeFileSync(privateKeyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
  const signed = { grant: "client_credentials", clientId: "c2", privateKeyFile, signingAlg: "ES256" } as const;
  await using other = await hubOf(guarded(server, signed), newFolder());
  expect((await other.call()).isError).toBe(false);
  expect(server.asked[1]?.get("client_assertion")).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
});

test.each([1e300, -1e300])(
  "a lifetime of %s s, which is too long for a date, breaks neither login nor status",
  async (expiresIn) => {
    await using server = await oauthServer({ expiresIn });
    const folder = newFolder();
    const status = `r: logged in at ${server.issuer}\n  scopes: basic`;
    expect(await logins(guarded(server), folder).login("r")).toBe(status);
    expect(await logins(guarded(server), folder).status("r")).toBe(status);
  },
);

test("logout forgets the login here and at the authorization server", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  await logins(guarded(server), folder).login("r");
  expect(await logins(guarded(server), folder).logout("r")).toBe("r: logged out");
  expect(readdirSync(folder)).toEqual([]);
  expect(server.seen.at(-1)).toBe("POST /revoke");
  expect(await logins(guarded(server), folder).status("r")).toMatch(/^r: not logged in/);
});

const clientSecret = "s3cr3t-0123456789/~+";

test.each([
  ["HTTP Basic", "client_secret_basic"],
  ["the form", "client_secret_post"],
])("an authorization server that repeats a request reveals no secret of the login (%s)", async (_, method) => {
  const client = { client_secret: clientSecret, token_endpoint_auth_method: method };
  const metadata = { token_endpoint_auth_methods_supported: [method] };
  await using server = await oauthServer({ echoes: true, client, metadata });
  const error = await logins(guarded(server), newFolder())
    .login("r")
    .catch((reason: Error) => reason.message);
  const [, sent] = server.asked;
  const basic = Buffer.from(`registered-1:${clientSecret}`).toString("base64");
  expect(error).toContain("you sent");
  for (const secret of [sent?.get("code"), sent?.get("code_verifier"), clientSecret, basic.slice(0, -4)]) {
    for (const spelling of [String(secret), encodeURIComponent(String(secret)), formValue(String(secret))]) {
      expect(error).not.toContain(spelling);
    }
  }
});

const formValue = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);

test("neither token nor secret is in a log line, a state or a status", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  const config = guarded(server, { clientId: "c1", clientSecret: "s3cr3t-0123456789" });
  const status = await logins(config, folder).login("r");
  const { tokens } = JSON.parse(readFileSync(onlyFile(folder), "utf8"));
  await using running = await hubOf(config, folder);
  server.revoke();
  const result = await running.call();
  const told = JSON.stringify([status, running.log, running.hub.servers(), result]);
  for (const secret of [tokens.access_token, tokens.refresh_token, "s3cr3t-0123456789", "access-", "refresh-"]) {
    expect(told).not.toContain(secret);
  }
});

test("two servers of one URL have a login each, and a single one keeps its login under another name", async () => {
  await using server = await oauthServer();
  const folder = newFolder();
  const loginsOf = (...names: string[]) => {
    const mcpServers = Object.fromEntries(names.map((name) => [name, { url: server.url }]));
    return new Logins(loadConfig({ mcpServers }, { env: {} }).config.mcpServers, { folder, showPage: browse });
  };
  await loginsOf("work").login("work");
  expect(await loginsOf("renamed").status("renamed")).toContain("logged in at");
  const both = loginsOf("work", "personal");
  expect(await both.status("personal")).toContain("not logged in");
  await both.login("work");
  expect(await both.status("work")).toContain("logged in at");
  expect(await both.status("personal")).toContain("not logged in");
  expect(await loginsOf("personal").status("personal")).toContain("not logged in");
});

test("fields that an authorization server leaves empty count as left out", async () => {
  await using server = await oauthServer({
    metadata: { scopes_supported: null },
    client: { contacts: null, client_uri: "", policy_uri: null },
  });
  expect(await logins(guarded(server), newFolder()).login("r")).toContain("logged in at");
});

/** Takes the code out of the redirect, and says why there is none. */
function refuse(back: URLSearchParams): void {
  back.delete("code");
  back.set("error_description", "an admin must approve");
}

test.each([
  ["Logged in. You can close this page.", {}],
  ["the login was refused: an admin must approve", { answer: refuse }],
  ["Not logged in: the authorization server of", { tokenStatus: 400 }],
])("the browser is told how the login has ended: %s", async (told, behaviour) => {
  await using server = await oauthServer(behaviour);
  let page = Promise.resolve("");
  const showPage = (url: URL) => {
    page = fetch(url).then((response) => response.text());
  };
  await Promise.allSettled([logins(guarded(server), newFolder(), showPage).login("r")]);
  expect(await page).toContain(told);
});
