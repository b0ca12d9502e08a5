import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

/** Levels of thinking from Gemini 3 on, the least one first. */
type Level = "minimal" | "low" | "medium" | "high";

/** What Gemini's models disagree on. */
export interface GeminiQuirks extends WireQuirks {
  /** How the depth of thinking is set. Models that cannot think refuse both. */
  thinking: "level" | "budget" | "none";
  /** The levels that the model takes. */
  levels: readonly Level[];
  /** Tokens. 0: thinking can be switched off. */
  leastBudget: number;
  /** Thinks where nothing is said about it, so that thoughts may be asked for. */
  thinksUnasked: boolean;
  /** Thoughts may be asked for. */
  showsThoughts: boolean;
  /** Refuses a step of the current turn whose first call has no thought signature. */
  checksSignatures: boolean;
  /** Takes the ids of calls back; Vertex refuses them. */
  sendsIds: boolean;
  /** Where the pictures of a result are: within its part, or as parts beside it. */
  resultMedia: "inside" | "beside";
  /** `plain`: the part of OpenAPI that `parameters` takes, in place of JSON Schema. */
  toolSchemas: "json" | "plain";
  /** Takes a schema of the answer. */
  jsonSchemas: boolean;
  /** And beside tools too. */
  jsonWithTools: boolean;
  images: boolean;
  audio: boolean;
}

const THREE: Partial<GeminiQuirks> = {};
const BEFORE: Partial<GeminiQuirks> = {
  thinking: "budget",
  checksSignatures: false,
  resultMedia: "beside",
  jsonWithTools: false,
};

/**
 * By the model's name, the first match counts; a name that none of them knows is taken for a newer one. From ai.google.dev/gemini-api/docs
 * `thinking`, `thought-signatures` and `function-calling`, 2026-11.
 */
const BY_NAME: readonly (readonly [RegExp, Partial<GeminiQuirks>])[] = [
  [/^gemini-3-pro/, { levels: ["low", "high"] }],
  [/^gemini-([3-9]|\d\d)[^-]*-pro/, { levels: ["low", "medium", "high"] }],
  [/^gemini-([3-9]|\d\d)/, THREE],
  [/^gemini-2\.5-flash-lite/, { ...BEFORE, thinksUnasked: false }],
  [/^gemini-2\.5-pro/, { ...BEFORE, leastBudget: 128 }],
  [/^gemini-2\.5/, BEFORE],
  [/^(gemini-[12]\b|gemma|learnlm)/, { ...BEFORE, thinking: "none" }],
];

/** The quirks of a model before anything was learnt. */
export function modelQuirks({ quirks: { maxTools, images, audio } }: Provider, model: string): GeminiQuirks {
  const name = model.slice(model.lastIndexOf("/") + 1);
  return {
    maxTools,
    images,
    audio,
    cutsPrompts: false,
    thinking: "level",
    levels: ["minimal", "low", "medium", "high"],
    leastBudget: 0,
    thinksUnasked: true,
    showsThoughts: true,
    checksSignatures: true,
    sendsIds: true,
    resultMedia: "inside",
    toolSchemas: "json",
    jsonSchemas: true,
    jsonWithTools: true,
    ...BY_NAME.find(([pattern]) => pattern.test(name))?.[1],
  };
}
