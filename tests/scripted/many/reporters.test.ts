import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import pc from "picocolors";
import { Parser } from "tap-parser";
import type { ReporterName } from "../../../src/scripted/many/output-formats.js";
import { createReporter } from "../../../src/scripted/many/reporters/open-reporters.js";
import { type ManyResult, runMany } from "../../../src/scripted/many/run-many.js";
import { plan } from "../../../src/scripted/many/run-plan.js";
import type { ScriptResult } from "../../../src/scripted/shared/script-result.js";
import { resultOf, scriptOf, stepOf } from "./support.js";

const position = { file: "bad.session.yaml", line: 7 };
const mean = "evil # SKIP \\ ]]><&\"'\u001b[31m\u0000\ud800\ufffe\nnot ok 9 - no";

/** Every possible outcome of a run. */
const outcomes: Record<string, Partial<ScriptResult>> = {
  good: {},
  bad: {
    passed: false,
    steps: [
      stepOf("say hi", {
        passed: false,
        assertions: [
          { position, type: "contains", passed: false, reason: 'expected the output to contain "a"; it is "b"' },
          { position: { ...position, line: 8 }, type: "latency", passed: false, reason: "expected 1 ms\n- old\n+ new" },
        ],
      }),
      stepOf("later", { skipped: true }),
    ],
  },
  broken: {
    passed: false,
    steps: [
      stepOf("ask", { passed: false, error: { kind: "auth", message: "the key was refused", hint: "set a key" } }),
    ],
    error: { kind: "limit", message: "limits.usd: $1 of $1 are spent", hint: "" },
    usage: undefined,
    costUsd: undefined,
  },
  [mean]: {
    passed: false,
    steps: [stepOf(mean, { passed: false, assertions: [{ position, type: "equals", passed: false, reason: mean }] })],
    error: { kind: mean, message: mean, hint: mean },
    model: mean,
  },
};

async function told(name: ReporterName, names = Object.keys(outcomes), more: { columns?: () => number } = {}) {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const reporter = createReporter(name, { write, colors: pc.createColors(false), ...more }, () => 0);
  const runs = await plan([...names, "never"].map((each) => scriptOf(each, { matrix: { vars: { lang: [each] } } })));
  const controller = new AbortController();
  let left = names.length;
  const many: ManyResult = await runMany(runs, {
    jobs: 1,
    reporters: [reporter],
    now: () => 0,
    signal: controller.signal,
    runOne: async (run) => {
      if (--left === 0) controller.abort();
      return resultOf(run, outcomes[run.script.name]);
    },
    keep: async (_, { passed }, index) => (passed ? undefined : `/transcripts/${index}.jsonl`),
  });
  reporter.end(many);
  return text;
}

const plain = ["good", "bad", "broken"];

test("pretty without a terminal: a line for each run, failures with place, reason and transcript at the end", async () => {
  expect(await told("pretty", plain)).toBe(`passed good.session.yaml good [lang=good] (test/m1, 1.5 s)
FAILED bad.session.yaml bad [lang=bad] (test/m1, 1.5 s)
FAILED broken.session.yaml broken [lang=broken] (test/m1, 1.5 s): limits.usd: $1 of $1 are spent

FAILED bad [lang=bad]
  a.session.yaml:3 say hi
    bad.session.yaml:7 contains: expected the output to contain "a"; it is "b"
    bad.session.yaml:8 latency: expected 1 ms
  - old
  + new
  transcript: /transcripts/1.jsonl

FAILED broken [lang=broken]
  broken.session.yaml:1 limits.usd: $1 of $1 are spent
  a.session.yaml:3 ask
    the key was refused (set a key)
  transcript: /transcripts/2.jsonl

1 passed, 2 failed, 1 skipped (0 ms)
`);
});

test("pretty on a terminal: no lines for what passed, and nothing foreign moves the cursor", async () => {
  const text = await told("pretty", undefined, { columns: () => 60 });
  expect(text).not.toContain("passed good.session.yaml");
  expect(text).toContain("FAILED bad [lang=bad]");
  expect(text.replaceAll("\r\u001b[2K", "")).not.toMatch(/(?!\n)\p{Cc}/u);
});

test("json: one document", async () => {
  const document = JSON.parse(await told("json", plain));
  expect(document).toMatchObject({
    passed: false,
    counts: { runs: 4, passed: 1, failed: 2, cancelled: 0, skipped: 1 },
    duration_ms: 0,
    summary: { all: { runs: 3, passed: 1, pass_rate: 1 / 3, input_tokens: 200, cost_usd: 0.02, p95_ms: 1500 } },
  });
  expect(document.runs[1]).toEqual({
    name: "bad [lang=bad]",
    file: "bad.session.yaml",
    line: 1,
    model: "test/m1",
    vars: { lang: "bad" },
    status: "failed",
    duration_ms: 1500,
    usage: { input_tokens: 100, output_tokens: 20 },
    cost_usd: 0.01,
    transcript: "/transcripts/1.jsonl",
    steps: [
      {
        name: "say hi",
        kind: "user",
        file: "a.session.yaml",
        line: 3,
        status: "failed",
        duration_ms: 12,
        failures: [
          {
            type: "contains",
            file: "bad.session.yaml",
            line: 7,
            reason: 'expected the output to contain "a"; it is "b"',
          },
          { type: "latency", file: "bad.session.yaml", line: 8, reason: "expected 1 ms\n- old\n+ new" },
        ],
      },
      { name: "later", kind: "user", file: "a.session.yaml", line: 3, status: "skipped", duration_ms: 12 },
    ],
  });
  expect(document.runs.map(({ status }: { status: string }) => status)).toEqual([
    "passed",
    "failed",
    "failed",
    "skipped",
  ]);
});

