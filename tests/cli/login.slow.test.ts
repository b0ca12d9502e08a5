import { expect, test } from "@jest/globals";
import { ended, Workplace } from "../support/cli.js";
import { oauthServer } from "../support/oauth-server.js";

test("servers login, status and logout, and what the other commands say in between", async () => {
  await using server = await oauthServer();
  using place = new Workplace();
  place.configure({ mcpServers: { files: { url: server.url }, local: { command: "true", enabled: false } } });

  const before = await place.run(["servers"]);
  expect(before.stdout).toContain("run: mcp-platform servers login files");

  const login = place.start("servers", "login", "files");
  const page = new Promise<string>((resolve) => {
    let said = "";
    login.stderr?.on("data", (text) => {
      said += text;
      const url = /^http.*$/m.exec(said)?.[0];
      if (url && said.endsWith("\n")) resolve(url);
    });
  });
  const done = ended(login, "");
  expect((await fetch(await page)).status).toBe(200);
  const { exitCode, stdout } = await done;
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^files: logged in at http/);

  expect((await place.run(["servers", "status", "files"])).stdout).toBe(stdout);
  expect((await place.run(["servers"])).stdout).toMatch(/files\s+ready/);
  expect((await place.run(["servers", "logout", "files"])).stdout).toBe("files: logged out\n");
  expect((await place.run(["servers", "status", "files"])).stdout).toMatch(/^files: not logged in/);
});

test("a name that has nothing to log in to is a usage error that says why", async () => {
  using place = new Workplace();
  place.configure({ mcpServers: { local: { command: "true" } } });
  expect(await place.run(["servers", "login", "local"])).toMatchObject({
    exitCode: 2,
    stderr: "error: local runs on this machine: there is nothing to log in to\n",
  });
  expect((await place.run(["servers", "status", "locl"])).stderr).toContain("did you mean local?");
});
