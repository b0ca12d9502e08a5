/** Types of a scripted session after reading and checking. Included files are already part of it, but templates are not filled in yet. */
import type { Source } from "../../core/source/source.js";
import type { ScriptedReply } from "./reply.js";
import type { ScriptPosition } from "./script-position.js";

/** Name of the scripted model. Its provider has the same name. */
export const scriptedModel = "scripted";

export interface Script {
  position: ScriptPosition;
  name: string;
  description?: string;
  model?: string;
  system?: string;
  vars: Readonly<Record<string, unknown>>;
  /** Servers, in the form of config.yaml. If undefined, the servers of the configuration are used. */
  mcpServers?: Readonly<Record<string, unknown>>;
  /** Further settings, in the form of config.yaml. */
  config: Readonly<Record<string, unknown>>;
  permissions: { approval?: "ask" | "auto"; allow: readonly string[]; deny: readonly string[] };
  /** Further patterns of `permissions.allow` that count only in a replay. */
  allowedInReplay: readonly string[];
  limits: { hops?: number; turns?: number; tokens?: number; usd?: number; timeMs?: number };
  /** Absolute path of the file with recorded answers. */
  cassette: string;
  strict: boolean;
  matrix: { models: readonly string[]; vars: Readonly<Record<string, readonly unknown[]>> };
  scripted: readonly ScriptedReply[];
  steps: readonly Step[];
  /** Source text of the script. Error messages get the line of a server or setting from it. */
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
    /** `values` are variables that are visible only in the included steps. */
    | { kind: "include"; values: Readonly<Record<string, unknown>>; steps: readonly Step[] }
    | { kind: "parallel"; steps: readonly Step[] }
    /** `max` is always set if `until` is set. */
    | { kind: "repeat"; times?: number; until?: string; max?: number; steps: readonly Step[] }
    | { kind: "if"; condition: string; steps: readonly Step[]; otherwise: readonly Step[] }
    | { kind: "conversation"; conversation: string }
  );

interface StepBase {
  position: ScriptPosition;
  /** Name of the step. Default: a short description. */
  name: string;
  assert: readonly Assertion[];
  /** Variables to set after the step: name of the variable, and JSON path of its value in the outcome. */
  save: Readonly<Record<string, string>>;
}

/** An assertion in promptfoo's format. */
export interface Assertion {
  position: ScriptPosition;
  /** Type of the assertion, with or without the prefix `not-`. */
  type: string;
  value?: unknown;
  threshold?: number;
  /** Model that judges an llm-rubric, as `provider/model`. Default: the model of the script. */
  provider?: string;
}

export type StepKind = Step["kind"];

export type StepOf<Kind extends StepKind> = Extract<Step, { kind: Kind }>;

/** Returns the steps inside a step. For an `if`, these are the steps of both branches. Undefined if the step cannot contain steps. */
export function innerSteps(step: Step): readonly Step[] | undefined {
  if (step.kind === "if") return [...step.steps, ...step.otherwise];
  return "steps" in step ? step.steps : undefined;
}
