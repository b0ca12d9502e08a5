import { appendFileSync, mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import picocolors from "picocolors";
import type { ChatHost } from "../../src/doors/terminal/options.js";
import { runRepl } from "../../src/doors/terminal/repl.js";
import type { App } from "../../src/index.js";
import { fixtureServer, script, startApp } from "../support/app.js";
import {
  answer,
  chunk,
  failure,
  type LlmRequest,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";
import { recording, until } from "../support/mcp-hub.js";
import { doorParts, interrupts, Sink, sayAndCall } from "./support.js";

const ctrlC = "\u0003";
const ctrlD = "\u0004";
const prompt = "> ";
const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

/** Opens the chat on a terminal of 60 columns. The test sends keys, and the screen is what the chat wrote. */
function open(
  app: App,
  {
    color = false,
    isTty = true,
    conversationId = "c",
    host = {} as ChatHost,
    first = undefined as string | undefined,
  } = {},
) {
  const keys = new PassThrough();
  const screen = new Sink(60);
  const clock = { now: 1_000_000 };
  const { onInterrupt } = interrupts();
  let notice: (line: string) => void = () => {};
  const terminal = {
    input: keys,
    output: screen,
    isTty,
    colors: picocolors.createColors(color),
    onInterrupt,
    onNotice: (listener: typeof notice) => {
      notice = listener;
      return () => {};
    },
  };
  const options = {
    toolNotifications: true,
    conversationId,
    notices: ["a notice"],
    streaming: true,
    host,
    prompt: first,
  };
  const exitCode = runRepl(
    doorParts(app, () => clock.now),
    options,
    terminal,
  );
  return {
    exitCode,
    clock,
    screen,
    notice: (line: string) => notice(line),
    type: (text: string) => void keys.write(text),
    end: () => void keys.end(),
    sees: (pattern: RegExp | string) => screen.until(pattern),
    /** Types a line at the next prompt. */
    async enter(line: string) {
      await screen.until(prompt);
      keys.write(`${line}\r`);
      await screen.until("\n");
    },
    async leave() {
      await screen.until(prompt);
      keys.write(ctrlD);
      return exitCode;
    },
  };
}

const stalled = () => stream([chunk({ content: "begun\n\nand" }), stall]);
const userText = ({ body }: LlmRequest) => JSON.stringify(body.messages?.at(-1)?.content);

describe("a chat on a terminal", () => {
  test("answers a first prompt that the command line gives, and stays open", async () => {
    await using llm = await startLlmServer([answer("Hello *you*"), answer("Bye")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app, { first: "hi" });
    await repl.sees("> hi\n");
    await repl.sees("Hello *you*\n");
    await repl.enter("bye");
    await repl.sees("Bye\n");
    expect(await repl.leave()).toBe(0);
    expect(llm.requests).toHaveLength(2);
  });

  test("greets, answers, and is left with Ctrl-D", async () => {
    await using llm = await startLlmServer([answer("Hello *you*")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.sees("a notice\n");
    await repl.sees(/model test\/m1 · servers: none · conversation c · \/help\s+shows/);
    await repl.enter("hi");
    await repl.sees("Hello *you*\n");
    expect(await repl.leave()).toBe(0);
    expect(userText(llm.requests[0] as LlmRequest)).toContain("hi");
  });

  test("shows Markdown rendered, and a status line below it, where there is colour", async () => {
    await using llm = await startLlmServer([answer("# Title\n\nSome *text*")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app, { color: true });
    await repl.enter("hi");
    await repl.sees("\u001b[1m\u001b[4mTitle\u001b[24m\u001b[22m\n");
    await repl.sees("Some \u001b[3mtext\u001b[23m\n");
    await repl.leave();
  });

  test("shows what runs while it runs, on a line that is wiped away", async () => {
    const count = { count: { ...script("tests/support/mcp-server.mjs", "{}") } };
    await using llm = await startLlmServer([
      toolCalls([{ name: "count__drip", arguments: { times: 3, everyMs: 600 } }]),
      answer("done"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: count });
    const repl = open(app, { color: true });
    await repl.enter("count");
    await repl.sees(/> count\.drip \{"times":3,"everyMs":600\}/);
    await repl.sees(/\r\p{Cc}\[J. count\.drip [123]\/3/u);
    await repl.sees(/\r\p{Cc}\[J\p{Cc}\[2m {2}count\.drip ok [\d.]+ m?s/u);
    await repl.sees("done\n");
    await repl.leave();
  });

  test("shows tool calls as they run, cut to the width, and their errors", async () => {
    await using llm = await startLlmServer([
      toolCalls([
        { name: "s__echo", arguments: { text: "x".repeat(100) } },
        { name: "s__nothing", arguments: {} },
      ]),
      answer("done"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const repl = open(app);
    await repl.enter("go");
    await repl.sees(`${`> s.echo {"text":"${"x".repeat(60)}`.slice(0, 59)}…\n> s__nothing {}\n`);
    await repl.sees(/ {2}s__nothing error: .+\n/);
    await repl.sees(/ {2}s\.echo ok [\d.]+ m?s\n\ndone\n/);
    await repl.leave();
  });

  test("says when a server is lost in a turn, and when it is back", async () => {
    let ready = () => false;
    const crash = toolCalls([{ name: "s__crash", arguments: {} }]);
    const afterwards: Step = (response, request) =>
      void until(() => ready()).then(() => answer("done")(response, request));
    await using llm = await startLlmServer([crash, afterwards]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    ready = () => app.hub.servers()[0]?.state === "ready";
    const repl = open(app);
    await repl.enter("go");
    await repl.sees("server s: the connection was lost: the server exited with code 7; it is being restarted\n");
    await repl.sees("server s: ready again\n");
    await repl.sees("done\n");
    await repl.leave();
  });

  test("keeps a line that is being typed below the output of the host", async () => {
    await using llm = await startLlmServer([stalled()]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.sees(prompt);
    repl.type("hal");
    repl.notice("fs: failed: \u001b[2Jnot found");
    await repl.sees("fs: failed: not found\n");
    await repl.sees(/> .*hal/u);
    repl.type("f\r");
    await repl.sees("begun");
    repl.notice("fs: ready");
    await repl.sees("and\nfs: ready\n");
    repl.type(ctrlC);
    await repl.leave();
    expect(userText(llm.requests[0] as LlmRequest)).toContain('"half"');
  });

  test("says what failed and goes on", async () => {
    await using llm = await startLlmServer([failure(401), answer("better")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.enter("hi");
    await repl.sees(/error: .+\nhint: .+\n/);
    await repl.enter("again");
    await repl.sees("better\n");
    await repl.leave();
  });

  test("takes lines typed while a turn runs, without echo, one after the other", async () => {
    await using llm = await startLlmServer((request) =>
      userText(request).includes("first") ? stalled() : answer(userText(request)),
    );
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.enter("first");
    await repl.sees("begun");
    repl.type("second\rthird\runfinished");
    repl.type(ctrlC);
    await repl.sees("cancelled\n");
    await repl.sees(/> second\n"second"\n\n> third\n"third"\n/);
    await repl.sees(/> .*unfinished/u);
    repl.type("\r");
    await repl.sees('"unfinished"');
    await repl.leave();
    expect(repl.screen.text).not.toMatch(/begun[^>]*second[^>]*cancelling/);
  });

  test("answers every line that was piped in, without prompt or colour", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app, { isTty: false });
    repl.type("a\nb\n");
    repl.end();
    expect(await repl.exitCode).toBe(0);
    expect(repl.screen.text).toContain("\none\n\ntwo\n");
    expect(repl.screen.text).not.toContain(prompt);
    expect(repl.screen.text).not.toContain("\u001b");
  });
});

describe("Ctrl-C", () => {
  test("cancels the turn and says so; the second one leaves with 130", async () => {
    await using llm = await startLlmServer([stalled()]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.enter("hi");
    await repl.sees("begun");
    repl.type(ctrlC);
    await repl.sees("cancelling; Ctrl-C again leaves\n");
    await repl.sees("cancelled\n");
    await repl.sees(prompt);
    repl.type(ctrlC);
    expect(await repl.exitCode).toBe(130);
  });

  test("twice at once leaves with 130 while the turn winds down", async () => {
    await using llm = await startLlmServer([stalled()]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.enter("hi");
    await repl.sees("begun");
    repl.type(ctrlC + ctrlC);
    expect(await repl.exitCode).toBe(130);
  });

  test("counts as the first again after a cancelled turn once something else was asked", async () => {
    await using llm = await startLlmServer([stalled(), answer("fine")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.enter("hi");
    await repl.sees("begun");
    repl.type(ctrlC);
    await repl.sees("cancelled\n");
    await repl.enter("more");
    await repl.sees("fine\n");
    await repl.sees(prompt);
    repl.type(ctrlC);
    await repl.sees("press Ctrl-C again to leave\n");
    expect(await repl.leave()).toBe(0);
  });

  test("exits at an empty prompt only when pressed again within two seconds", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.sees(prompt);
    repl.type(ctrlC);
    await repl.sees("press Ctrl-C again to leave\n");
    repl.clock.now += 2001;
    repl.type(ctrlC);
    await repl.sees("press Ctrl-C again to leave\n");
    repl.clock.now += 1999;
    repl.type(ctrlC);
    expect(await repl.exitCode).toBe(130);
  });

  test("drops a line that is being typed", async () => {
    await using llm = await startLlmServer([answer("ok")]);
    await using app = await startApp({ llm: llm.url });
    const repl = open(app);
    await repl.sees(prompt);
    repl.type(`never sent${ctrlC}`);
    await repl.enter("sent");
    await repl.sees("ok\n");
    await repl.leave();
    expect(userText(llm.requests[0] as LlmRequest)).toContain('"sent"');
  });
});

describe("a question", () => {
  async function decide(app: App, ...answers: string[]) {
    const repl = open(app);
    await repl.enter("go");
    for (const text of answers) {
      await repl.sees(choices);
      repl.type(text);
    }
    return repl;
  }
  const choices =
    "y = once, n = no, r = no and why, x = never, e = edit\nevery s.echo: s = this session, p = this folder, a = always\nrun s.echo? ";
  const twice = () => [
    sayAndCall("", "s__echo", { n: 1 }),
    answer("first done"),
    sayAndCall("", "s__echo"),
    answer("second done"),
  ];
  const hostOf = (llm: { url: string }) => startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });

  test("shows the whole call and is asked again for the next one after y", async () => {
    await using llm = await startLlmServer(twice());
    await using app = await hostOf(llm);
    const repl = await decide(app, "y\r");
    expect(repl.screen.text).toContain('s.echo is not known to be read-only\n{"n":1}\n');
    await repl.sees("first done\n");
    await repl.enter("go");
    await repl.sees("run s.echo? ");
    repl.type("n\r");
    await repl.sees("error: not run: the user did not allow s__echo");
    await repl.leave();
  });

  function three() {
    const calls = [1, 2, 3].map((n) => ({ name: "s__echo", arguments: { n }, id: `c${n}` }));
    return startLlmServer([toolCalls(calls), answer("all done")]);
  }

  test.each([
    ["y", "allows all of several calls", /"n\\":1.*"n\\":2.*"n\\":3/],
    ["n", "allows none of several calls", /(did not allow s__echo\W.*){3}/],
    ["r", "says to the model why none of them may run", /(did not allow s__echo: too many.*){3}/],
  ])("%p in the list %s", async (key, _, expected) => {
    await using llm = await three();
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.enter("go");
    await repl.sees('{"n":1}\ns.echo is not known to be read-only\n{"n":2}\n');
    await repl.sees("run all 3 calls? ");
    repl.type(key);
    if (key === "r") {
      await repl.sees("The model reads it: ");
      repl.type("too many\r");
    }
    await repl.sees("all done\n");
    await repl.leave();
    expect(JSON.stringify(llm.requests[1]?.body.messages?.slice(-3))).toMatch(expected);
  });

  test("about each of several calls is asked by itself after e; a no to one does not stop the others", async () => {
    await using llm = await three();
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.enter("go");
    await repl.sees("run all 3 calls? ");
    repl.type("e");
    for (const [n, key] of ["y", "n", "y"].entries()) {
      await repl.sees(`{"n":${n + 1}}\ny = once`);
      await repl.sees("run s.echo? ");
      repl.type(key);
    }
    await repl.sees("all done\n");
    await repl.leave();
    const text = JSON.stringify(llm.requests[1]);
    const parts = ["did not allow s__echo", '{\\"n\\":1}', '{\\"n\\":3}'];
    expect(parts.filter((part) => !text.includes(part))).toEqual([]);
  });

  test("takes a reason that the model reads, and arguments that the person has changed", async () => {
    await using llm = await startLlmServer(twice());
    await using app = await hostOf(llm);
    const repl = await decide(app, "r");
    await repl.sees("why not? The model reads it: ");
    repl.type("ask Ann first\r");
    await repl.sees("first done\n");
    expect(JSON.stringify(llm.requests[1])).toContain("did not allow s__echo: ask Ann first");
    await repl.enter("go");
    await repl.sees("run s.echo? ");
    repl.type("e");
    await repl.sees("arguments: {}");
    repl.type("\u007f\r");
    await repl.sees("this is not JSON");
    repl.type('\u0015{"n":7}\r');
    await repl.sees("second done\n");
    expect(JSON.stringify(llm.requests[3])).toContain('{\\"n\\":7}');
    await repl.leave();
  });

  test("shows an edit of a file as a diff", async () => {
    const second = { oldText: "\tx", newText: "    x" };
    const edit = { path: "a.txt", edits: [{ oldText: "one\ntwo", newText: "one\nthree" }, second] };
    await using llm = await startLlmServer([sayAndCall("", "s__echo", edit), answer("done")]);
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.enter("go");
    await repl.sees('{"path":"a.txt"}\n  one\n- two\n+ three\n\n- →   x\n+     x\ny = once');
    repl.type("y");
    await repl.sees("done\n");
    await repl.leave();
  });

  test("is not answered by a letter that belongs to a line being typed", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done"), answer("next done")]);
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.sees(prompt);
    repl.type("go\rnot ");
    await repl.sees("run s.echo? ");
    repl.type("y");
    await repl.sees("y");
    expect(llm.requests).toHaveLength(1);
    repl.type("\r");
    await repl.sees("done\n");
    repl.type("now\r");
    await repl.sees("next done\n");
    await repl.leave();
    expect(userText(llm.requests[2] as LlmRequest)).toContain('"not now"');
  });

  test("shows what is sent: the parsed arguments, what cannot be seen of them, and both ends of long ones, then all on request", async () => {
    const long = { n: 1, text: `${"a".repeat(3000)}${"b".repeat(3000)}`, last: "rm-rf~" };
    const hidden = '{ "n" : 1, "path":"\\u002fetc", "text":"a\u202eb\u0085" }';
    const calls = [hidden, JSON.stringify(long)].map((text, index) => ({
      name: "s__echo",
      arguments: text,
      id: `c${index}`,
    }));
    await using llm = await startLlmServer([toolCalls(calls.slice(0, 1)), toolCalls(calls.slice(1)), answer("done")]);
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.enter("go");
    await repl.sees('{"n":1,"path":"/etc","text":"a\\u202eb\\u0085"}\ny = once');
    repl.type("n\r");
    await repl.sees("aaa\n… 2033 characters are not shown here …\nbbb");
    await repl.sees('"last":"rm-rf~"}\nv = view all\ny = once');
    repl.type("v\r");
    await repl.sees("aaabbb");
    await repl.sees('"last":"rm-rf~"}\ny = once');
    repl.type("n\r");
    await repl.sees("done\n");
    await repl.leave();
  });

  test("is not asked again in this session after s", async () => {
    await using llm = await startLlmServer(twice());
    await using app = await hostOf(llm);
    const repl = await decide(app, "s\r");
    await repl.enter("go");
    await repl.sees(/s\.echo ok[\s\S]*second done\n/);
    await repl.leave();
  });

  test("offers no lasting yes where a rule asks each time, and shows what a trusted server says of the tool", async () => {
    await using llm = await startLlmServer(twice());
    const tool = { name: "echo", inputSchema: { type: "object" }, annotations: { idempotentHint: true } };
    const service = { approval: "ask", permissions: { ask: ["s.*"] } };
    await using app = await startApp({
      llm: llm.url,
      mcpServers: { s: fixtureServer({ pages: [[tool]] }, { trusted: true }) },
      config: { chat: { service, storage: { driver: "memory" } } },
    });
    const repl = open(app);
    await repl.enter("go");
    await repl.sees(
      'by the rule s.*\nidempotent, destructive, open-world\n{"n":1}\ny = once, n = no, r = no and why, x = never, e = edit\nrun s.echo? ',
    );
    repl.type("a\r");
    await repl.sees("run s.echo? ");
    repl.type("y\r");
    await repl.sees("first done\n");
    await repl.enter("go");
    await repl.sees("run s.echo? ");
    repl.type("x");
    await repl.sees("error: not run: the user did not allow s__echo");
    await repl.leave();
  });

  test("is asked until it is answered, and never answered by earlier typing", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done"), answer("done too")]);
    await using app = await hostOf(llm);
    const repl = open(app);
    await repl.sees(prompt);
    repl.type("go\ry\r");
    await repl.sees("run s.echo? ");
    repl.type("what?\r");
    await repl.sees("run s.echo? ");
    repl.type("n\r");
    await repl.sees(/error: not run/);
    await repl.sees("> y\n");
    await repl.sees("done too\n");
    await repl.leave();
  });

  test("is over when Ctrl-C cancels its turn", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo")]);
    await using app = await hostOf(llm);
    const repl = await decide(app, ctrlC);
    await repl.sees("cancelled\n");
    expect(await repl.leave()).toBe(0);
  });

  test.each(["regret", "abandon"])("is over when its server no longer waits for the form: %s", async (name) => {
    using record = recording();
    const fields = { name: { type: "string" }, city: { type: "string" } };
    const params = { message: "who?", requestedSchema: { type: "object", properties: fields } };
    const call = toolCalls([{ name: `s__${name}`, arguments: { method: "elicitation/create", params } }]);
    await using llm = await startLlmServer([call, answer("done"), answer("next done")]);
    const s = fixtureServer({ record: record.path, pages: [[{ name, inputSchema: { type: "object" } }]] });
    await using app = await startApp({ llm: llm.url, mcpServers: { s } });
    const repl = open(app);
    await repl.enter("go");
    await repl.sees("s, name: ");
    repl.type("Ann\r");
    await repl.sees("s, city: ");
    repl.type("Os");
    await repl.sees("Os");
    appendFileSync(record.path, "arrived\n");
    await repl.sees("the question is over: the server no longer waits for it\n");
    await repl.sees("done\n");
    await repl.sees(/> .*Os/u);
    repl.type("lo\r"); // meant for the form
    await repl.sees("Enter sends this line as a message now");
    repl.type("\r");
    await repl.sees("lo\n");
    await repl.sees("next done\n");
    await repl.leave();
    expect(llm.requests).toHaveLength(3);
    expect(userText(llm.requests[2] as LlmRequest)).toContain('"Oslo"');
  });

  test.each([true, false])("is over when it is answered elsewhere, on a terminal: %s", async (isTty) => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done"), answer("next done")]);
    await using app = await hostOf(llm);
    const repl = open(app, { isTty });
    const session = app.sessions.open("c");
    const question = new Promise<string>((resolve) =>
      session.turns.listen((event) => event.type === "question" && resolve(event.questionId)),
    );
    const enter = isTty ? "\r" : "\n";
    repl.type(`go${enter}`);
    await repl.sees("run s.echo? ");
    expect(await app.sessions.answer("c", await question, true)).toBe(true);
    await repl.sees("answered elsewhere\n");
    await repl.sees("s.echo ok");
    await repl.sees("done\n");
    if (!isTty) {
      repl.type(`n${enter}`);
      await repl.sees("This line was not sent, because it may have been meant for the question that is over.");
    }
    repl.type(`more${enter}`);
    await repl.sees("next done\n");
    repl.end();
    expect(await repl.exitCode).toBe(0);
    expect(userText(llm.requests[2] as LlmRequest)).toContain('"more"');
  });

  test("leaves nothing in the next line if it ends while its arguments are offered for a change", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo", { n: 1 }), answer("done"), answer("next done")]);
    await using app = await hostOf(llm);
    const session = app.sessions.open("c");
    const question = new Promise<string>((resolve) =>
      session.turns.listen((event) => event.type === "question" && resolve(event.questionId)),
    );
    const repl = await decide(app, "e");
    await repl.sees('arguments: {"n":1}');
    expect(await app.sessions.answer("c", await question, true)).toBe(true);
    await repl.sees("done\n");
    await repl.enter("more");
    await repl.sees("next done\n");
    await repl.leave();
    expect(userText(llm.requests[2] as LlmRequest)).toContain('"more"');
  });

  test("is denied when the terminal goes away", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("done")]);
    await using app = await hostOf(llm);
    const repl = await decide(app, ctrlD);
    await repl.sees("error: not run");
    expect(await repl.exitCode).toBe(0);
  });
});

describe("slash commands", () => {
  test("show, choose, clear and leave", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { demo: script("dist/demo/mcp-server.js") } });
    await app.ready();
    const repl = open(app);
    await repl.enter("/tools");
    await repl.sees(/demo\.add +Adds two numbers\.\n/);
    await repl.enter("/model m2");
    await repl.sees("model test/m2\n");
    await repl.enter('/prompt demo__summarize topic="two words"');
    await repl.sees("a\n");
    await repl.enter("/clear");
    await repl.sees("new conversation conv_");
    await repl.enter("/resource demo://readme");
    await repl.sees("This is the MCP server that comes with MCP-Platform.");
    await repl.enter("hi");
    await repl.sees("b\n");
    await repl.enter("/history");
    await repl.sees("you: hi\nassistant: b\n");
    await repl.enter("/serers");
    await repl.sees("error: there is no command /serers\nhint: did you mean /servers?\n");
    await repl.enter("/exit");
    expect(await repl.exitCode).toBe(0);
    expect(llm.requests.map(({ body }) => body.model)).toEqual(["m2", "m2"]);
    expect(userText(llm.requests[0] as LlmRequest)).toContain("two words");
    expect(llm.requests[1]?.body.messages).toHaveLength(2);
  });
});

describe("about conversations", () => {
  test("shows the last call whole, what was used, and the rules; exports to a new file; continues with another one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "repl-"));
    const long = "x".repeat(100);
    await using llm = await startLlmServer([
      sayAndCall("", "s__echo", { text: long }),
      answer("done"),
      answer("other"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const repl = open(app, { host: { folder, permissions: () => "deny  s.\u001b[2J*" } });
    await repl.enter("/last");
    await repl.sees("no tool was called yet\n");
    await repl.enter("go");
    await repl.sees("done\n");
    await repl.enter("/last");
    await repl.sees(`> s__echo\n{\n  "text": "${long}"\n}\nok\n`);
    await repl.enter("/cost");
    await repl.sees(/2 requests: \d+ tokens in, \d+ out, cost unknown\n/);
    await repl.enter("/permissions");
    await repl.sees("deny  s.*\n");
    await repl.enter("/export chat.md");
    await repl.sees("written to chat.md\n");
    expect(readFileSync(join(folder, "chat.md"), "utf8")).toContain("done");
    await repl.enter("/export chat.md");
    await repl.sees("error: nothing was written: ");
    await repl.enter("/export chat.pdf");
    await repl.sees("error: the name must end with one of .md, .json, .html");
    await repl.enter("/new");
    await repl.sees("new conversation conv_");
    await repl.enter("hi");
    await repl.sees("other\n");
    await repl.enter("/resume");
    await repl.sees(/^c .* 1 turn .*go$/m);
    await repl.enter("/resume nothing");
    await repl.sees("error: there is no conversation nothing");
    await repl.enter("/resume c");
    await repl.sees("conversation c goes on");
    await repl.enter("/history");
    await repl.sees("assistant: done");
    expect(await repl.leave()).toBe(0);
    await rm(folder, { recursive: true });
  });
});

test("a resumed chat continues the turn that its host died in, and names other unfinished conversations", async () => {
  const folder = mkdtempSync(join(tmpdir(), "repl-"));
  const storage = { driver: "sqlite", path: join(folder, "log.db") };
  await using llm = await startLlmServer(({ body }) =>
    llm.requests.length > 2 ? answer(JSON.stringify(body.messages?.at(-1)?.content)) : stalled(),
  );
  const died = await startApp({ llm: llm.url, storage });
  for (const id of ["c", "d"])
    await died.sessions.open(id).submit({ requestId: "r", text: `to ${id}`, streaming: true });
  await llm.received(2);
  await died.drain(0);
  await using app = await startApp({ llm: llm.url, storage, recover: false });
  const chat = open(app);
  await chat.sees("an unfinished turn continues");
  await chat.sees("to c");
  await chat.sees("conversation d has an unfinished turn; chat -r d");
  expect(await chat.leave()).toBe(0);
  await rm(folder, { recursive: true });
});

test("a chat that is resumed does not ask again what was answered before its host died", async () => {
  const folder = mkdtempSync(join(tmpdir(), "repl-"));
  const storage = { driver: "sqlite", path: join(folder, "log.db") };
  const host = {
    mcpServers: { s: fixtureServer() },
    config: { chat: { service: { approval: "ask" }, storage } },
  };
  await using llm = await startLlmServer([sayAndCall("", "s__echo"), stalled(), answer("done")]);
  const died = await startApp({ llm: llm.url, ...host });
  const session = died.sessions.open("c");
  const turn = await session.submit({ requestId: "r", text: "hi", streaming: true });
  session.turns.listen((event) => event.type === "question" && session.answer(event.questionId, true));
  await llm.received(2);
  await died.drain(0);
  expect(turn.closing).toBe("parked");
  await using app = await startApp({ llm: llm.url, recover: false, ...host });
  const chat = open(app);
  await chat.sees("an unfinished turn continues");
  await chat.sees("done\n");
  expect(chat.screen.text).not.toContain("run s.echo?");
  expect(await chat.leave()).toBe(0);
  await rm(folder, { recursive: true });
});
