import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

/** What the models and servers of this wire disagree on. */
export interface ResponsesQuirks extends WireQuirks {
  /** Takes `include: ["reasoning.encrypted_content"]`; OpenAI's models that do not reason answer 400 to it. */
  encryptedReasoning: boolean;
  /** Takes `store: false`. */
  store: boolean;
  /** Takes `prompt_cache_key`. */
  cacheKey: boolean;
  /** Knows `stream_options: { include_obfuscation: false }`, without which each delta is padded with random letters. */
  obfuscates: boolean;
  /** Takes `reasoning`. */
  reasoning: boolean;
  /** `asked`: a summary of its reasoning is asked for unless the configuration says otherwise. `refused`: never. */
  summaries: "asked" | "configured" | "refused";
  /** Takes `temperature` and `top_p`. */
  sampling: boolean;
  /** Takes `max_output_tokens`. */
  tokenLimit: boolean;
  /** Wants the system prompt as a `developer` message, else as a `system` one. */
  developerRole: boolean;
  /** Knows `strict`, which it takes for true where it is left out. */
  strict: boolean;
  toolSchemas: "full" | "plain";
  parallelToolCalls: boolean;
  /** Keeps `tool_choice: none`. Else a request in which no tool may be called is sent without tools, which changes its beginning. */
  forbidsTools: boolean;
  /** Takes tools in the middle of the conversation (`additional_tools`), where a result has brought them. Else all stand before it. */
  lateTools: boolean;
  /** Takes a schema of the answer (`text.format`); a model without it is told the schema in words alone. */
  jsonSchemas: boolean;
  images: boolean;
  /** Takes pictures in the result of a tool, else in a user message after the results. */
  resultImages: boolean;
  /** Takes all keys of its own items back, also `id`, `status` and `phase`. */
  nativeKeys: boolean;
}

/** The quirks of a model before anything is learnt. */
export function quirksOf({ baseUrl, quirks, reasoning }: Provider, model: string): ResponsesQuirks {
  const { maxTools, cutsPrompts, toolSchemas, parallelToolCalls, forbidsTools, images } = quirks;
  const name = nameOf(model);
  const isOpenAi = OPENAI.test(name);
  const reasons = REASONING.test(name);
  return {
    encryptedReasoning: reasons || !isOpenAi,
    store: true,
    cacheKey: true,
    obfuscates: isOpenAi,
    reasoning: true,
    summaries: reasons ? "asked" : "configured",
    sampling: reasons ? reasoning?.effort === "none" : quirks.temperature,
    tokenLimit: true,
    developerRole: isOpenAi || quirks.developerRole,
    strict: true,
    toolSchemas,
    parallelToolCalls,
    forbidsTools,
    lateTools: isOpenAi,
    jsonSchemas: true,
    images,
    resultImages: true,
    nativeKeys: true,
    maxTools,
    cutsPrompts,
    ...HOSTS.find(([host]) => host.test(baseUrl))?.[1],
  };
}

/** Without the vendor that a gateway has before it. */
function nameOf(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

/** OpenAI's own names. `gpt-oss` is served by others. */
const OPENAI = /^(o\d(-|$)|gpt-\d|chatgpt-|codex-)/;
/** Of these, the models that reason: developers.openai.com/api/docs/models (2026-11). The chat models of the same generations do not. */
const REASONING = /^(o\d(-|$)|gpt-([5-9]|1\d)(?=[.-]|$)(?!.*chat)|codex-)/;

/** Servers that refuse what the others take. What is not here is learnt from a refusal. */
const HOSTS: readonly (readonly [RegExp, Partial<ResponsesQuirks>])[] = [
  // Answers "Invalid Responses API request" to what it does not know, whatever that is.
  [/^https?:\/\/openrouter\.ai[:/]/i, { obfuscates: false, lateTools: false }],
  // console.groq.com/docs/responses-api: "unsupported features".
  [
    /^https?:\/\/api\.groq\.com[:/]/i,
    { store: false, encryptedReasoning: false, cacheKey: false, summaries: "refused" },
  ],
];

/**
 * From GPT-5.6 on the models of one generation read each other's reasoning (`gpt-5.6-sol`, `gpt-5.6-luna`); before, each reads its own.
 * A date behind the name is no other model.
 */
export function familyOf(model: string): string {
  const name = nameOf(model).replace(/-\d{4}-\d{2}-\d{2}$/, "");
  const [, generation = "", minor = "0"] = /^gpt-(\d+)(?:\.(\d+))?(?=-|$)/.exec(name) ?? [];
  const isShared = Number(generation) > 5 || (generation === "5" && Number(minor) >= 6);
  return isShared ? `gpt-${generation}.${minor}` : name;
}
