/**
 * Measures the page of a real `serve` in Chromium: the bytes of the first view and the time until the message field can be used, with 1,000
 * conversations in the log; frames while an answer of 5,000 deltas is written; typing below 500 heavy turns that are all loaded; and the
 * time to the last turn of a conversation of 100, 1,000 and 10,000 turns of 6 KB.
 *
 * The model and the host run on the same machine and share its processors. So the longest task of the page is also measured in processor
 * time, which other processes do not lengthen. A figure over its limit fails the run; times by the clock fail only on a machine that has
 * nothing else to do.
 *
 *   npm run build && node scripts/bench/page.mjs
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { openStore } from "../../dist/log/open.js";
import { appendTurns } from "./long-log.mjs";

const deltas = 5_000;
const conversations = 1_000;
const heavyTurns = 500;
const lengths = [100, 1_000, 10_000];
const runs = 5;

const mostBytes = 75_000;
const mostUsableMs = 800;
const mostTaskMs = 100;
const mostFrameMs = 50;
const mostTypingMs = 33;
/** Most times that a long conversation may take as long as a short one to be shown. */
const mostGrowth = 1.5;

const words = [
  "some ",
  "words ",
  "with **weight**, ",
  "`code` ",
  "and more of them.\n\n",
  "- an item\n",
  "- another\n\n",
];
const block = ["\n```js\n", ..."const x = 1;\nconsole.log(x);\n".repeat(40).match(/.{1,6}|\n/gs), "```\n\n"];

/** Yields the pieces of the model's answer: paragraphs and lists, and now and then a long block of code. */
function* pieces() {
  for (let sent = 0; sent < deltas; sent++) {
    const place = sent % 1_000;
    yield place < 700 ? words[place % words.length] : (block[place - 700] ?? "more ");
  }
}

/** A turn with code in colours, a table, a formula and lists, 3 KB. */
const heavy = [
  "## A heading\n\nSome **words** with `code`, a formula $e^{i\\pi} + 1 = 0$ and a footnote.\n",
  `| name | value | note |\n|---|---|---|\n${"| one | 1 | the first of them |\n".repeat(12)}`,
  `\`\`\`ts\n${"const answer: number = values.map((each) => each * 2).length; // counts\n".repeat(20)}\`\`\`\n`,
  "- an item\n".repeat(20),
].join("\n");

const model = createServer(async (incoming, response) => {
  if (incoming.method === "GET") return response.writeHead(404).end();
  const { messages } = JSON.parse(await text(incoming));
  const send = (delta, finish_reason = null) =>
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  for (const content of messages.at(-1).content === "write much" ? pieces() : ["fine"]) {
    send({ content });
    if (++sent % 10 === 0) await sleep(4);
  }
  send({}, "stop");
  response.end("data: [DONE]\n\n");
});
await once(model.listen(0, "127.0.0.1"), "listening");

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-page-"));
const path = join(folder, "log.db");
const store = await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
for (let each = 0; each < conversations; each++) await appendTurns(store, `c${each}`, 1, { chars: 0 });
for (const length of lengths) await appendTurns(store, `long-${length}`, length);
await appendTurns(store, "heavy", heavyTurns, { filling: heavy });
await store.close();
const config = {
  llm: {
    active: "bench",
    providers: { bench: { base_url: `http://127.0.0.1:${model.address().port}/v1`, model: "m" } },
  },
  chat: { storage: { path }, titles: "first-words" },
};
writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
const host = spawn(
  process.execPath,
  [resolve("dist/main.js"), "--config", "config.yaml", "serve", "--port", "0", "--no-token"],
  {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", "ignore", "pipe"],
  },
);
const url = await printedUrl(host.stderr);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const isIdle = loadavg()[0] < availableParallelism();
try {
  const first = await firstView();
  const long = await longAnswer();
  const typing = await typingMs();
  const shown = [];
  for (const length of lengths) shown.push(await shownAfterMs(length));
  process.stdout.write(
    `first view: ${first.bytes} bytes, usable in ${Math.round(first.usableMs)} ms (median of ${runs}; ${conversations} conversations)\n` +
      `${deltas} deltas: frames p99 ${Math.round(long.p99)} ms, longest ${Math.round(long.longest)} ms; longest task ${Math.round(long.taskMs)} ms of processor time\n` +
      `typing below ${heavyTurns} heavy turns: p95 ${Math.round(typing)} ms to the next frame\n` +
      `last turn shown: ${lengths.map((length, index) => `${length} turns ${Math.round(shown[index])} ms`).join(", ")}\n`,
  );
  const isSlow = first.usableMs > mostUsableMs || long.p99 > mostFrameMs || typing > mostTypingMs;
  if (first.bytes > mostBytes || long.taskMs > mostTaskMs || shown.at(-1) > mostGrowth * shown[0] || (isIdle && isSlow))
    process.exitCode = 1;
} finally {
  await browser.close();
  host.kill();
  model.close();
  model.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}

