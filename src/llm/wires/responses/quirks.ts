import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

export interface ResponsesQuirks extends WireQuirks {
  /** Takes `include: ["reasoning.encrypted_content"]`; OpenAI's models that do not reason answer 400 to it. */
  encryptedReasoning: boolean;
  /** Takes `store: false`. */
  store: boolean;
  /** Takes `prompt_cache_key`. */
  cacheKey: boolean;
  /** Knows `stream_options: { include_obfuscation: false }`; without it each delta is padded with random letters. */
  obfuscates: boolean;
  reasoning: boolean;
  /** `asked`: a summary is requested unless the configuration says otherwise. `refused`: never. */
  summaries: "asked" | "configured" | "refused";
  /** Takes `temperature` and `top_p`. */
  sampling: boolean;
  /** Takes `max_output_tokens`. */
  tokenLimit: boolean;
  /** Wants the system prompt as a `developer` message, otherwise as a `system` one. */
  developerRole: boolean;
  /** Knows `strict`, with true as its default. */
  strict: boolean;
  toolSchemas: "full" | "plain";
  parallelToolCalls: boolean;
  /** Obeys `tool_choice: none`. Otherwise such a request is sent without tools, which changes its beginning. */
  forbidsTools: boolean;
  /**
   * Takes tools in the middle of the conversation (`additional_tools`), after the result that found them. Otherwise all stand before it.
   */
  lateTools: boolean;
  /** Takes a schema of the answer (`text.format`); otherwise the schema is given in words. */
  jsonSchemas: boolean;
  images: boolean;
  /** Takes pictures in a tool's result; otherwise they follow in a user message. */
  resultImages: boolean;
  /** Takes back all keys of its own items, also `id`, `status` and `phase`. */
  nativeKeys: boolean;
}

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

function nameOf(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

/** OpenAI's own names. `gpt-oss` is served by others. */
const OPENAI = /^(o\d(-|$)|gpt-\d|chatgpt-|codex-)/;
/** OpenAI's models that reason: developers.openai.com/api/docs/models (2026-11). The chat models of the same generations do not. */
const REASONING = /^(o\d(-|$)|gpt-([5-9]|1\d)(?=[.-]|$)(?!.*chat)|codex-)/;

/** Servers that refuse what others take. The rest is learnt from refusals. */
const HOSTS: readonly (readonly [RegExp, Partial<ResponsesQuirks>])[] = [
  // OpenRouter answers "Invalid Responses API request" to anything it does not know.
  [/^https?:\/\/openrouter\.ai[:/]/i, { obfuscates: false, lateTools: false }],
  // console.groq.com/docs/responses-api: "unsupported features".
  [
    /^https?:\/\/api\.groq\.com[:/]/i,
    { store: false, encryptedReasoning: false, cacheKey: false, summaries: "refused" },
  ],
];

/**
 * Returns the family that reads the model's reasoning: from GPT-5.6 on one generation (`gpt-5.6-sol`, `gpt-5.6-luna`), before that the
 * model alone. A date after the name does not count.
 */
export function familyOf(model: string): string {
  const name = nameOf(model).replace(/-\d{4}-\d{2}-\d{2}$/, "");
  const [, generation = "", minor = "0"] = /^gpt-(\d+)(?:\.(\d+))?(?=-|$)/.exec(name) ?? [];
  const isShared = Number(generation) > 5 || (generation === "5" && Number(minor) >= 6);
  return isShared ? `gpt-${generation}.${minor}` : name;
}
