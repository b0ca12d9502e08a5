import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

export interface ResponsesQuirks extends WireQuirks {
  /** True if the model accepts `include: ["reasoning.encrypted_content"]`. OpenAI's models that do not reason answer 400 to it. */
  encryptedReasoning: boolean;
  /** True if the server accepts `store: false`. */
  store: boolean;
  /** True if the server accepts `prompt_cache_key`. */
  cacheKey: boolean;
  /**
   * True if the server knows `stream_options: { include_obfuscation: false }`. Without this option it pads each delta with random letters.
   */
  obfuscates: boolean;
  reasoning: boolean;
  /**
   * When the request asks for a summary of the reasoning. `asked`: unless the configuration says otherwise. `configured`: only if the
   * configuration says so. `refused`: never.
   */
  summaries: "asked" | "configured" | "refused";
  /** True if the model accepts `temperature` and `top_p`. */
  sampling: boolean;
  /** True if the server accepts `max_output_tokens`. */
  tokenLimit: boolean;
  /** True if the server wants the system prompt as a `developer` message, false for a `system` message. */
  developerRole: boolean;
  /** True if the server knows `strict` for tools, whose default is then true. */
  strict: boolean;
  toolSchemas: "full" | "plain";
  parallelToolCalls: boolean;
  /** True if the server obeys `tool_choice: none`. Otherwise such a request is sent without tools, which changes its beginning. */
  forbidsTools: boolean;
  /**
   * True if the server accepts tools in the middle of the conversation (`additional_tools`), after the result that found them. Otherwise
   * all tools come before the conversation.
   */
  lateTools: boolean;
  /** True if the server accepts a schema of the answer (`text.format`). Otherwise the schema is described in words. */
  jsonSchemas: boolean;
  images: boolean;
  /** True if the server accepts pictures in a tool's result. Otherwise they follow in a user message. */
  resultImages: boolean;
  /** True if the server takes back all keys of items that it wrote, including `id`, `status` and `phase`. */
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

/** Names of OpenAI's own models. `gpt-oss` is not among them, because others serve it. */
const OPENAI = /^(o\d(-|$)|gpt-\d|chatgpt-|codex-)/;
/**
 * OpenAI's models that reason, from developers.openai.com/api/docs/models (2026-11). The chat models of the same generations do not reason.
 */
const REASONING = /^(o\d(-|$)|gpt-([5-9]|1\d)(?=[.-]|$)(?!.*chat)|codex-)/;

/** Servers that are known to refuse something. Other refusals are learnt when they happen. */
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
 * Returns the model's family, whose models accept each other's reasoning. From GPT-5.6 on, a family is one generation (`gpt-5.6-sol`,
 * `gpt-5.6-luna`); before that, it is the model alone. A date after the name does not count.
 */
export function familyOf(model: string): string {
  const name = nameOf(model).replace(/-\d{4}-\d{2}-\d{2}$/, "");
  const [, generation = "", minor = "0"] = /^gpt-(\d+)(?:\.(\d+))?(?=-|$)/.exec(name) ?? [];
  const isShared = Number(generation) > 5 || (generation === "5" && Number(minor) >= 6);
  return isShared ? `gpt-${generation}.${minor}` : name;
}
