import { asObject } from "../../../core/json.js";
import type { Provider } from "../../providers/providers.js";
import type { WireQuirks } from "../wire.js";

export interface MessagesQuirks extends WireQuirks {
  /** How a request asks for thinking: `adaptive` by an effort, `budget` by a number of tokens, `none` not at all. */
  thinking: "adaptive" | "budget" | "none";
  thinksUnasked: boolean;
  /**
   * Value of `thinking.type` that turns thinking off, for models that think by default. `none`: no value turns it off, so the request asks
   * for the lowest effort instead.
   */
  stopsThinking: "disabled" | "between_tools" | "none";
  /** True if requests must set `display: "summarized"` to get the thinking as text. */
  wantsDisplay: boolean;
  /** True if the model accepts `output_config.effort`. */
  effort: boolean;
  /** Whether the model accepts `temperature` and `top_p`: `both` together, only `one` of them in a request, or `none`. */
  sampling: "both" | "one" | "none";
  /** Maximum number of tokens of an answer, including thinking. The API accepts no higher `max_tokens`. */
  maxOutput: number;
  /** True if the provider accepts `cache_control`. */
  cache: boolean;
  /**
   * True if the model accepts tools whose definition it reads only when a tool result refers to them (`defer_loading`, `tool_reference`).
   */
  lateTools: boolean;
  /** True if the model accepts `tool_choice` of the type `any` or `tool`. */
  forcedTools: boolean;
  /** True if the provider accepts `tool_choice`. */
  toolChoice: boolean;
  /** True if the provider accepts `disable_parallel_tool_use` within `tool_choice`. */
  parallelChoice: boolean;
  toolSchemas: "full" | "plain";
  /**
   * True if the model accepts a schema for the answer (`output_config.format`). Otherwise only the prompt describes the schema, in words.
   */
  jsonSchemas: boolean;
  images: boolean;
  files: boolean;
  /** True if thinking must be sent back together with the calls after it, even thinking that another provider's model wrote (DeepSeek). */
  echoThinking: boolean;
}

type ModelQuirks = Omit<MessagesQuirks, "maxTools" | "cutsPrompts" | "toolSchemas" | "images" | "files">;

/**
 * Quirks of models other than Claude: only the oldest features of this API. The host learns what else is refused from answers with status
 * 400.
 */
const others: ModelQuirks = {
  thinking: "budget",
  thinksUnasked: false,
  stopsThinking: "disabled",
  wantsDisplay: false,
  effort: false,
  sampling: "both",
  maxOutput: Number.POSITIVE_INFINITY,
  cache: true,
  lateTools: false,
  forcedTools: true,
  toolChoice: true,
  parallelChoice: true,
  jsonSchemas: false,
  echoThinking: false,
};

/** Matches the name of a Claude model at any provider: `claude-opus-5-5`, `anthropic/claude-haiku-4.5`, `claude-3-5-sonnet-20241022`. */
const claude = /claude-(?:(opus|sonnet|haiku|fable)-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)/;

/**
 * Returns a Claude model's quirks by its version. A model newer than all known ones gets the quirks of the newest. Source: the pages
 * `adaptive-thinking`, `thinking-troubleshooting` and `tool-search-tool` of https://platform.claude.com/docs (2026-11).
 */
function claudeQuirks(kind: string | undefined, version: number): ModelQuirks {
  const isOpus = kind === "opus";
  const old: ModelQuirks = { ...others, thinking: "none", sampling: "one", maxOutput: version < 3.05 ? 4096 : 8192 };
  if (version < 3.07) return old;
  const budget: ModelQuirks = { ...old, thinking: "budget", maxOutput: isOpus ? 32_000 : 64_000 };
  if (version < 4.05) return { ...budget, jsonSchemas: isOpus && version > 4 };
  const late: ModelQuirks = { ...budget, maxOutput: 64_000, lateTools: true, jsonSchemas: true, effort: isOpus };
  if (version < 4.06) return late;
  const adaptive: ModelQuirks = { ...late, thinking: "adaptive", maxOutput: 128_000, effort: true };
  if (version < 4.07) return adaptive;
  const quiet: ModelQuirks = { ...adaptive, sampling: "none", wantsDisplay: true };
  if (version < 5) return quiet;
  const thinking: ModelQuirks = { ...quiet, thinksUnasked: true };
  const isNewest = version >= (kind === "fable" ? 5.01 : 5.05) && kind !== "haiku";
  if (!isNewest) return thinking;
  return { ...thinking, forcedTools: false, ...(kind === "sonnet" && { stopsThinking: "between_tools" }) };
}

export function quirksOf({ quirks, baseUrl }: Pick<Provider, "quirks" | "baseUrl">, model: string): MessagesQuirks {
  const [, kind, major = "", minor = ""] = claude.exec(model) ?? [];
  const { maxTools, cutsPrompts, toolSchemas, images, files, temperature } = quirks;
  const own = major ? claudeQuirks(kind, Number(major) + Number(minor) / 100) : others;
  return {
    ...own,
    ...(temperature ? {} : { sampling: "none" }),
    // Source: https://api-docs.deepseek.com/guides/anthropic_api
    ...(/\bdeepseek\b/.test(baseUrl) ? { echoThinking: true } : {}),
    maxTools,
    cutsPrompts,
    toolSchemas,
    images,
    files,
  };
}

/** Returns a model's family. All Claude models are one family, because each accepts or ignores the thinking of the others. */
export function familyOf(model: string): string {
  return claude.test(model) ? "claude" : model;
}

/** The configured `llm.providers.*.reasoning`: `{ effort, summary, max_tokens, enabled }`. */
export interface Reasoning {
  /** Whether the configuration wants thinking. `unsaid`: the model decides. */
  wanted: "yes" | "no" | "unsaid";
  effort: string | undefined;
  budget: number | undefined;
  isShown: boolean;
}

export function reasoningOf(configured: Record<string, unknown> | undefined): Reasoning {
  const { effort, summary, max_tokens, enabled } = asObject(configured) ?? {};
  const isOff = effort === "none" || enabled === false;
  const isOn = effort !== undefined || max_tokens !== undefined || enabled === true;
  return {
    wanted: isOff ? "no" : isOn ? "yes" : "unsaid",
    effort: typeof effort !== "string" || isOff ? undefined : effort === "minimal" ? "low" : effort,
    budget: typeof max_tokens === "number" ? max_tokens : undefined,
    isShown: summary !== "none",
  };
}
