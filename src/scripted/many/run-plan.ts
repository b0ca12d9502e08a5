/** Plans the runs of scripts. Each combination of a script's matrix is a run, and each run is repeated as often as requested. */
import { createHash } from "node:crypto";
import { messageOf, RequestError } from "../../core/errors.js";
import { didYouMean } from "../../core/text/nearest.js";
import { evaluate } from "../sandbox/sandbox.js";
import type { Script } from "../shared/script.js";
import { positionText } from "../shared/script-position.js";
import type { VariableValues } from "../shared/variables.js";

/** One run of a script, with one model and one set of variables. */
export interface PlannedRun {
  /** Name of the run, such as `name [model=a/b, lang=de] #2`. */
  name: string;
  /** The script to run. If the script has a matrix, each combination has its own cassette. */
  script: Script;
  /** Model of the run. Default: the configured model. */
  model?: string;
  matrix: VariableValues;
}

export interface PlanOptions {
  /** Model to use for every script, instead of its `model` and `matrix.models`. */
  model?: string;
  /** Regular expression that selects runs by their names. */
  grep?: string;
  repeat?: number;
}

/** Returns the planned runs. Rejects with RequestError if `grep` is invalid, takes too long or matches no run. */
export async function plan(
  scripts: readonly Script[],
  { model, grep, repeat = 1 }: PlanOptions = {},
): Promise<PlannedRun[]> {
  const cells = scripts.flatMap((script) => cellsOf(script, model));
  const rounds = Array.from({ length: repeat }, (_, index) => (repeat > 1 ? ` #${index + 1}` : ""));
  const runs = cells.flatMap((cell) => rounds.map((round) => ({ ...cell, name: cell.name + round })));
  return grep === undefined ? runs : named(runs, grep);
}

/** Maximum number of combinations of one matrix. A larger matrix is certainly a mistake. */
const maxCells = 10_000;

function cellsOf(script: Script, given: string | undefined): PlannedRun[] {
  const { models, vars } = script.matrix;
  const used = given !== undefined ? [given] : models.length > 0 ? models : [script.model];
  const count = Object.values(vars).reduce((product, values) => product * values.length, used.length);
  if (count > maxCells) {
    throw new RequestError(
      "usage",
      `${positionText(script.position)}: matrix makes ${count} runs; there may be at most ${maxCells}`,
    );
  }
  const cells = used.flatMap((model) =>
    combinations(Object.entries(vars)).map((matrix) => {
      const facts = given === undefined && models.length > 0 ? { model, ...matrix } : matrix;
      const parts = Object.entries(facts).map(([key, value]) => `${key}=${plain(value)}`);
      return { parts, slugs: parts.map(slug).join("."), json: JSON.stringify(facts), model, matrix };
    }),
  );
  const seen = cells.map(({ slugs }) => slugs);
  const shared = new Set(seen.toSorted().filter((slugs, index, sorted) => slugs === sorted[index - 1]));
  return cells.map(({ parts, slugs, json, model, matrix }) => {
    if (parts.length === 0) return { name: script.name, script, model, matrix };
    const part = !shared.has(slugs) ? slugs : `${slugs}.${createHash("sha256").update(json).digest("hex").slice(0, 8)}`;
    const cassette = script.cassette.replace(/(\.cassette)?\.jsonl$|$/, (end) => `.${part}${end}`);
    return { name: `${script.name} [${parts.join(", ")}]`, script: { ...script, cassette }, model, matrix };
  });
}

function combinations(lists: readonly [string, readonly unknown[]][]): VariableValues[] {
  return lists.reduce<VariableValues[]>(
    (sets, [key, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [key]: value }))),
    [{}],
  );
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function slug(part: string): string {
  return part.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60);
}

/** Returns the runs whose names match. The regular expression runs in the sandbox, so that endless backtracking ends at the time limit. */
async function named(runs: readonly PlannedRun[], grep: string): Promise<PlannedRun[]> {
  const names = runs.map(({ name }) => name);
  const matches = await evaluate("names.map((name) => new RegExp(pattern).test(name))", { pattern: grep, names }).catch(
    (error: unknown) => {
      throw new RequestError("usage", `--grep ${grep}: ${messageOf(error)}`, { cause: error });
    },
  );
  const kept = runs.filter((_, index) => Array.isArray(matches) && matches[index] === true);
  if (kept.length === 0)
    throw new RequestError("usage", `--grep ${grep}: no name of the ${runs.length} runs contains this text`);
  return kept;
}

/**
 * Throws RequestError if `--var` sets a variable that none of the scripts has. A script has the variables that it declares, and any that its texts
 * mention: it may leave the value to `--var`. Scripts without a declared variable are not checked.
 */
export function requireKnownVariables(scripts: readonly Script[], given: VariableValues = {}): void {
  const declared = [
    ...new Set(scripts.flatMap(({ vars, matrix }) => [...Object.keys(vars), ...Object.keys(matrix.vars)])),
  ];
  if (declared.length === 0) return;
  // Without the escapes of JSON, whose letter would be taken for the beginning of a name.
  const texts = scripts.map(({ source: _, ...script }) => JSON.stringify(script).replaceAll(/\\[a-z]/g, " ")).join(" ");
  const isKnown = (name: string) => declared.includes(name) || new RegExp(`\\b${name}\\b`).test(texts);
  const unknown = Object.keys(given).find((name) => !isKnown(name));
  if (unknown === undefined) return;
  throw new RequestError("usage", `--var ${unknown}: no session has this variable${didYouMean(unknown, declared)}`, {
    hint: `known: ${declared.toSorted().join(", ")}`,
  });
}
