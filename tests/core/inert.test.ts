import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { nodesJson } from "../../src/cli/commands/event-log.js";
import { reportJson } from "../../src/cli/commands/findings-text.js";
import { print, printInert, tell } from "../../src/cli/shared/process.js";
import { InertText, toVisibleJson, visibleJson } from "../../src/core/text/inert.js";
import { JsonView, StreamJsonView } from "../../src/doors/oneshot/views.js";
import { Output } from "../../src/doors/shared/output.js";
import { resultsJunit } from "../../src/scripted/many/reporters/junit.js";
import { tapRun } from "../../src/scripted/many/reporters/tap.js";
import { resultsJson } from "../../src/scripted/many/summary/summary-json.js";
import { approvalsJson } from "../../src/session/commands/approvals-text.js";
import { conversationsJson } from "../../src/session/commands/conversation-text.js";
import { usageJson } from "../../src/session/commands/usage-text.js";
import { exportConversation } from "../../src/session/export/export.js";
import { serversData } from "../../src/session/shared/command-text.js";
import { Sink } from "../doors/support.js";
import { joined, readerOf, stored, turn } from "../log/support.js";
import { processorMs } from "../support/processor-time.js";

const steering = "\u001b]52;c;ZXZpbA==\u0007a\u009b2J\u202eb\u2066";
const moves = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

test("JSON text with escapes for invisible characters has the same value", () => {
  const json = JSON.stringify({ steering, "\u{e0041}": "\u2028" }, undefined, 2);
  expect(visibleJson(json)).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(JSON.parse(visibleJson(json))).toEqual(JSON.parse(json));
  expect(JSON.parse(toVisibleJson({ steering }))).toEqual({ steering });
});

test.each([
  ["nothing", "a", ""],
  ["an override", "a\u202eb", "\u202c"],
  ["an isolate", "a\u2067b", "\u2069"],
  ["both, one in the other", "\u202a\u2068\u202b\u202d", "\u202c\u202c\u2069\u202c"],
  ["what it has closed itself", "\u202ea\u202c \u2066\u202eb\u2069", ""],
  ["ends without a beginning", "\u202c\u2069\u202ea", "\u202c"],
  ["an end of an embedding inside an isolate", "\u202e\u2066\u202c", "\u2069\u202c"],
  ["a line that has ended", "\u202ea\nb", ""],
])("a text that arrives in pieces keeps its reading order, which is reset at its end: %s", (_name, text, closers) => {
  const whole = new InertText();
  expect([whole.push(text), whole.close(), whole.close()]).toEqual([text, closers, ""]);
  const pieces = new InertText();
  expect([...text].map((piece) => pieces.push(piece)).join("") + pieces.close()).toBe(text + closers);
});

test("closing a hostile text takes linear time", () => {
  const hostile = new InertText();
  const started = processorMs();
  hostile.push("\u202e\u2066".repeat(200_000) + "\u202c".repeat(200_000));
  expect(hostile.close().length).toBe(400_000);
  expect(processorMs() - started).toBeLessThan(1000);
});

test("no export controls the terminal that shows it", async () => {
  const one = turn("t");
  const events = stored([one.user(steering), one.answer(steering), one.end()]);
  for (const format of ["json", "md"] as const) {
    const text = await joined(exportConversation(readerOf(events), steering, { format, secrets: [] }));
    expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u);
  }
});

describe("shown JSON has the same value, without characters that control a terminal", () => {
  const none = { inputTokens: 0, outputTokens: 0 };
  const position = { file: steering, line: 1 };
  const step = { name: steering, kind: "user", position, status: "failed", durationMs: 0, failures: [] };
  const run = {
    name: steering,
    position,
    script: steering,
    model: steering,
    vars: {},
    status: "failed",
    durationMs: 0,
  };
  const report = { ...run, steps: [{ ...step, error: { kind: "llm", message: steering } }] };
  const finding = { status: "fail", text: steering };

  test.each<[string, string | (() => Promise<string>)]>([
    ["sessions list", conversationsJson([{ conversationId: "c", title: steering, updatedAt: 0 } as never])],
    ["servers", serversData([{ name: steering, state: "failed", reason: steering } as never])],
    ["approvals", approvalsJson([{ server: steering, tool: steering } as never])],
    ["nodes", nodesJson({ nodes: [{ nodeId: "n", machine: steering, places: [] }], unclaimed: 0 } as never)],
    ["usage", usageJson({ by: steering, period: { since: 0, until: 0 }, lines: [], total: none } as never)],
    ["doctor", reportJson([{ name: steering, findings: [finding] }] as never, {} as never)],
    ["results of scripts", resultsJson({ reports: [report], durationMs: 0 } as never)],
    ["run --output-format json", () => oneshot("json")],
    ["run --output-format stream-json", () => oneshot("stream-json")],
  ])("%s", async (_name, made) => {
    const json = typeof made === "string" ? made : await made();
    expect(json).not.toMatch(moves);
    expect(json).toContain("\\u009b2J\\u202eb");
    for (const line of json.startsWith("{\n") || json.startsWith("[\n") ? [json] : json.trim().split("\n")) {
      expect(JSON.stringify(JSON.parse(line))).toContain(JSON.stringify(steering).slice(1, -1));
    }
  });

  /** Returns what is printed for a turn that failed with this text. */
  async function oneshot(format: "json" | "stream-json"): Promise<string> {
    const sink = new Sink();
    const stdout = new Output(sink);
    const identity = { requestId: "r", conversationId: "c" };
    const view =
      format === "json"
        ? new JsonView({ now: () => 0 } as never, identity, stdout)
        : new StreamJsonView(identity, stdout);
    await view.end({ text: "", toolCalls: [], attempts: 1, error: { kind: "llm", message: steering } } as never);
    return sink.text;
  }

  test("lines of reports that are not JSON are escaped", () => {
    expect(tapRun(report as never, 1)).not.toMatch(moves);
    expect(resultsJunit({ reports: [report], durationMs: 0 } as never)).not.toMatch(moves);
  });
});

describe("on a terminal", () => {
  const { stdout, stderr } = process;
  const before = { isTTY: stdout.isTTY, out: stdout.write, err: stderr.write };
  let written = "";

  beforeEach(() => {
    written = "";
    const write = (text: unknown) => {
      written += String(text);
      return true;
    };
    Object.assign(stdout, { isTTY: true, write });
    Object.assign(stderr, { write });
  });

  afterEach(() => {
    Object.assign(stdout, { isTTY: before.isTTY, write: before.out });
    Object.assign(stderr, { write: before.err });
  });

  test("printed text neither moves the cursor nor reverses the reading order; Arabic is unchanged", async () => {
    print(`${steering} مرحبا`);
    await printInert(steering);
    tell([steering]);
    expect(written).toBe("a2Jb مرحبا\na2Jb\na2Jb\n");
  });
});
