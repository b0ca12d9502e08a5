/** A scripted session as it was read and checked: includes in place, templates not yet filled in. */
import type { Source } from "../../core/source.js";
import type { ScriptedReply } from "./scripted/reply.js";

/** The model that says what the script says: also the name of its provider. */
export const SCRIPTED = "scripted";

/** Where something is written, for messages. */
export interface Place {
  /** As shown to people. */
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
  /** In the shape of config.yaml; undefined: those of the configuration. */
  mcpServers?: Readonly<Record<string, unknown>>;
  /** More of config.yaml's shape. */
  config: Readonly<Record<string, unknown>>;
  permissions: { approval?: "ask" | "auto"; allow: readonly string[]; deny: readonly string[] };
  limits: { hops?: number; turns?: number; tokens?: number; usd?: number; timeMs?: number };
  /** Absolute. */
  cassette: string;
  strict: boolean;
  matrix: { models: readonly string[]; vars: Readonly<Record<string, readonly unknown[]>> };
  /** Of the model `scripted`. */
  scripted: readonly ScriptedReply[];
  steps: readonly Step[];
  /** As it was written: where its servers and its configuration stand. */
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
    /** `values`: variables of the included steps alone. */
    | { kind: "include"; values: Readonly<Record<string, unknown>>; steps: readonly Step[] }
    | { kind: "parallel"; steps: readonly Step[] }
    /** `until` goes with `max`. */
    | { kind: "repeat"; times?: number; until?: string; max?: number; steps: readonly Step[] }
    | { kind: "if"; condition: string; steps: readonly Step[]; otherwise: readonly Step[] }
    | { kind: "conversation"; conversation: string }
  );

interface StepBase {
  place: Place;
  /** Default: what it does, in short. */
  name: string;
  assert: readonly Assertion[];
  /** Variable by JSON path into the step's outcome. */
  save: Readonly<Record<string, string>>;
}

/** As promptfoo writes them. */
export interface Assertion {
  place: Place;
  /** Perhaps with `not-` in front. */
  type: string;
  value?: unknown;
  threshold?: number;
  /** `provider/model` that judges by llm-rubric; left out: the script's. */
  provider?: string;
}

export type StepKind = Step["kind"];

export type StepOf<Kind extends StepKind> = Extract<Step, { kind: Kind }>;

/** Of a step that holds others: all that it may do. */
export function innerSteps(step: Step): readonly Step[] | undefined {
  if (step.kind === "if") return [...step.steps, ...step.otherwise];
  return "steps" in step ? step.steps : undefined;
}