/** Resolves with the address that the host prints. */
async function printedUrl(output) {
  let printed = "";
  for await (const chunk of output.setEncoding("utf8")) {
    printed += chunk;
    const found = /http:\/\/[\d.]+:\d+/.exec(printed);
    if (found) return found[0];
  }
  throw new Error(`the host ended: ${printed}`);
}

function openPage() {
  return browser.newPage({ viewport: { width: 1280, height: 800 } });
}

/** Returns the bytes that a new browser loads and the time in ms until the message field has the focus. */
async function firstView() {
  const times = [];
  let bytes = 0;
  for (let run = 0; run < runs; run++) {
    const page = await openPage();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    const beganAt = performance.now();
    await page.goto(`${url}/#/chat`);
    await page.waitForFunction("document.activeElement?.id === 'message'");
    times.push(performance.now() - beganAt);
    await page.getByRole("navigation", { name: "Conversations" }).getByRole("link").first().waitFor();
    await page.close();
  }
  return { bytes, usableMs: median(times) };
}

/** Measures the frames while an answer of many deltas is written. */
async function longAnswer() {
  const page = await openPage();
  await page.goto(`${url}/#/chat`);
  await page.evaluate(() => {
    const gaps = [];
    let last = performance.now();
    const look = (now) => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(window, { gaps });
  });
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] });
  await page.getByLabel("Message").fill("write much");
  await page.getByLabel("Message").press("Enter");
  await page.getByRole("button", { name: "Fork from here" }).last().waitFor({ state: "attached", timeout: 120_000 });
  const taskMs = longestTaskMs(JSON.parse((await browser.stopTracing()).toString()));
  const gaps = await page.evaluate("gaps");
  await page.close();
  return { p99: percentile(gaps, 0.99), longest: Math.max(...gaps), taskMs };
}

/** Returns the 95th percentile of the time in ms from a key to the frame that shows its letter, below many heavy turns. */
async function typingMs() {
  const page = await openPage();
  await page.goto(`${url}/#/chat/heavy`);
  await page.getByText(`answer ${heavyTurns}`, { exact: true }).waitFor();
  await page.keyboard.press("Control+f"); // loads all earlier turns
  await page.getByText("answer 1", { exact: true }).waitFor({ state: "attached", timeout: 120_000 });
  await page.evaluate(() => {
    const times = [];
    Object.assign(window, { times });
    addEventListener("keydown", ({ timeStamp }) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => times.push(performance.now() - timeStamp); // after the frame is painted
        port2.postMessage(null);
      }),
    );
  });
  await page.getByLabel("Message").focus();
  for (const letter of "a message that a person types below a long conversation, letter by letter, ".repeat(2)) {
    await page.keyboard.press(letter);
    await sleep(20);
  }
  const times = await page.evaluate("times");
  await page.close();
  return percentile(times, 0.95);
}

/** Returns the time in ms from the opening of a conversation in a new tab to its last turn, as a median. */
async function shownAfterMs(length) {
  const times = [];
  for (let run = 0; run < runs; run++) {
    const page = await openPage();
    const beganAt = performance.now();
    await page.goto(`${url}/#/chat/long-${length}`);
    await page.getByText(`answer ${length}`, { exact: true }).waitFor({ timeout: 120_000 });
    times.push(performance.now() - beganAt);
    await page.close();
  }
  return median(times);
}

function median(values) {
  return percentile(values, 0.5);
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)];
}

/** Returns the processor time in ms of the longest task on the page's main thread, from a trace of Chromium. */
function longestTaskMs({ traceEvents }) {
  const mains = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const isMain = new Set(mains.map(({ pid, tid }) => `${pid}.${tid}`));
  const tasks = traceEvents.filter(({ pid, tid, tdur }) => tdur !== undefined && isMain.has(`${pid}.${tid}`));
  return Math.max(...tasks.map(({ tdur }) => tdur)) / 1_000;
}
