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
   * True if the server knows `stream_options: { include_obfuscation: false }`. A server that knows this option pads each delta with random
   * letters unless the option is sent.
   */
  obfuscates: boolean;
  reasoning: boolean;
  /**
   * When a request asks for a summary of the reasoning. `asked`: always, unless the configuration forbids it. `configured`: only if the
   * configuration asks for it. `refused`: never.
   */
  summaries: "asked" | "configured" | "refused";
  /** True if the model accepts `temperature` and `top_p`. */
  sampling: boolean;
  /** True if the server accepts `max_output_tokens`. */
  tokenLimit: boolean;
  /** True if the server wants the system prompt as a message of the role `developer`; false for the role `system`. */
  developerRole: boolean;
  /**
   * True if each user message becomes an item of its own. OpenAI caches the input up to the end of an item, so an item that grows is read anew.
   * Other servers may refuse two user messages in a row, as the prompt templates of some models do.
   */
  appendsMessages: boolean;
  /** True if the server knows `strict` in tools. On such a server, `strict` is true by default. */
  strict: boolean;
  toolSchemas: "full" | "plain";
  parallelToolCalls: boolean;
  /**
   * True if the server obeys `tool_choice: none`. Otherwise a request that forbids tools is sent without any tools; it then begins
   * differently, so the prompt cache does not match.
   */
  forbidsTools: boolean;
  /**
   * True if the server accepts tools in the middle of the conversation (`additional_tools`), after the tool result that offers them.
   * Otherwise all tools come before the conversation.
   */
  lateTools: boolean;
  /** True if the server accepts a schema for the answer (`text.format`). Otherwise only the prompt describes the schema, in words. */
  jsonSchemas: boolean;
  images: boolean;
  files: boolean;
  /** True if the server accepts pictures in a tool's result. Otherwise they follow in a separate user message. */
  resultImages: boolean;
  /** True if the server accepts its own items back with all keys, including `id`, `status` and `phase`. */
  nativeKeys: boolean;
}

export function quirksOf({ vendor, quirks, reasoning }: Provider, model: string): ResponsesQuirks {
  const { maxTools, cutsPrompts, toolSchemas, parallelToolCalls, forbidsTools, images, files } = quirks;
  const name = nameOf(model);
  const isOpenAi = openai.test(name);
  const reasons = reasoningModels.test(name);
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
    appendsMessages: isOpenAi,
    strict: true,
    toolSchemas,
    parallelToolCalls,
    forbidsTools,
    lateTools: isOpenAi,
    jsonSchemas: true,
    images,
    files,
    resultImages: true,
    nativeKeys: true,
    maxTools,
    cutsPrompts,
    ...vendor?.responses,
  };
}

function nameOf(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

/** Names of OpenAI's own models. `gpt-oss` is not among them, because other providers serve that model. */
const openai = /^(o\d(-|$)|gpt-\d|chatgpt-|codex-)/;
/**
 * OpenAI's models that reason. The chat models of the same generations do not reason. Source: developers.openai.com/api/docs/models
 * (2026-11).
 */
const reasoningModels = /^(o\d(-|$)|gpt-([5-9]|1\d)(?=[.-]|$)(?!.*chat)|codex-)/;

/**
 * Returns the model's family. Models of one family accept each other's reasoning. From GPT-5.6 on, a family is one generation
 * (`gpt-5.6-sol`, `gpt-5.6-luna`). Each older model is a family of its own. A date at the end of the name makes no difference.
 */
export function familyOf(model: string): string {
  const name = nameOf(model).replace(/-\d{4}-\d{2}-\d{2}$/, "");
  const [, generation = "", minor = "0"] = /^gpt-(\d+)(?:\.(\d+))?(?=-|$)/.exec(name) ?? [];
  const isShared = Number(generation) > 5 || (generation === "5" && Number(minor) >= 6);
  return isShared ? `gpt-${generation}.${minor}` : name;
}
