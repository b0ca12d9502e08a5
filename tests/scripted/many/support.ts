import type { ManyResult, Reporter } from "../../../src/scripted/many/run-many.js";
import { type PlannedRun, plan } from "../../../src/scripted/many/run-plan.js";
import { readScript } from "../../../src/scripted/reading/read-script.js";
import type { Script } from "../../../src/scripted/shared/script.js";
import type { ScriptResult, StepResult } from "../../../src/scripted/shared/script-result.js";

/** Returns a script as if it had been read from a file. */
export function scriptOf(name: string, more: Record<string, unknown> = {}): Script {
  const script = readScript({ name, steps: [{ set: { a: 1 } }], ...more }, "/scripts");
  return { ...script, position: { file: `${name}.session.yaml`, line: 1 } };
}

export async function planned(...names: string[]): Promise<PlannedRun[]> {
  return plan(names.map((name) => scriptOf(name)));
}

export function stepOf(name: string, more: Partial<StepResult> = {}): StepResult {
  const position = { file: "a.session.yaml", line: 3 };
  return { position, name, kind: "user", passed: true, skipped: false, assertions: [], durationMs: 12, ...more };
}

export function resultOf({ name, script, model = "test/m1", matrix }: PlannedRun, more: Partial<ScriptResult> = {}) {
  const result: ScriptResult = {
    name: script.name,
    file: `${name}.session.yaml`,
    model,
    vars: matrix,
    passed: true,
    steps: [stepOf("say hi")],
    durationMs: 1500,
    usage: { inputTokens: 100, outputTokens: 20 },
    costUsd: 0.01,
    transcript: "{}\n",
  };
  return { ...result, ...more };
}

/** A reporter that keeps its notifications as text. */
export class Told implements Reporter {
  readonly words: string[] = [];
  running = 0;
  most = 0;

  runBegan({ name }: PlannedRun): void {
    this.most = Math.max(this.most, ++this.running);
    this.words.push(`${name} began`);
  }

  runEnded({ name, status }: ManyResult["reports"][number]): void {
    if (status !== "skipped") this.running--;
    this.words.push(`${name} ${status}`);
  }

  end(): void {}
}
