/** A scripted session that was read and checked: includes are resolved, templates not yet filled in. */
import type { Source } from "../../core/source.js";
import type { ScriptedReply } from "./scripted/reply.js";

/** Name of the scripted model and of its provider. */
export const SCRIPTED = "scripted";

export interface Place {
  /** File name as shown to people. */
  file: string;
  line: number;
}

export interface Script {
  place: Place;
  name: string;
  description?: string;
  model?: string;
  system?: string;
  vars: Readonly<Record<string, unknown>>;
  /** In the shape of config.yaml. Undefined: the configured servers. */
  mcpServers?: Readonly<Record<string, unknown>>;
  /** Other settings in the shape of config.yaml. */
  config: Readonly<Record<string, unknown>>;
  permissions: { approval?: "ask" | "auto"; allow: readonly string[]; deny: readonly string[] };
  limits: { hops?: number; turns?: number; tokens?: number; usd?: number; timeMs?: number };
  /** Absolute path. */
  cassette: string;
  strict: boolean;
  matrix: { models: readonly string[]; vars: Readonly<Record<string, readonly unknown[]>> };
  scripted: readonly ScriptedReply[];
  steps: readonly Step[];
  /** Source text, which locates its servers and configuration. */
  source: Source;
}

export type Step = StepBase &
  (
    | { kind: "user"; text: string; output?: { jsonSchema: Readonly<Record<string, unknown>> } }
    | { kind: "tool"; tool: string; args: Readonly<Record<string, unknown>> }
    | { kind: "prompt"; prompt: string; args: Readonly<Record<string, unknown>> }
    | { kind: "resource"; uri: string }
    | { kind: "answer"; value: unknown; to?: { tool?: string; elicitation?: string } }
    | { kind: "set"; values: Readonly<Record<string, unknown>> }
    /** `values`: variables of the included steps only. */
    | { kind: "include"; values: Readonly<Record<string, unknown>>; steps: readonly Step[] }
    | { kind: "parallel"; steps: readonly Step[] }
    /** `until` requires `max`. */
    | { kind: "repeat"; times?: number; until?: string; max?: number; steps: readonly Step[] }
    | { kind: "if"; condition: string; steps: readonly Step[]; otherwise: readonly Step[] }
    | { kind: "conversation"; conversation: string }
  );

interface StepBase {
  place: Place;
  /** Default: a short description of the step. */
  name: string;
  assert: readonly Assertion[];
  /** Maps a variable to the JSON path of its value in the step's outcome. */
  save: Readonly<Record<string, string>>;
}

/** An assertion in promptfoo's format. */
export interface Assertion {
  place: Place;
  /** Type, perhaps with the prefix `not-`. */
  type: string;
  value?: unknown;
  threshold?: number;
  /** Model that judges an llm-rubric, as `provider/model`. Default: the script's. */
  provider?: string;
}

export type StepKind = Step["kind"];

export type StepOf<Kind extends StepKind> = Extract<Step, { kind: Kind }>;

/** Returns the inner steps of a step, including both branches of an `if`. */
export function innerSteps(step: Step): readonly Step[] | undefined {
  if (step.kind === "if") return [...step.steps, ...step.otherwise];
  return "steps" in step ? step.steps : undefined;
}
