import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { fixtureServer, script } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, chunk, type LlmRequest, stall, startLlmServer, stream } from "../support/llm-server.js";
import { onTerminal, openTerminal } from "../support/pty.js";
import { sayAndCall } from "./support.js";

const tab = "\t";
const up = "\u001b[A";
const escapeKey = "\u001b";
const ctrlC = "\u0003";
const ctrlD = "\u0004";
const ctrlR = "\u0012";
const textOf = ({ body }: LlmRequest) => JSON.stringify(body.messages?.at(-1)?.content);
/** Starts a model that repeats the prompt. */
const parrot = () => startLlmServer((request) => answer(`told: ${textOf(request)}`));
const plain = { NO_COLOR: "1" };

onTerminal(
  "the next chat recalls earlier input by Up and Ctrl-R, but no answers to questions and no secrets",
  async () => {
    await using llm = await startLlmServer((request) =>
      textOf(request).includes("call") && request.body.messages?.at(-1)?.role === "user"
        ? sayAndCall("", "s__echo")
        : answer(`told: ${textOf(request)}`),
    );
    using place = new Workplace();
    const approval = { chat: { service: { approval: "ask" } } };
    place.configure(configFor(llm.url, { s: fixtureServer() }, approval));
    const first = openTerminal(place, plain);
    await first.screen.until("> ");
    first.type("call it\r");
    await first.screen.until("run s.echo? ");
    first.type("y\r");
    await first.screen.until("told: ");
    await first.screen.until("> ");
    first.type(" a secret\r");
    await first.screen.until("told: ");
    await first.screen.until("> ");
    first.type("the last\r");
    await first.screen.until("told: ");
    await first.screen.until("> ");
    first.type(ctrlD);
    expect(await first.exitCode).toBe(0);
    const history = readFileSync(join(place.folder, ".local/state/mcp-platform/chat/history.jsonl"), "utf8");
    expect(history).toBe('"call it"\n"the last"\n');
    const second = openTerminal(place, plain);
    await second.screen.until("> ");
    second.type(`${up}`);
    await second.screen.until("the last");
    second.type(`${ctrlC}${ctrlR}call`);
    await second.screen.until("(search: call) call it");
    second.type(` again\u001b[C${ctrlC}`);
    await second.screen.until("> ");
    second.type(ctrlD);
    expect(await second.exitCode).toBe(0);
  },
);

onTerminal("several lines are one input if they are pasted, or entered after a backslash or Alt-Enter", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, type, exitCode } = openTerminal(place, plain);
  await screen.until("> ");
  type("\u001b[200~one\rtwo\r\nthree\u001b[2J\u001b[201~");
  await screen.until("  three");
  type("\r");
  await screen.until(String.raw`told: "one\ntwo\nthree"`);
  await screen.until("> ");
  type("four\\\rfive\u001b\rsix\r");
  await screen.until(String.raw`told: "four\nfive\nsix"`);
  await screen.until("> ");
  type(ctrlD);
  expect(await exitCode).toBe(0);
});

onTerminal("Tab completes commands and prompts, and shows the choices", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url, { demo: script("dist/demo/mcp-server.js") }));
  const { screen, type, exitCode } = openTerminal(place, plain);
  await screen.until("> ");
  type("a turn waits for servers\r");
  await screen.until("told: ");
  await screen.until("> ");
  type(`/re${tab}`);
  await screen.until(/\/reload +\/resources +\/resource/);
  type(`\u0015/prom${tab}`);
  await screen.until("/prompt");
  type(` d${tab}`);
  await screen.until("demo__summarize ");
  type(`t${tab}`);
  await screen.until("topic=");
  type("whales\r");
  await screen.until(/told: .*whales/);
  await screen.until("> ");
  type(ctrlD);
  expect(await exitCode).toBe(0);
});

