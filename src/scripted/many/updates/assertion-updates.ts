/** Collects the actual values of failed `equals` assertions and writes them into the scripts. */

import { chmodSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../../../core/errors.js";
import { groupBy } from "../../../core/lists/long-lists.js";
import type { ScriptPosition } from "../../shared/script-position.js";
import type { AssertionResult, ScriptResult, StepResult } from "../../shared/script-result.js";
import { literal } from "../../shared/templates.js";
import { type Edit, type Edited, rewritten } from "./rewrite.js";

interface WantedUpdate {
  position: ScriptPosition;
  edit: Omit<Edit, "value">;
  /** All different actual values that runs have had, as JSON. */
  values: Set<string>;
  /** True if the assertion passed in another run. */
  isMet: boolean;
}

export type Update = Edited & { position: ScriptPosition };

export class Updates {
  readonly #wanted = new Map<string, WantedUpdate>();

  note({ steps }: Pick<ScriptResult, "steps">): void {
    for (const step of steps) for (const assertion of step.assertions) this.#noteOne(assertion, step);
  }

  /**
   * Writes the actual values into the script files. Returns a result for each assertion that failed. File names are relative to the folder
   * `cwd`.
   */
  apply(cwd: string): Update[] {
    const wanted = [...this.#wanted.values()].filter(({ values }) => values.size > 0);
    return [...groupBy(wanted, ({ position }) => position.file)].flatMap(([file, all]) =>
      updated(resolve(cwd, file), all),
    );
  }

  #noteOne(assertion: AssertionResult, { assertions }: StepResult): void {
    const { position, type, passed } = assertion;
    if (type !== "equals") return;
    const onLine = assertions.filter(
      (other) => other.position.line === position.line && other.position.file === position.file,
    );
    const edit = { line: position.line, index: onLine.indexOf(assertion), of: onLine.length };
    const key = JSON.stringify([position, edit]);
    const wanted = this.#wanted.get(key) ?? { position, edit, values: new Set<string>(), isMet: false };
    this.#wanted.set(key, wanted);
    if (passed) wanted.isMet = true;
    else if ("actual" in assertion) wanted.values.add(JSON.stringify(literal(assertion.actual)));
  }
}

function updated(path: string, all: readonly WantedUpdate[]): Update[] {
  const torn = all.filter(({ values, isMet }) => values.size > 1 || isMet);
  const clear = all.filter((wanted) => !torn.includes(wanted));
  const edits = clear.map(({ edit, values: [json = "null"] }) => ({ ...edit, value: JSON.parse(json) as unknown }));
  const refused = torn.map(({ position }) => ({ position, problem: "the runs do not agree on a value" }));
  return [
    ...refused,
    ...written(path, edits).map((edited, index) => ({ ...edited, position: clear[index]?.position as ScriptPosition })),
  ];
}

function written(path: string, edits: readonly Edit[]): Edited[] {
  try {
    const { text, edited } = rewritten(readFileSync(path, "utf8"), edits);
    if (edited.some((each) => !("problem" in each))) replaceFile(path, text);
    return edited;
  } catch (error) {
    return edits.map(() => ({ problem: messageOf(error) }));
  }
}

/** Replaces the file atomically. The file mode is kept, because scripts may be executable. */
function replaceFile(path: string, text: string): void {
  const target = realpathSync(path);
  const draft = `${target}.${process.pid}.tmp`;
  writeFileSync(draft, text, { flag: "wx" });
  chmodSync(draft, statSync(target).mode);
  renameSync(draft, target);
}
