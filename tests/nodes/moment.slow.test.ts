import { afterAll, expect, test } from "@jest/globals";
import { answer, startLlmServer } from "../support/llm-server.js";
import { query } from "../support/postgres.js";
import { Nodes } from "../support/serving-nodes.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";

const onServer = noPostgres === undefined ? test : test.skip;
if (noPostgres) process.stderr.write(`NOT TESTED on PostgreSQL: ${noPostgres}\n`);

/** `MOMENT_TURNS=3000` asks for as many as a busy host may get. */
const inOneMoment = Number(process.env.MOMENT_TURNS ?? 300);
const perHost = Math.round(inOneMoment / 3);
const timeoutMs = 600_000;
const done = "(count(*) FILTER (WHERE state NOT IN ('queued', 'running')))::int";

const closing: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]();
});

/** Sends one prompt. Resolves with the status and the seconds of Retry-After, or with the failure of the connection. */
async function ask(url: string): Promise<string> {
  const body = JSON.stringify({ model: "m1", messages: [{ role: "user", content: "hello" }] });
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await response.text();
    if (response.status === 200) return "answered";
    const isShed = response.status === 503 && Number(response.headers.get("retry-after")) > 0;
    return isShed && text.includes("server_is_overloaded") ? "shed" : `${response.status} ${text}`;
  } catch (error) {
    return `${error}: ${(error as Error).cause}`;
  }
}

onServer.each([1, 3])(
  "many turns in one moment on %i hosts: each is answered or shed, and none is lost",
  async (count) => {
    const llm = await startLlmServer(() => answer("hello"));
    const url = await newDatabaseUrl();
    const nodes = await Nodes.start(llm, url, {}, { max_connections: 100, queue_timeout: 300 }, count, {
      max_turns: perHost,
    });
    closing.push(llm, nodes);
    const hosts = nodes.all.map((node) => node.url);
    const asked = Array.from({ length: inOneMoment }, (_, index) => ask(hosts[index % count] as string));
    const outcomes = await Promise.all(asked);
    const answered = outcomes.filter((outcome) => outcome === "answered").length;
    expect(outcomes.filter((outcome) => outcome !== "answered" && outcome !== "shed")).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(Math.min(inOneMoment, count * perHost));
    const [turns] = await query(url, `SELECT count(*)::int AS all, ${done} AS done FROM turns`);
    expect(turns).toEqual({ all: answered, done: answered });
    const [ends] = await query(url, "SELECT count(*)::int AS ends FROM events WHERE type = 'turn_end'");
    expect(ends).toEqual({ ends: answered });
  },
  timeoutMs,
);