onTerminal("a file named with @ is attached, a missing one is reported, and an address stays text", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url));
  place.write("notes.txt", "remember \u001b]0;title\u0007this");
  const { screen, type, exitCode } = openTerminal(place, plain);
  await screen.until("> ");
  type("see @notes.txt, and ask me@home.org\r");
  await screen.until("attached notes.txt (23 B)");
  await screen.until("file notes.txt");
  await screen.until("> ");
  type("see @./missing\r");
  await screen.until("error: ./missing cannot be read: there is no such file");
  await screen.until("> ");
  type(ctrlD);
  expect(await exitCode).toBe(0);
  expect(llm.requests).toHaveLength(1);
  expect(screen.text).not.toContain("\u001b]0;");
});

onTerminal(
  "what is typed while a turn runs is shown and queued; Esc cancels the turn and keeps what is typed",
  async () => {
    await using llm = await startLlmServer((request) =>
      textOf(request).includes("stall")
        ? stream([chunk({ content: "begun\n\nand" }), stall])
        : answer(`told: ${textOf(request)}`),
    );
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const { screen, type, exitCode } = openTerminal(place);
    await screen.until("> ");
    type("stall\r");
    await screen.until(/begun\r\n.*and\r\n[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] .*writing/s);
    type("漢字");
    await screen.until("> 漢字");
    type("!\rhalf");
    await screen.until(/queued: 漢字!.*\r\n> half/);
    type(escapeKey);
    await screen.until("cancelled");
    await screen.until('told: "漢字!"');
    await screen.until("> half");
    type(" done\r");
    await screen.until('told: "half done"');
    await screen.until("> ");
    type(ctrlD);
    expect(await exitCode).toBe(0);
  },
);

onTerminal("below the prompt stand the model, the servers, and what the conversation has used", async () => {
  await using llm = await startLlmServer([answer("hi")]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer(), broken: { command: "/nonexistent/server" } }));
  const { screen, type, exitCode } = openTerminal(place);
  await screen.until("test/m1");
  await screen.until("broken: ");
  type("hi\r");
  await screen.until("hi");
  await screen.until(/test\/m1 · 1 server ready, 1 failed · \d+ tokens · context 1%/);
  type("/cost\r");
  await screen.until(/1 request: \d+ tokens in, \d+ out, cost unknown/);
  await screen.until("context 1%");
  type("/new\r");
  await screen.until("new conversation");
  await screen.until("1 failed\u001b");
  type(ctrlD);
  expect(await exitCode).toBe(0);
});

onTerminal("a terminal that cannot move its cursor gets a plain prompt and plain lines", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, type, exitCode } = openTerminal(place, { TERM: "dumb" });
  await screen.until("> ");
  type("one\\\ntwo\n");
  await screen.until(String.raw`told: "one\ntwo"`);
  await screen.until("> ");
  type("/exit\n");
  expect(await exitCode).toBe(0);
  expect(screen.text).not.toContain("\u001b");
});

onTerminal("a hangup restores the terminal's mode, if the terminal still exists", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, exitCode } = openTerminal(place, plain, "stty -a");
  await screen.until("> ");
  process.kill(Number(readFileSync(join(place.folder, "pid"), "utf8")), "SIGHUP");
  await exitCode;
  const [, settings = ""] = screen.text.split("speed ");
  expect(settings).toMatch(/(^|\s)icanon\s/);
  expect(screen.text).toContain("\u001b[?2004l");
});

onTerminal("Ctrl-Z changes nothing where no shell could continue the chat", async () => {
  await using llm = await parrot();
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { screen, type, exitCode } = openTerminal(place, plain);
  await screen.until("> ");
  type("\u001a");
  await screen.until("\u001b[?2004l");
  await screen.until("\u001b[?2004h");
  await screen.until("> ");
  type("hi\r");
  await screen.until('told: "hi"');
  await screen.until("> ");
  type(ctrlD);
  expect(await exitCode).toBe(0);
});
