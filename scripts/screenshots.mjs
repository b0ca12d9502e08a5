/**
 * Makes the pictures of README.md in docs/images: the page in Chromium, and the chat in a terminal. The host, the file server and the
 * terminal are real. The model is a mock on loopback with two prepared answers.
 *
 *   npm run build && node scripts/screenshots.mjs
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
  await pictureTerminal();
  await picturePage();
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

/** Starts the mock model, which first calls the tool that reads the file and then gives the prepared answer. */
async function startModel() {
  const server = createServer(async (request, response) => {
    if (request.method === "GET") return response.writeHead(404).end();
    const { messages } = JSON.parse(await text(request));
    const isAnswered = messages.at(-1).role === "tool";
    const call = {
      index: 0,
      id: "call_1",
      type: "function",
      function: { name: "files__read_text_file", arguments: JSON.stringify({ path: "release.md" }) },
    };
    const deltas = isAnswered ? answer.map((content) => ({ content })) : [{ tool_calls: [call] }];
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (choice, more) =>
      response.write(`data: ${JSON.stringify({ id: "c1", model: "qwen3:8b", choices: [choice], ...more })}\n\n`);
    for (const delta of deltas) send({ index: 0, delta, finish_reason: null });
    const usage = {
      prompt_tokens: isAnswered ? 1_804 : 1_652,
      completion_tokens: isAnswered ? 71 : 28,
      total_tokens: 0,
    };
    send({ index: 0, delta: {}, finish_reason: isAnswered ? "stop" : "tool_calls" }, { usage });
    response.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close().closeAllConnections() };
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

async function picturePage() {
  const child = spawn(process.execPath, [...host, "serve", "--port", "0", "--no-token"], { cwd: project, env });
  child.stderr.setEncoding("utf8");
  let said = "";
  while (!/http:\/\/\S+:\d+/.test(said)) said += await once(child.stderr, "data");
  const [url] = /http:\/\/[\d.]+:\d+/.exec(said);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 640 }, colorScheme: "light" });
  await page.goto(`${url}/#/chat`);
  await page.getByLabel("Message").fill(question);
  await page.getByLabel("Message").press("Enter");
  await page
    .getByRole("button", { name: /once|allow|yes/i })
    .first()
    .click();
  await page.getByText("load test", { exact: false }).last().waitFor();
  await page.screenshot({ path: "docs/images/page.png" });
  await browser.close();
  child.kill();
  await once(child, "close");
}
