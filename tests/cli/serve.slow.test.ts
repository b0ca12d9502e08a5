import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { post } from "../doors/http/door.js";
import { connect } from "../doors/http/socket.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, chunk, stall, startLlmServer, stream } from "../support/llm-server.js";
import { oauthServer } from "../support/oauth-server.js";
import { onTerminal, openTerminal } from "../support/pty.js";
import { readMessage } from "../support/wire-messages.js";

let started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  started = [];
});

/** Starts `serve` without a token and resolves once it prints its address. */
const serve = (place: Workplace, ...args: string[]) => serveWith(place, "--no-token", ...args);

async function serveWith(place: Workplace, ...args: string[]) {
  const child = place.start("serve", "--port", "0", ...args);
  started.push(child);
  const end = ended(child);
  let stderr = "";
  const said = new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (text) => {
      stderr += text;
      if (/listening on \S+[\s\S]*\npage: .*\n/.test(stderr)) resolve();
    });
    void end.then(({ stderr: all }) => reject(new Error(all)));
  });
  await said;
  const url = /listening on (\S+)/.exec(stderr)?.[1] ?? "";
  return { child, end, url, said: () => stderr };
}

const hi = (more: object = {}) => ({ model: "m1", messages: [{ role: "user", content: "hi" }], ...more });
const port = (url: string) => new URL(url).port;

test.each(["debug", "info", "warn", "error", "silent"])(
  "stdout of each front door for programs has only its protocol with --log-level %s",
  async (level) => {
    await using llm = await startLlmServer(() => answer("fine"));
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: fixtureServer({ greeting: "hello", noise: true }) }));
    const line = `${JSON.stringify({ action: "chat", request_id: "r", payload: { text: "hi" } })}\n`;
    const { child, end, url } = await serve(place, "--log-level", level);
    expect((await post(`${url}/v1/chat/completions`, hi())).status).toBe(200);
    child.kill("SIGINT");
    expect(await end).toMatchObject({ exitCode: 130, stdout: "" });

    const pipe = await place.run(["--log-level", level, "stdio"], line);
    const json = await place.run(["--log-level", level, "run", "--output-format", "json", "hi"]);
    const events = await place.run(["--log-level", level, "run", "--output-format", "stream-json", "hi"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ text: "fine" });
    for (const { stdout } of [pipe, events]) {
      expect(stdout.trimEnd().split("\n").map(readMessage).at(-1)).toMatchObject({ status: "complete" });
    }
  },
);

test("callers send the token that is stored in a file only the user can read, and it stays the same after a restart", async () => {
  await using llm = await startLlmServer([answer("fine"), answer("fine")]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const file = join(place.folder, ".local/state/mcp-platform/serve-token");
  for (const host of ["127.0.0.1", "0.0.0.0"]) {
    const { child, end, url, said } = await serveWith(place, "--host", host);
    const here = `http://127.0.0.1:${port(url)}`;
    const token = readFileSync(file, "utf8").trim();
    const ask = (authorization: string) => post(`${here}/v1/chat/completions`, hi(), { authorization });
    expect([(await ask("")).status, (await ask(`Bearer ${token}`)).status]).toEqual([401, 200]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(said()).toContain(`token: in ${file};`);
    expect(said()).not.toContain(token); // the log may have other readers
    child.kill("SIGINT");
    await end;
  }
});

onTerminal("a terminal shows one link to the page, which the token of the file opens", async () => {
  using place = new Workplace();
  const { screen, exitCode, type } = openTerminal(place, {}, "exit $?", "serve --port 0");
  const link = /page: (http:\S+)#token=([\w-]{43})\s/;
  await screen.until(link);
  const [, page, token] = link.exec(screen.text) ?? [];
  expect(token).toBe(readFileSync(join(place.folder, ".local/state/mcp-platform/serve-token"), "utf8").trim());
  expect((await fetch(`${page}api/servers`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  type("\x03");
  await exitCode;
});

test("a token from a file is required and not printed", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const file = place.write("token", "correct-horse-battery\n");
  const { url, said } = await serveWith(place, "--token-file", file);
  expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: "Bearer correct-horse-battery" } })).status).toBe(
    200,
  );
  expect(said()).toContain("page: ");
  expect(said()).not.toContain("correct-horse-battery");
});

