import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parser } from "@prometheus-io/lezer-promql";
import parse from "parse-prometheus-text-format";
// Modules that the host loads on demand are loaded here first: jest's module linker fails on two overlapping dynamic imports.
import "../../src/telemetry/open-receivers.js";
import "../../src/telemetry/prometheus.js";
import type { HttpDoor } from "../../src/doors/http/serve.js";
import type { App } from "../../src/index.js";
import { openDoor } from "../doors/http/door.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, failure, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";

const token = "a-token-of-the-test";
const turns = 7;
/** Calls of the first turn, hop by hop. The crashing call is alone, so that no other call is lost with it. */
const calls = [
  [
    { name: "s__echo", arguments: {} },
    { name: "s__a_name_that_the_model_made_up", arguments: {} },
  ],
  [{ name: "s__crash", arguments: {} }],
];
const answers = turns + calls.length;

/** A host that has run turns: one provider is down and another answers; one tool works and another ends its server. */
let host: { llm: LlmServer; app: App; door: HttpDoor };
let text: string;
/** Every series as a family of its own: the parser would join all series of a histogram. */
let families: ReturnType<typeof parse>;

const samples = (name: string) => families.filter((family) => family.name === name).flatMap(({ metrics }) => metrics);
const labelled = (name: string): Record<string, string | undefined>[] =>
  samples(name).map(({ labels, value }) => ({ ...labels, is: value }));

