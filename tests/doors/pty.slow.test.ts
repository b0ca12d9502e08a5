import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, chunk, stall, startLlmServer, stream } from "../support/llm-server.js";
import { isRunning, recording, until } from "../support/mcp-hub.js";
import { onTerminal, openTerminal } from "../support/pty.js";
import { sayAndCall } from "./support.js";

onTerminal(
  "in a real terminal a turn is shown, Ctrl-C cancels the next one, and a second Ctrl-C exits with 130",
  async () => {
    await using llm = await startLlmServer([
      sayAndCall("Let me **see**.", "s__echo", { n: 1 }),
      answer("It is `1`."),
      stream([chunk({ content: "begun\n\nand" }), stall]),
    ]);
    using place = new Workplace();
    const approval = { chat: { service: { approval: "ask" } } };
    place.configure(configFor(llm.url, { s: fixtureServer() }, approval));
    const { screen, type, exitCode } = openTerminal(place);
    await screen.until("> ");
    type("go\r");
    await screen.until("Let me \u001b[1msee\u001b[22m.");
    await screen.until('> s.echo {"n":1}');
    await screen.until("run s.echo? ");
    type("y\r");
    await screen.until(/s\.echo ok [\d.]+ m?s/);
    await screen.until("It is \u001b[36m1\u001b[39m.");
    await screen.until("> ");
    type("more\r");
    await screen.until("begun");
    type("\u0003");
    await screen.until("cancelled");
    await screen.until("> ");
    type("\u0003");
    expect(await exitCode).toBe(130);
  },
);

onTerminal("closing the terminal ends the chat and its servers, without a crash", async () => {
  using record = recording();
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer({ deaf: true, record: record.path }) }));
  const hangUp = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(os.open("stderr", os.O_CREAT | os.O_WRONLY), 2)
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b"/help" not in seen: seen += os.read(terminal, 1024)
while not os.path.exists(os.environ["RECORD"]): time.sleep(0.01)
os.close(terminal)
status = os.waitpid(pid, 0)[1]
print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), end="")`;
  const child = spawn("python3", ["-c", hangUp, process.execPath, resolve("dist/main.js")], {
    cwd: place.folder,
    env: { ...place.environment, TERM: "xterm", RECORD: record.path },
  });
  const { stdout, stderr } = await ended(child);
  expect([stdout, stderr, readFileSync(join(place.folder, "stderr"), "utf8")]).toEqual(["1", "", ""]);
  await until(() => !isRunning(Number(record.lines()[0]?.replace("started ", "")))); // a killed process may need a moment to end
});

onTerminal("with NO_COLOR there is neither colour nor a spinner, and Ctrl-D exits with 0", async () => {
  await using llm = await startLlmServer([answer("*plain*")]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, type, exitCode } = openTerminal(place, { NO_COLOR: "1" });
  await screen.until("> ");
  type("go\r");
  await screen.until("*plain*");
  await screen.until("> ");
  type("\u0004");
  expect(await exitCode).toBe(0);
  expect(screen.text).not.toMatch(/\p{Cc}\[\d*m|[⠋⠙]/u);
});

onTerminal("servers of this folder's file start after a yes, and the question comes once", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.write("config.yaml", JSON.stringify(configFor(llm.url, { s: fixtureServer() })));
  const first = openTerminal(place);
  await first.screen.until("Allow it from now on? y/n: ");
  expect(first.screen.text).toMatch(
    /config\.yaml in this folder does this, with your rights:\r?\n {2}starts the MCP server s: .*mcp-server\.mjs/,
  );
  first.type("y\r");
  await first.screen.until("> ");
  first.type("/servers\r");
  await first.screen.until(/s +(ready|starting)/);
  first.type("\u0004");
  expect(await first.exitCode).toBe(0);
  const second = openTerminal(place);
  await second.screen.until("> ");
  second.type("\u0004");
  expect(await second.exitCode).toBe(0);
  expect(second.screen.text).not.toContain("Let it");
});

onTerminal("a chat follows its configuration file and says so; /reload says that nothing has changed", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, type, exitCode } = openTerminal(place, { NO_COLOR: "1" });
  await screen.until("> ");
  place.configure(configFor(llm.url, { s: fixtureServer() }));
  await screen.until("config: config.yaml: added s");
  type("/reload\r");
  await screen.until("config.yaml: nothing has changed");
  place.write("config.yaml", "mcpServers: [");
  await screen.until("config: nothing changes, because");
  await screen.until("config.yaml:1:");
  type("/servers\r");
  await screen.until(/s +(ready|starting)/);
  type("\u0004");
  expect(await exitCode).toBe(0);
});
