import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "@jest/globals";
// @ts-expect-error: plain JavaScript
import { rowsOf as untypedRowsOf } from "../scripts/bench/compare/figures.mjs";
// @ts-expect-error: plain JavaScript
import { tableOf as untypedTableOf } from "../scripts/bench/compare/table.mjs";
// @ts-expect-error: plain JavaScript
import { tableOf as untypedGrowthTableOf } from "../scripts/bench/growth/figures-table.mjs";
// @ts-expect-error: plain JavaScript
import * as logMaker from "../scripts/bench/growth/log-maker.mjs";
import { openStore } from "../src/log/open.js";
import { connect } from "../src/log/sqlite/connection.js";
import { usageExpectedIn } from "./log/expected-usage.js";
import { newStorage, noPostgres } from "./support/storages.js";

interface Row {
  key: string;
  figures: Record<string, { value: number; ratio?: number }>;
}

const rowsOf: (result: object, sizes: object, base?: string) => Row[] = untypedRowsOf;
const tableOf: (report: object) => string = untypedTableOf;
const growthTableOf: (engine: string, columns: Record<number, object>) => string = untypedGrowthTableOf;
const { fillFile, fillDatabase } = logMaker as {
  fillFile(path: string, log: object, open: typeof connect): Promise<void>;
  fillDatabase(url: string, log: object): Promise<void>;
};
const folder = mkdtempSync(join(tmpdir(), "bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cpu = (...values: number[]) => values.map((value) => ({ cpu: value }));
const workload = {
  key: "W0",
  title: "a workload",
  rows: [{ metric: "cpu", label: "CPU", unit: "µs", gate: 2, aim: 1.5 }],
};

test("a ratio is the median of the ratios within the rounds, not that of the medians", () => {
  const samples = { bare: cpu(1, 10, 100), ours: cpu(3, 20, 150) };
  const [row] = rowsOf({ workload, samples }, {});
  expect(row?.figures).toEqual({ bare: { value: 10, ratio: 1 }, ours: { value: 20, ratio: 2 } });
});

test("ratios can be to another contestant than the limit, and are then held to no gate", () => {
  const samples = { before: cpu(2, 4, 8), ours: cpu(1, 4, 6) };
  const rows = rowsOf({ workload, samples }, {}, "before");
  expect(rows[0]?.figures.ours).toEqual({ value: 4, ratio: 0.75 });
  const table = tableOf({ base: "before", contestants: ["before", "ours"], peers: [], rows });
  expect(table.split("\n")[2]).toBe("| W0 | CPU | 4.00 µs | 0.75 |  |  |  |  |");
});

test("the table says whether this host keeps to its gate, and who the best of the others is", () => {
  const samples = {
    bare: cpu(1),
    ours: cpu(1.8),
    "ours-sqlite": cpu(2.7),
    slow: cpu(9),
    quick: cpu(1.7),
    broken: [],
  };
  const peers = ["slow", "quick", "broken"];
  const rows = rowsOf({ workload, samples }, {});
  expect(tableOf({ contestants: Object.keys(samples), peers, rows }).split("\n")[2]).toBe(
    "| W0 | CPU | 1.00 µs | 1.80 | 2.70 (1.50 of ours) | 9.00 | 1.70 | – | ≤ 2 | ≤ 1.5 | met | quick: we are **behind** |",
  );
});

test("this host runs a workload over each wire", async () => {
  const args = ["scripts/bench/compare/compare.mjs", "--only", "W3", "--rounds", "1", "--out", folder];
  const wires = ["responses", "messages", "gemini"];
  await promisify(execFile)(process.execPath, [...args, "--to", "ours", "--wires", wires.join()]);
  const { rows } = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8")) as { rows: Row[] };
  expect(Object.keys(rows[0]?.figures ?? {})).toEqual(["ours", ...wires.map((wire) => `ours-${wire}`)]);
});

test("a workload is run by everybody in processes of their own, and told in every form", async () => {
  const args = ["scripts/bench/compare/compare.mjs", "--only", "W5", "--rounds", "1", "--out", folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("| W5 | CPU per hop |");
  const { rows } = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8")) as { rows: Row[] };
  expect(Object.keys(rows[0]?.figures ?? {})).toEqual(["bare", "ours", "ours-sqlite"]);
  expect(readFileSync(join(folder, "bench.svg"), "utf8")).toContain("W5 CPU per hop");
});

test("the table of growth says which rows keep to their bounds", () => {
  const page = (value: number, stallMs: number) => ({ "a page of 50": { value, stallMs } });
  const turns = { "a later turn": { value: 10 }, "a later turn with `chat.limits.day`": { value: 12.4 } };
  const table = growthTableOf("SQLite", { 1000: page(2, 1), 100000: { ...page(3, 19), ...turns } });
  expect(table.split("\n")).toEqual([
    "| SQLite | 1,000 | 100,000 | growth | must be |  |",
    "| --- | --- | --- | --- | --- | --- |",
    "| a page of 50 | 2.0 / 1 | 3.0 / 19 | 1.5x | ≤ 2x, stall ≤ 20 ms | holds |",
    "| a later turn |  | 10 |  |  |  |",
    "| a later turn with `chat.limits.day` |  | 12 |  | ≤ 1.2x a later turn | **does not** |",
    "",
  ]);
  expect(growthTableOf("SQLite", { 1000: page(2, 1), 100000: page(3, 21) })).toContain("**does not**");
  expect(growthTableOf("SQLite", { 1000: page(2, 1), 100000: page(5, 1) })).toContain("**does not**");
});

test.each(noPostgres ? (["sqlite"] as const) : (["sqlite", "postgres"] as const))(
  "the log that is made for the growth benchmark could come from a host: %s",
  async (driver) => {
    const storage = await newStorage(folder, driver);
    const open = () => openStore(storage, { now: Date.now, observe: () => {} });
    await (await open()).close();
    const log = { conversations: 20, events: 8, periodMs: 3_600_000 };
    await (storage.driver === "postgres"
      ? fillDatabase(storage.url, log)
      : fillFile(join(folder, "log.db"), log, connect));
    const store = await open();
    const always = { since: 0, until: 2 ** 45 };
    const expected = await usageExpectedIn(store);
    expect(await store.usage.models([always])).toEqual(expect.arrayContaining(expected.models([always])));
    expect(await store.usage.tools([always])).toEqual(expect.arrayContaining(expected.tools([always])));
    const { conversations } = await store.usage.conversations(always, 100);
    expect(conversations).toEqual(expect.arrayContaining(expected.conversations(always)));
    const found = await store.conversations({ most: 10, text: "number 7 of" });
    expect(found.conversations).toMatchObject([{ conversationId: "conv_7", lastSeq: 8, turns: 1 }]);
    expect((await store.read("conv_7")).map(({ type }) => type)).toEqual([
      "user_message",
      ...["assistant_message", "tool_sent", "tool_result"],
      ...["assistant_message", "tool_sent", "tool_result"],
      "turn_end",
    ]);
    await store.close();
  },
);