async function scrape(): Promise<string> {
  const response = await fetch(`${host.door.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return response.text();
}

beforeAll(async () => {
  let asked = 0;
  const llm = await startLlmServer(({ body }) => {
    if (body.model === "bad") return failure(503);
    const called = calls[asked++];
    return called ? toolCalls(called) : answer("It is done.");
  });
  const provider = { base_url: llm.url, api_key: "sk-test-0123456789" };
  const app = await startApp({
    llm: llm.url,
    scraped: true,
    mcpServers: { s: fixtureServer() },
    config: {
      llm: {
        active: "down",
        fallback: ["spare"],
        http: { max_retries: 1, initial_retry_delay: 0.001 },
        providers: { down: { ...provider, model: "bad" }, spare: { ...provider, model: "m1" } },
        prices: { "spare/m1": { input: 1, output: 2 } },
      },
    },
  });
  host = { llm, app, door: await openDoor(app, { token }) };
  await app.ready();
  for (let turn = 1; turn <= turns; turn++) {
    await collect(app.sessions.open("c").prompt({ requestId: `r${turn}`, text: "go", streaming: true }));
  }
  app.sessions.open("held").hold();
  // The end of a server is noticed later than the end of its call.
  do text = await scrape();
  while (!text.includes("mcp_client_session_duration_seconds_count{"));
  families = parse(text.replaceAll(/^# (TYPE|HELP) .*\n/gm, ""));
});

afterAll(async () => {
  host.door.close();
  await host.app.close();
  await host.llm[Symbol.asyncDispose]();
});

test("a scrape needs the token like anything else", async () => {
  expect((await fetch(`${host.door.url}/metrics`)).status).toBe(401);
});

test("a scrape is read by a parser of others, every family once and with its help", () => {
  const all = parse(text);
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(all.filter(({ help, type }) => help === "" || type === "UNTYPED")).toEqual([]);
});

const promtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!promtool)
  process.stderr.write("skipped: there is no promtool (Debian's package prometheus) to check a scrape with\n");

(promtool ? test : test.skip)("promtool finds no fault with a scrape but with names that others have given", () => {
  const { stdout, stderr, status } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  const faults = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !/^(nodejs|process)_/.test(line));
  expect([faults, status]).toEqual([[], expect.any(Number)]);
});

describe("a scrape says", () => {
  const model = { gen_ai_provider_name: "spare", gen_ai_request_model: "m1" };
  const chat = { gen_ai_operation_name: "chat", ...model };

  test("how long the model took, and when it said the first", () => {
    const answered = { ...chat, is: String(answers) };
    expect(labelled("gen_ai_client_operation_duration_seconds_count")).toEqual([{ ...answered, error_type: "" }]);
    expect(labelled("gen_ai_client_operation_time_to_first_chunk_seconds_count")).toEqual([answered]);
    expect(labelled("mcp_platform_llm_longest_gap_seconds_count")).toEqual([answered]);
  });

  test("what failed, by cause, who was asked instead, and that a breaker opened", () => {
    const down = { gen_ai_provider_name: "down", gen_ai_request_model: "bad" };
    const failures = labelled("mcp_platform_llm_failed_attempts_total");
    expect(failures.map(({ is: _, ...labels }) => labels)).toEqual(
      ["true", "false"].map((isRetried) => ({
        ...down,
        error_type: "overloaded",
        mcp_platform_llm_is_retried: isRetried,
      })),
    );
    expect(labelled("mcp_platform_llm_fallbacks_total")).toEqual([{ ...model, is: String(answers) }]);
    expect(labelled("mcp_platform_llm_breaker_openings_total")).toEqual([{ ...down, is: "1" }]);
    expect(labelled("mcp_platform_llm_breaker_state")).toEqual([
      { ...down, is: "2" },
      { ...model, is: "0" },
    ]);
  });

  test("what tokens went where, and what they cost", () => {
    const sums = labelled("gen_ai_client_token_usage_sum").map(({ gen_ai_token_type, is }) => [gen_ai_token_type, is]);
    expect(sums).toEqual([["input", String(10 * answers)], ["output", String(5 * answers)]]); // biome-ignore format: two pairs
    const [cost] = labelled("mcp_platform_llm_cost_usd_total");
    expect(Number(cost?.is)).toBeCloseTo(((10 * 1 + 5 * 2) * answers) / 1_000_000);
  });

  test("how calls went: of tools that servers have, and of no others", () => {
    const call = { mcp_method_name: "tools/call", mcp_platform_mcp_server: "s", network_transport: "pipe", is: "1" };
    expect(labelled("mcp_client_operation_duration_seconds_count")).toEqual([
      { ...call, gen_ai_tool_name: "echo", error_type: "" },
      { ...call, gen_ai_tool_name: "crash", error_type: "unavailable" },
    ]);
    expect(text).not.toContain("made_up");
    expect(labelled("mcp_client_session_duration_seconds_count")).toMatchObject([
      { error_type: "unavailable", is: "1" },
    ]);
  });

  test("what is under way, who has places, and how servers are", async () => {
    // One session is held. The other session's turns have ended, and nobody follows it.
    expect(labelled("mcp_platform_sessions")).toEqual([{ is: "1" }]);
    expect(labelled("mcp_platform_turns")).toEqual([
      { mcp_platform_turn_state: "running", is: "0" },
      { mcp_platform_turn_state: "waiting", is: "0" },
    ]);
    expect(labelled("mcp_platform_llm_limiter_active")).toContainEqual({ gen_ai_provider_name: "spare", is: "0" });
    const states = labelled("mcp_platform_mcp_server_states");
    expect(states).toEqual([expect.objectContaining({ mcp_platform_mcp_server: "s", is: "1" })]);
    expect(labelled("mcp_platform_turn_duration_seconds_count")).toEqual([
      { mcp_platform_turn_stop_reason: "end_turn", error_type: "", is: String(turns) },
    ]);
    expect(samples("nodejs_eventloop_lag_p99_seconds")).toHaveLength(1);
  });

  test("a state that is over no more", async () => {
    await host.app.apply({ ...host.app.config, mcpServers: [] });
    expect(await scrape()).not.toMatch(/^mcp_platform_mcp_server_states\{/m);
  });
});

describe("the dashboard", () => {
  interface Panel {
    title: string;
    targets?: { expr: string; legendFormat: string }[];
  }
  const { panels, templating } = JSON.parse(readFileSync("scripts/grafana/mcp-platform.json", "utf8")) as {
    panels: Panel[];
    templating: { list: { name: string; query: string }[] };
  };
  const targets = panels.flatMap(({ title, targets = [] }) => targets.map((target) => [title, target] as const));
  /** Labels that Prometheus itself adds to scraped series. */
  const added = ["instance", "job"];

  /** Returns the labels of a series in the scrape; empty if the series is not there. */
  const labelsOf = (name: string) => {
    const labels = samples(name).flatMap((sample) => Object.keys(sample.labels ?? {}));
    return new Set(samples(name).length > 0 ? [...labels, ...added] : []);
  };

  test.each(targets)("asks what a host answers: %s", (_title, { expr, legendFormat }) => {
    const query = expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*");
    const found: Record<string, string[]> = {};
    parser.parse(query).iterate({
      enter: ({ name, from, to, type }) => {
        expect(type.isError).toBe(false);
        found[name] = [...(found[name] ?? []), query.slice(from, to)];
      },
    });
    const { Identifier: names = [], LabelName: labels = [] } = found;
    expect(names).toHaveLength(1);
    const own = labelsOf(names[0] ?? "");
    expect(labels.filter((label) => !own.has(label))).toEqual([]);
    const legends = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    expect(legends.filter((label) => !labels.includes(label))).toEqual([]);
  });

  test("has a choice of hosts, by a series that every host has", () => {
    const [, name = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(templating.list[1]?.query ?? "") ?? [];
    expect([labelsOf(name).has(label), label]).toEqual([true, "instance"]);
  });
});
