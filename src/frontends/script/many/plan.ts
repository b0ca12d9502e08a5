/** From scripts to what is to be run: each script by its matrix, as often as wanted. */
import { messageOf, RequestError } from "../../../core/errors.js";
import { evaluate } from "../sandbox/sandbox.js";
import type { Script } from "../script.js";

type Values = Readonly<Record<string, unknown>>;

/** A script with one model, one set of variables, once. */
export interface PlannedRun {
  /** `name [model=a/b, lang=de] #2`. */
  name: string;
  /** With a cassette of its own where there is a matrix. */
  script: Script;
  /** Undefined: the configured one. */
  model?: string;
  matrix: Values;
}

export interface PlanOptions {
  /** Instead of every script's model and models. */
  model?: string;
  /** Regular expression over the names. */
  grep?: string;
  repeat?: number;
}

/** Rejects with RequestError when the expression is none, takes too long, or leaves nothing over. */
export async function plan(
  scripts: readonly Script[],
  { model, grep, repeat = 1 }: PlanOptions = {},
): Promise<PlannedRun[]> {
  const cells = scripts.flatMap((script) => cellsOf(script, model));
  const rounds = Array.from({ length: repeat }, (_, index) => (repeat > 1 ? ` #${index + 1}` : ""));
  const runs = cells.flatMap((cell) => rounds.map((round) => ({ ...cell, name: cell.name + round })));
  return grep === undefined ? runs : named(runs, grep);
}

function cellsOf(script: Script, given: string | undefined): PlannedRun[] {
  const { models, vars } = script.matrix;
  const used = given !== undefined ? [given] : models.length > 0 ? models : [script.model];
  return used.flatMap((model) =>
    combinations(Object.entries(vars)).map((matrix) => {
      const facts = given === undefined && models.length > 0 ? { model, ...matrix } : matrix;
      const parts = Object.entries(facts).map(([key, value]) => `${key}=${plain(value)}`);
      if (parts.length === 0) return { name: script.name, script, model, matrix };
      const cassette = script.cassette.replace(
        /(\.cassette)?\.jsonl$|$/,
        (end) => `.${parts.map(slug).join(".")}${end}`,
      );
      return { name: `${script.name} [${parts.join(", ")}]`, script: { ...script, cassette }, model, matrix };
    }),
  );
}

function combinations(lists: readonly [string, readonly unknown[]][]): Values[] {
  return lists.reduce<Values[]>(
    (sets, [key, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [key]: value }))),
    [{}],
  );
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function slug(part: string): string {
  return part.replaceAll(/[^\w-]+/g, "-").slice(0, 60);
}

/** In the sandbox: a pattern that backtracks for ever costs its time limit. */
async function named(runs: readonly PlannedRun[], grep: string): Promise<PlannedRun[]> {
  const names = runs.map(({ name }) => name);
  const matches = await evaluate("names.map((name) => new RegExp(pattern).test(name))", { pattern: grep, names }).catch(
    (error: unknown) => {
      throw new RequestError("usage", `--grep ${grep}: ${messageOf(error)}`, { cause: error });
    },
  );
  const kept = runs.filter((_, index) => Array.isArray(matches) && matches[index] === true);
  if (kept.length === 0) throw new RequestError("usage", `--grep ${grep}: none of ${runs.length} runs has such a name`);
  return kept;
}
