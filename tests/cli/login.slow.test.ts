import { describe, expect, test } from "@jest/globals";
import { type Ended, ended, Workplace } from "../support/cli.js";
import { oauthServer } from "../support/oauth-server.js";

/** Runs `servers login files`, and opens the page that it shows. Returns the status of the page, too. */
async function logIn(place: Workplace): Promise<Ended & { page?: number | undefined }> {
  const login = place.start("servers", "login", "files");
  let said = "";
  let page: Promise<Response> | undefined;
  login.stderr?.on("data", (text) => {
    said += text;
    const url = /^(http.*)\n/m.exec(said)?.[1];
    if (url) page ??= fetch(url);
  });
  const outcome = await ended(login, "");
  return { ...outcome, page: (await page)?.status };
}

test("servers login, status and logout, and what the other commands say in between", async () => {
  await using server = await oauthServer();
  using place = new Workplace();
  place.configure({ mcpServers: { files: { url: server.url }, local: { command: "true", enabled: false } } });

  const before = await place.run(["servers"]);
  expect(before.stdout).toContain("run: mcp-platform servers login files");

  const { page, exitCode, stdout } = await logIn(place);
  expect([page, exitCode]).toEqual([200, 0]);
  expect(stdout).toMatch(/^files: logged in at http/);

  expect((await place.run(["servers", "status", "files"])).stdout).toBe(stdout);
  expect((await place.run(["servers"])).stdout).toMatch(/files\s+ready/);
  expect((await place.run(["servers", "logout", "files"])).stdout).toBe("files: logged out\n");
  expect((await place.run(["servers", "status", "files"])).stdout).toMatch(/^files: not logged in/);
});

test("a login at a server that has none is a usage error that says why", async () => {
  using place = new Workplace();
  place.configure({ mcpServers: { local: { command: "true" } } });
  expect(await place.run(["servers", "login", "local"])).toMatchObject({
    exitCode: 2,
    stderr: "error: local runs on this machine, so it has no login\n",
  });
  expect((await place.run(["servers", "status", "locl"])).stderr).toContain("did you mean local?");
});

describe("the text of an authorization server's refusal cannot control the terminal", () => {
  const hostile = "ask \u001b[2J\u001b]0;title\u0007\u009b31m\u009d52;c;eA==\u009c\rthe administrator";
  const control = /(?!\n)\p{Cc}/u;

  test.each([
    ["at the registration of the client", { refusals: { "/register": hostile } }],
    ["on its page", { answer: (back: URLSearchParams) => refuse(back, hostile) }],
    ["for the code", { refusals: { "/token": hostile } }],
  ])("%s", async (_, behaviour) => {
    await using server = await oauthServer(behaviour);
    using place = new Workplace();
    place.configure({ mcpServers: { files: { url: server.url } } });
    const { exitCode, stdout, stderr } = await logIn(place);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/ask .*the administrator/s);
    expect(stderr).not.toMatch(control);
  });

  test("when the servers are listed", async () => {
    await using server = await oauthServer({ refusals: { "/token": hostile } });
    using place = new Workplace();
    const oauth = { grant: "client_credentials", client_id: "c1", client_secret: "s3cr3t-0123456789" };
    place.configure({ mcpServers: { files: { url: server.url, oauth } } });
    const { stdout, stderr } = await place.run(["servers"]);
    expect(stdout).toMatch(/ask .*the administrator/s);
    expect(stdout + stderr).not.toMatch(control);
  });
});

function refuse(answer: URLSearchParams, description: string): void {
  answer.delete("code");
  answer.set("error", "access_denied");
  answer.set("error_description", description);
}
