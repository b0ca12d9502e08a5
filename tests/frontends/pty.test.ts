import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, chunk, STALL, startLlmServer, stream } from "../support/llm-server.js";
import { Sink, sayAndCall } from "./support.js";

const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = spawnSync("python3", ["-c", "import pty"]).status === 0;
const onTerminal = hasPty ? test : test.skip;

/** The compiled host on a pseudo-terminal of 70 columns. */
function openTerminal(place: Workplace, env: Record<string, string> = {}) {
  const command = `stty cols 70 rows 20; exec ${process.execPath} ${resolve("dist/main.js")}`;
  const child = spawn("python3", ["-c", python, "sh", "-c", command], {
    cwd: place.folder,
    env: { PATH: process.env.PATH, HOME: place.folder, TERM: "xterm-256color", ...env },
  });
  const screen = new Sink();
  child.stdout.setEncoding("utf8").pipe(screen);
  const exitCode = new Promise<number | null>((done) => void child.once("close", done));
  return { screen, exitCode, type: (keys: string) => void child.stdin.write(keys) };
}

onTerminal("in a real terminal a turn is shown, Ctrl-C cancels the next one, and again leaves with 130", async () => {
  await using llm = await startLlmServer([
    sayAndCall("Let me **see**.", "s__echo", { n: 1 }),
    answer("It is `1`."),
    stream([chunk({ content: "begun\n\nand" }), STALL]),
  ]);
  using place = new Workplace();
  const approval = { chat: { service: { approval: "ask" } } };
  place.configure(configFor(llm.url, { s: fixtureServer() }, approval));
  const { screen, type, exitCode } = openTerminal(place);
  await screen.until("> ");
  type("go\r");
  await screen.until("Let me \u001b[1msee\u001b[22m.");
  await screen.until('> s.echo {"n":1}');
  await screen.until("run s.echo? y = once, a = always in this session, n = no: ");
  type("y\r");
  await screen.until(/s\.echo ok \d+ ms/);
  await screen.until("It is \u001b[36m1\u001b[39m.");
  await screen.until("> ");
  type("more\r");
  await screen.until("begun");
  type("\u0003");
  await screen.until("cancelled");
  await screen.until("> ");
  type("\u0003");
  expect(await exitCode).toBe(130);
});

onTerminal("with NO_COLOR there is neither colour nor a spinner, and Ctrl-D leaves with 0", async () => {
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
