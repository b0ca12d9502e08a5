import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { type ManyOptions, runMany } from "../../../src/scripted/many/run-many.js";
import type { PlannedRun } from "../../../src/scripted/many/run-plan.js";
import { planned, resultOf, stepOf, Told } from "./support.js";

/** Runs that the test ends one by one. */
class Gates {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (passed: boolean) => void>();

  readonly runOne: ManyOptions["runOne"] = async (run, { signal }) => {
    this.begun.push(run.name);
    const cancelled = new Promise<"cancelled">((resolve) =>
      signal?.addEventListener("abort", () => resolve("cancelled")),
    );
    const ended = new Promise<boolean>((resolve) => this.#ends.set(run.name, resolve));
    const end = await Promise.race([cancelled, ended]);
    if (end !== "cancelled") return resultOf(run, { passed: end });
    return resultOf(run, { passed: false, error: { kind: "aborted", message: "the script was cancelled", hint: "" } });
  };

  async end(name: string, passed = true): Promise<void> {
    this.#ends.get(name)?.(passed);
    await turn();
  }
}

function start(runs: readonly PlannedRun[], gates: Gates, more: Partial<ManyOptions> = {}) {
  const told = new Told();
  const done = runMany(runs, { runOne: gates.runOne, jobs: 2, reporters: [told], now: () => 0, ...more });
  return { told, done };
}

const statuses = ({ reports }: { reports: readonly { status: string }[] }) => reports.map(({ status }) => status);

describe("jobs", () => {
  test("run at the same time, never more of them, and the next begins when one ends", async () => {
    const gates = new Gates();
    const { told, done } = start(await planned("a", "b", "c", "d"), gates);
    expect(gates.begun).toEqual(["a", "b"]);
    await gates.end("b");
    expect(gates.begun).toEqual(["a", "b", "c"]);
    await gates.end("c");
    await gates.end("a");
    await gates.end("d");
    const { reports } = await done;
    expect(reports.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
    expect(told.most).toBe(2);
    expect(told.words.filter((word) => word.endsWith("passed"))).toEqual(
      ["b", "c", "a", "d"].map((each) => `${each} passed`),
    );
  });
});

describe("--bail", () => {
  test("begins nothing more after a failure, and lets what runs come to its end", async () => {
    const gates = new Gates();
    const { told, done } = start(await planned("a", "b", "c", "d"), gates, { bail: true });
    await gates.end("a", false);
    expect(gates.begun).toEqual(["a", "b"]);
    await gates.end("b");
    expect(statuses(await done)).toEqual(["failed", "passed", "skipped", "skipped"]);
    expect(told.words).toContain("d skipped");
  });

  test("without it all of them run", async () => {
    const gates = new Gates();
    const { done } = start(await planned("a", "b"), gates, { jobs: 1 });
    await gates.end("a", false);
    await gates.end("b");
    expect(statuses(await done)).toEqual(["failed", "passed"]);
  });
});

test("cancelling ends what runs, begins nothing more and keeps the results so far", async () => {
  const gates = new Gates();
  const controller = new AbortController();
  const { done } = start(await planned("a", "b", "c", "d"), gates, { signal: controller.signal });
  await gates.end("a");
  controller.abort();
  expect(statuses(await done)).toEqual(["passed", "cancelled", "cancelled", "skipped"]);
});

test("a run that cannot even begin has failed, with its reason and its steps", async () => {
  const [run] = await planned("a");
  const runOne = () => Promise.reject(new Error("no such cassette"));
  const { reports } = await runMany([run as PlannedRun], { runOne, jobs: 1, reporters: [], now: () => 0 });
  expect(reports).toMatchObject([
    { status: "failed", error: { message: "no such cassette" }, steps: [{ name: "set a", status: "skipped" }] },
  ]);
});

test("a transcript that cannot be written is the run's failure, and the others go on", async () => {
  const keep = (run: PlannedRun) =>
    run.name === "a" ? Promise.reject(new Error("disk full")) : Promise.resolve("/t/b");
  const runOne = (run: PlannedRun) => Promise.resolve(resultOf(run));
  const { reports } = await runMany(await planned("a", "b"), { runOne, keep, jobs: 1, reporters: [], now: () => 0 });
  expect(reports).toMatchObject([
    { status: "failed", error: { message: expect.stringContaining("disk full") } },
    { status: "passed", transcript: "/t/b" },
  ]);
});

test("what is kept of a run is bounded, whatever it said", async () => {
  const huge = "x".repeat(1_000_000);
  const position = { file: "a.session.yaml", line: 3 };
  const error = { kind: "cassette", message: huge, hint: huge };
  const outcome = { output: huge, calls: [], events: [], latencyMs: 1 };
  const assertions = [
    { position, type: "equals", passed: false, reason: huge, actual: huge },
    { position, type: "contains", passed: true, reason: huge },
  ];
  const steps = [stepOf(huge, { passed: false, error, outcome, assertions })];
  const runOne = (run: PlannedRun) => Promise.resolve(resultOf(run, { passed: false, steps, error, transcript: huge }));
  const { reports } = await runMany(await planned("a"), { runOne, jobs: 1, reporters: [], now: () => 0 });
  expect(JSON.stringify(reports).length).toBeLessThan(20_000);
});