describe("junit", () => {
  let xml: typeof import("libxml2-wasm");
  let schema: import("libxml2-wasm").XsdValidator;
  beforeAll(async () => {
    xml = await import("libxml2-wasm"); // the module initialises itself with a top-level `await`
    schema = xml.XsdValidator.fromDoc(xml.XmlDocument.fromString(readFileSync("tests/support/junit.xsd", "utf8")));
  });
  const parsed = (text: string) => xml.XmlDocument.fromString(text, { option: xml.ParseOption.XML_PARSE_NONET });

  test("is what Jenkins' schemas take, whatever names and reasons hold", async () => {
    schema.validate(parsed(await told("junit")));
    schema.validate(parsed(await told("junit", [])));
  });

  test("has a suite for each run and a case for each step, with reasons, counts and the transcript", async () => {
    const document = parsed(await told("junit"));
    const text = (path: string) => document.get(path)?.content;
    expect(["tests", "failures", "errors"].map((name) => text(`/testsuites/@${name}`))).toEqual(["8", "2", "3"]);
    expect(text("//testsuite[2]/@name")).toBe("bad [lang=bad]");
    expect(text("//testsuite[2]/properties/property[@name='var.lang']/@value")).toBe('"bad"');
    expect(text("//testsuite[2]/testcase[1]/failure/@type")).toBe("contains");
    expect(text("//testsuite[2]/testcase[1]/failure")).toMatch(/contain "a"; it is "b"\nbad.*8 latency: .*\n- old/);
    expect(text("//testsuite[2]/system-out")).toBe("transcript: /transcripts/1.jsonl");
    expect(document.find("//testsuite[2]/testcase[2]/skipped")).toHaveLength(1);
    expect(text("//testsuite[3]/testcase[1]/error/@type")).toBe("auth");
    expect(text("//testsuite[3]/testcase[2]/error")).toBe("limits.usd: $1 of $1 are spent");
    expect(text("//testsuite[5]/testcase/skipped")).toBe("");
  });

  test("shows text as it is, and what XML cannot hold as a mark", async () => {
    const document = parsed(await told("junit"));
    const shown = "evil # SKIP \\ ]]><&\"'\ufffd[31m\ufffd\ufffd\ufffd\nnot ok 9 - no";
    expect(document.get("//testsuite[4]/testcase[1]/@name")?.content).toBe(`1. ${shown}`);
    expect(document.get("//testsuite[4]/testcase[1]/failure")?.content).toBe(`bad.session.yaml:7 equals: ${shown}`);
  });
});

describe("tap", () => {
  /** Parses the report with a third-party reader. */
  const read = (text: string) => {
    const events: unknown[] = [];
    const parser = new Parser({ strict: true });
    parser.on("assert", (each) => events.push(each));
    const subtests: { name: string; ok: boolean }[] = [];
    parser.on("child", (child) => child.on("assert", (each: (typeof subtests)[number]) => subtests.push(each)));
    parser.end(text);
    return { results: parser.results, asserts: events as Record<string, unknown>[], subtests: subtests as object[] };
  };

  test("is read by another program: a test for each run, a subtest with its steps, diagnostics as YAML", async () => {
    const { results, asserts, subtests } = read(await told("tap", plain));
    expect(results).toMatchObject({ ok: false, count: 4, pass: 2, fail: 2, skip: 1, plan: { start: 1, end: 4 } });
    expect(results?.failures.filter(({ tapError }: { tapError: unknown }) => tapError)).toEqual([]);
    expect(asserts).toMatchObject([
      { ok: true, id: 1, name: "good [lang=good]" },
      { ok: false, id: 2, name: "bad [lang=bad]", diag: { model: "test/m1", transcript: "/transcripts/1.jsonl" } },
      { ok: false, id: 3, diag: { error: { kind: "limit", message: "limits.usd: $1 of $1 are spent" } } },
      { ok: true, id: 4, name: "never [lang=never]", skip: "not begun" },
    ]);
    expect(subtests).toMatchObject([
      { ok: true, name: "say hi" },
      {
        ok: false,
        name: "say hi",
        diag: { at: "a.session.yaml:3", failures: [{ type: "contains" }, { type: "latency" }] },
      },
      { ok: true, name: "later", skip: true },
      { ok: false, name: "ask", diag: { error: { kind: "auth", hint: "set a key" } } },
    ]);
  });

  test("lets no name or reason pose as a directive, a line or a result", async () => {
    const { results, asserts, subtests } = read(await told("tap", [mean]));
    expect(results).toMatchObject({ ok: false, count: 2, fail: 1, skip: 1 });
    expect(asserts[0]).toMatchObject({
      ok: false,
      skip: false,
      diag: { error: { message: expect.stringContaining("evil # SKIP") } },
    });
    expect(subtests).toMatchObject([{ ok: false, skip: false }]);
    expect(asserts[0]?.name).toContain("evil # SKIP \\ ]]><&");
  });
});