test("a token on the command line is refused, because every account can read it there", async () => {
  using place = new Workplace();
  const { exitCode, stderr } = await place.run(["serve", "--token", "correct-horse-battery"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/every account .*\nhint: .*--token-file/)]);
});

test("when asked to end, serve takes no new work, finishes running turns, and answers probes with 503", async () => {
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const step = stream([
    chunk({ content: "one" }),
    () => held,
    chunk({ content: " two" }),
    chunk({}, "stop"),
    "data: [DONE]\n\n",
  ]);
  await using llm = await startLlmServer([step]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { child, end, url } = await serve(place);
  const running = await post(`${url}/v1/chat/completions`, hi({ stream: true }));
  const text = running.text();
  await llm.received(1);
  child.kill("SIGTERM");
  let refused = await post(`${url}/v1/chat/completions`, "{");
  while (refused.status === 400) refused = await post(`${url}/v1/chat/completions`, "{");
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  finish();
  expect(await text).toMatch(/" two"[\s\S]*\[DONE\]/);
  expect((await end).exitCode).toBe(143);
});

test.each(["SIGINT", "SIGHUP"] as const)(
  "when ended by %s, serve leaves running turns to its next start",
  async (signal) => {
    await using llm = await startLlmServer([stream([stall]), answer("went on")]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const headers = { "x-request-id": "r1" };
    const first = await serve(place);
    const lost = post(`${first.url}/v1/chat/completions`, hi(), headers).catch(() => {});
    await llm.received(1);
    first.child.kill(signal);
    await first.end;
    expect(await lost).toMatchObject({ status: 503 });
    const { url } = await serve(place);
    const again = await post(`${url}/v1/chat/completions`, hi(), headers);
    expect(await again.json()).toMatchObject({ choices: [{ message: { content: "went on" } }] });
  },
);

test("when asked to end, serve closes its sockets after the last message", async () => {
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const step = stream([chunk({ content: "one" }), () => held, chunk({}, "stop"), "data: [DONE]\n\n"]);
  await using llm = await startLlmServer([step]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { child, end, url } = await serve(place);
  const { socket, send, until: message } = await connect({ url });
  send({ action: "chat", request_id: "r1", payload: { text: "hi", streaming: true } });
  await message(({ chunk: { type } }) => type === "text");
  const closed = once(socket, "close");
  child.kill("SIGTERM");
  finish();
  await message(({ chunk: { type } }) => type === "turn_end");
  expect((await closed)[0]).toBe(1001);
  expect((await end).exitCode).toBe(143);
});

test("when asked to end, serve ends the sessions of MCP clients that listen", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { child, end, url } = await serve(place);
  const client = new Client({ name: "test", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`));
  await client.connect(transport);
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["chat"]);
  const headers = { accept: "text/event-stream", "mcp-session-id": transport.sessionId ?? "" };
  // 200, or 409 if the stream of the client is already open
  expect((await fetch(`${url}/mcp`, { headers })).status).toBeLessThan(410);
  child.kill("SIGTERM");
  expect(await end).toMatchObject({ exitCode: 143 });
  await client.close();
});

test("a caller on this machine can begin a login at a server, and the host continues with it", async () => {
  await using server = await oauthServer();
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { files: { url: server.url }, local: fixtureServer() }));
  const { url } = await serve(place);
  const login = (name: string, headers = {}) => post(`${url}/api/servers/${name}/login`, "", headers);
  const state = async () => {
    const { servers } = (await (await fetch(`${url}/api/servers`)).json()) as { servers: Record<string, string>[] };
    return servers.find(({ name }) => name === "files")?.state;
  };
  while ((await state()) !== "needs_auth") await fetch(`${url}/readyz`);
  expect((await login("files", { "x-forwarded-for": "192.0.2.1" })).status).toBe(403);
  expect((await login("local")).status).toBe(400);
  const [begun, again] = await Promise.all([login("files"), login("files")]);
  const { url: page } = (await begun.json()) as { url: string };
  expect([begun.status, again.status, await again.json()]).toEqual([202, 202, { url: page }]);
  expect((await fetch(page)).status).toBe(200);
  while ((await state()) !== "ready") await fetch(`${url}/readyz`);
});

test("a port in use is a usage error", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { exitCode, stderr } = await place.run(["serve", "--port", String((other.address() as AddressInfo).port)]);
  other.close();
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE[\s\S]*hint: /),
  ]);
});
