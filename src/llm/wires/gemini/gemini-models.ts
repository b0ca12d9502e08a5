import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

/** Levels of thinking from Gemini 3 on, the lowest first. */
type Level = "minimal" | "low" | "medium" | "high";

export interface GeminiQuirks extends WireQuirks {
  /** How a request sets the depth of thinking. Models that cannot think refuse both settings. */
  thinking: "level" | "budget" | "none";
  levels: readonly Level[];
  /** Least budget for thinking, in tokens. 0: thinking can be switched off. */
  leastBudget: number;
  /** True if the model thinks without being asked to, so that a request may ask for its thoughts. */
  thinksUnasked: boolean;
  showsThoughts: boolean;
  /** True if the API checks thought signatures: it then refuses an answer of the current turn whose first call has no signature. */
  checksSignatures: boolean;
  /** True if ids of calls may be sent back to the provider. Vertex refuses these ids. */
  sendsIds: boolean;
  /** Where pictures of a tool's result go: `inside` the part with the result, or as separate parts `beside` it. */
  resultMedia: "inside" | "beside";
  /** `json`: JSON Schema. `plain`: the subset of OpenAPI that `parameters` accepts. */
  toolSchemas: "json" | "plain";
  jsonSchemas: boolean;
  /** True if a request may have both tools and a schema for the answer. */
  jsonWithTools: boolean;
  images: boolean;
  audio: boolean;
  files: boolean;
}

const three: Partial<GeminiQuirks> = {};
const before: Partial<GeminiQuirks> = {
  thinking: "budget",
  checksSignatures: false,
  resultMedia: "beside",
  jsonWithTools: false,
};

/**
 * Quirks by the model's name. The first match counts; an unknown name counts as a newer model. Source: the pages `thinking`,
 * `thought-signatures` and `function-calling` of ai.google.dev/gemini-api/docs (2026-11).
 */
const byName: readonly (readonly [RegExp, Partial<GeminiQuirks>])[] = [
  [/^gemini-3-pro/, { levels: ["low", "high"] }],
  [/^gemini-([3-9]|\d\d)[^-]*-pro/, { levels: ["low", "medium", "high"] }],
  [/^gemini-([3-9]|\d\d)/, three],
  [/^gemini-2\.5-flash-lite/, { ...before, thinksUnasked: false }],
  [/^gemini-2\.5-pro/, { ...before, leastBudget: 128 }],
  [/^gemini-2\.5/, before],
  [/^(gemini-[12]\b|gemma|learnlm)/, { ...before, thinking: "none" }],
];

export function geminiModelQuirks(
  { quirks: { maxTools, images, audio, files } }: Provider,
  model: string,
): GeminiQuirks {
  const name = model.slice(model.lastIndexOf("/") + 1);
  return {
    maxTools,
    images,
    audio,
    files,
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
    ...byName.find(([pattern]) => pattern.test(name))?.[1],
  };
}
