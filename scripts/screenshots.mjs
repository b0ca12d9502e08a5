/**
 * Makes the pictures of README.md and docs in docs/images: the page in Chromium, and the chat in a terminal. With a folder, makes pictures of
 * every view of the page instead, in light and dark, 360, 800 and 1,440 pixels wide. The host, the servers and the terminal are real. The
 * model is a mock on loopback with prepared answers.
 *
 *   npm run build && node scripts/screenshots.mjs [FOLDER]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";
import { Screen } from "./terminal-picture.mjs";

const columns = 88;
const rows = 30;
const question = "What is still open before the release?";
const answer = [
  "**Three things** are open:\n\n",
  "1. The changelog has no entry for `1.1`.\n",
  "2. The load test with *200 users* has not run.\n",
  "3. Ann still has to sign off the new page.\n\n",
  "The first one takes minutes; I would start with the load test.",
];
const notes = `# Release 1.1
- [x] translations
- [ ] changelog
- [ ] load test, 200 users
- [ ] Ann: sign off the page
`;

/** An answer with all that an answer may have. */
const report = `Here is the plan for the launch.

## Load

The queue is stable while $\\rho = \\lambda / \\mu < 1$; with 200 users the mean wait is

$$W = \\frac{1}{\\mu - \\lambda} = \\frac{1}{40 - 32} = 125\\,\\text{ms}$$

| step | owner | hours | state |
|---|---|---:|---|
| changelog | Ben | 1 | open |
| load test | Cleo | 4 | open |
| sign-off | Ann | 0.5 | waits |

\`\`\`ts
/** Returns the mean wait in ms. */
export function meanWait(arrivals: number, served: number): number {
  if (arrivals >= served) throw new RangeError("the queue grows without end");
  return 1_000 / (served - arrivals); // M/M/1
}
\`\`\`

- [x] translations
- [ ] changelog

The figures are from the last run.[^1]

[^1]: release.md, written yesterday.
`;
const edits = [
  { path: "release.md", edits: [{ oldText: "- [ ] changelog", newText: "- [x] changelog" }] },
  { path: "release.md", edits: [{ oldText: "- [ ] load test, 200 users", newText: "- [x] load test, 200 users" }] },
];
const [views] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-pictures-"));
const home = join(folder, "home");
const project = join(folder, "project");
mkdirSync(home);
mkdirSync(project);
writeFileSync(join(project, "release.md"), notes);
const model = await startModel();
writeFileSync(join(project, "config.yaml"), JSON.stringify(configuration(model.url)));
const host = [resolve("dist/main.js"), "--config", "config.yaml"];
const env = { PATH: process.env.PATH, HOME: home, TERM: "xterm-256color", LANG: "C.UTF-8" };
try {
  if (views) {
    mkdirSync(views, { recursive: true });
    await pictureViews();
  } else {
    await pictureTerminal();
    await picturePage();
  }
} finally {
  model.close();
  rmSync(folder, { recursive: true });
}

function configuration(url) {
  const files = resolve("node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
  return {
    llm: { active: "ollama", providers: { ollama: { base_url: url, model: "qwen3:8b", context_window: 32_768 } } },
    mcpServers: { files: { command: process.execPath, args: [files, project], cwd: project } },
    chat: { titles: "first-words" },
    logging: { level: "error" },
  };
}

/** Starts the mock model. A question is answered at once, by calls that need an approval, or after the tool that reads the file. */
async function startModel() {
  const server = createServer(async (request, response) => {
    if (request.method === "GET") return response.writeHead(404).end();
    const { messages } = JSON.parse(await text(request));
    const isAnswered = messages.at(-1).role === "tool";
    const asked = String(messages.findLast(({ role }) => role === "user")?.content);
    const calls = asked.includes("Tick off")
      ? edits.map((edit) => ["files__edit_file", edit])
      : [["files__read_text_file", { path: "release.md" }]];
    const deltas = asked.includes("plan")
      ? [{ reasoning_content: "The plan needs the load, the owners and the code." }, { content: report }]
      : isAnswered
        ? answer.map((content) => ({ content }))
        : [{ tool_calls: calls.map(([name, args], index) => callOf(index, name, args)) }];
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (choice, more) =>
      response.write(`data: ${JSON.stringify({ id: "c1", model: "qwen3:8b", choices: [choice], ...more })}\n\n`);
    for (const delta of deltas) send({ index: 0, delta, finish_reason: null });
    const usage = {
      prompt_tokens: isAnswered ? 1_804 : 1_652,
      completion_tokens: isAnswered ? 71 : 28,
      total_tokens: 0,
    };
    send({ index: 0, delta: {}, finish_reason: deltas.at(-1).tool_calls ? "tool_calls" : "stop" }, { usage });
    response.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close().closeAllConnections() };
}

function callOf(index, name, args) {
  return { index, id: `call_${index}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

async function pictureTerminal() {
  const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const command = `stty cols ${columns} rows ${rows}; exec ${process.execPath} ${host.join(" ")}`;
  const child = spawn("python3", ["-c", python, "sh", "-c", command], { cwd: project, env });
  const screen = new Screen(columns, rows);
  child.stdout.setEncoding("utf8");
  const shows = async (words) => {
    while (!screen.text().includes(words)) {
      const [chunk] = await once(child.stdout, "data");
      screen.write(chunk);
    }
  };
  await shows("> ");
  child.stdin.write(`${question}\r`);
  await shows("read_text_file? ");
  child.stdin.write("y\r");
  await shows("load test.");
  await shows("context");
  writeFileSync("docs/images/terminal.svg", screen.svg("mcp-platform"));
  child.stdin.write("\u0004");
  await once(child, "close");
}

function picturePage() {
  return withPage({ viewport: { width: 1280, height: 640 }, colorScheme: "light" }, async (page) => {
    await readNotes(page);
    await page.screenshot({ path: "docs/images/page.png" });
  });
}

async function pictureViews() {
  for (const width of [360, 800, 1440]) {
    for (const colorScheme of ["light", "dark"]) {
      await withPage({ viewport: { width, height: width === 360 ? 740 : 900 }, colorScheme }, pictureEach);
    }
  }
}

async function pictureEach(page, { viewport, colorScheme }) {
  const picture = async (name) => {
    await page.waitForTimeout(300); // transitions end
    await page.screenshot({ path: join(views, `${name}-${viewport.width}-${colorScheme}.png`) });
  };
  await page.locator(".chip").first().waitFor();
  await picture("start");
  await readNotes(page);
  await picture("tool");
  await say(page, "Write the plan for the launch");
  await page.locator(".note-text").waitFor();
  await page.locator(".hljs-keyword").first().waitFor();
  await picture("answer");
  await say(page, "Tick off what is done");
  await page.getByRole("button", { name: "Allow all" }).waitFor();
  await picture("approvals");
  await page.getByRole("button", { name: "Deny" }).first().click();
  await page.getByRole("button", { name: "Deny" }).first().click();
  await page.getByText("load test.").last().waitFor();
  await page.getByRole("button", { name: "This turn" }).click();
  await picture("turn");
  await page.getByRole("button", { name: "This turn" }).click();
  await page.evaluate(`location.hash = location.hash.replace("chat", "trace")`);
  await page.locator(".trace-turn").first().waitFor();
  await picture("trace");
  await visit(page, "servers", page.getByText("files").last());
  await picture("servers");
  await page.getByText("tools").last().click();
  await page.getByRole("button", { name: "Try tool" }).or(page.getByText("read_text_file")).first().waitFor();
  await picture("tools");
  await visit(page, "servers/add", page.getByRole("textbox").last());
  await picture("add-server");
  await visit(page, "usage", page.getByText("tokens").first());
  await picture("usage");
  await visit(page, "settings", page.getByRole("button", { name: "Sign out" }).or(page.getByText("Theme")).first());
  await picture("settings");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await picture("palette");
  await page.keyboard.press("Escape");
  const sidebar = page.getByRole("button", { name: "Show the sidebar" });
  if (await sidebar.isVisible()) {
    await sidebar.click();
    await picture("sidebar");
  }
}

async function visit(page, path, shown) {
  await page.evaluate(`location.hash = "#/${path}"`);
  await shown.waitFor();
}

async function say(page, words) {
  await page.getByLabel("Message", { exact: true }).fill(words);
  await page.keyboard.press("Enter");
}

/** Asks the question whose answer needs the file, and allows the call. */
async function readNotes(page) {
  await say(page, question);
  await page.getByRole("button", { name: "Allow once" }).first().click();
  await page.getByText("load test.").last().waitFor();
}

/** Starts `serve` and a browser, and ends both when the work with the page is done. */
async function withPage(options, work) {
  const child = spawn(process.execPath, [...host, "serve", "--port", "0", "--no-token"], { cwd: project, env });
  child.stderr.setEncoding("utf8");
  let said = "";
  while (!/http:\/\/\S+:\d+/.test(said)) said += await once(child.stderr, "data");
  const [url] = /http:\/\/[\d.]+:\d+/.exec(said);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  try {
    const page = await browser.newPage(options);
    await page.goto(`${url}/#/chat`);
    await work(page, options);
  } finally {
    await browser.close();
    child.kill();
    await once(child, "close");
  }
}
