import { type LessonRule, lessonsBy, limitsTools, sets } from "../shared/lessons.js";
import type { ProviderError } from "../shared/provider-error.js";
import { ABOUT_TOOLS } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { ResponsesQuirks } from "./quirks.js";

export function lessonsIn(said: ProviderError, used: ResponsesQuirks): Lesson<ResponsesQuirks>[] {
  return lessonsBy(RULES, said, used);
}

const REFUSED =
  /un(supported|known|recogni[sz]ed|expected)|not (currently )?(be )?(supported|permitted|allowed|accepted|available)|(does|do)(n't| not) (support|accept|allow)|extra[_ ](inputs?|fields?|forbidden)|forbidden|invalid (value|request parameter|parameter|argument|field)|deprecated|no longer|must be verified/i;

/**
 * Matches the refusal of reasoning that comes from another account or model, or that is sent without the item it belongs to. Sources of the
 * texts: openai/codex#17541, sub2api#3138 and llama.cpp.
 */
const KEPT_REFUSED =
  /invalid_?encrypted_?content|encrypted content .{0,80}could not be|item with id '(rs|fc|msg|cmp)_[^']*' not found|provided without its required|item\['content'\] is not an array|id_mismatch/i;

const RULES: readonly LessonRule<ResponsesQuirks>[] = [
  (text) => {
    if (!KEPT_REFUSED.test(text)) return undefined;
    return {
      forgetsKept: true,
      note: "the reasoning of earlier answers is refused; it is left out of this conversation's history from now on",
    };
  },
  without("encryptedReasoning", "include|encrypted content is", "include"),
  without("sampling", "temperature|top_p", "temperature and top_p"),
  without("store", "store", "store"),
  without("cacheKey", "prompt_cache_key", "prompt_cache_key"),
  without("obfuscates", "stream_options|include_obfuscation", "stream_options"),
  without("parallelToolCalls", "parallel_tool_calls", "parallel_tool_calls"),
  without("tokenLimit", "max_output_tokens", "max_output_tokens"),
  without("strict", "strict", "strict"),
  without("lateTools", "additional_tools", "additional_tools"),
  sets(
    "summaries",
    "refused",
    "summaries of reasoning are refused; leaving reasoning.summary out from now on",
    /\breasoning[._ ]summar(y|ies)\b|\bsummary\b/i,
    REFUSED,
  ),
  (text, used) =>
    // The host does not replace an unknown effort, since another effort would give another answer: the user must correct it.
    /unsupported value|supported values/i.test(text)
      ? undefined
      : without("reasoning", "reasoning", "reasoning")(text, used),
  sets(
    "nativeKeys",
    false,
    "keys of earlier answers are refused; sending their text and calls alone from now on",
    /\binput\W{1,2}\d+\W.{0,40}\b(phase|id|status|annotations|logprobs)\b/i,
    REFUSED,
  ),
  (text, { developerRole }) => {
    const [refused, sent] = developerRole ? ["developer", "system"] : ["system", "developer"];
    if (!REFUSED.test(text) || !new RegExp(`\\brole\\b|['"\`]${refused}['"\`]`, "i").test(text)) return undefined;
    return {
      changes: { developerRole: !developerRole },
      note: `the role ${refused} is refused; sending ${sent} from now on`,
    };
  },
  (text, { images, resultImages }) => {
    if (!images || !resultImages || !IN_RESULTS.test(text)) return undefined;
    return {
      changes: { resultImages: false },
      note: "images in the results of tools are refused; sending them in a user message from now on",
    };
  },
  (text, { images }) => {
    if (!images || !NO_IMAGES.test(text) || WRONG_IMAGE.test(text)) return undefined;
    return { changes: { images: false }, note: "images are refused; sending a word on them from now on" };
  },
  sets(
    "forbidsTools",
    false,
    "tool_choice none is refused; sending no tools from now on where none may be called",
    /\btool_choice\b/,
  ),
  limitsTools(/\btools\b(?!\W{0,2}\d).{0,80}?max(?:imum)?\D{0,40}(\d+)|max(?:imum)?\D{0,40}(\d+) (?:tools|functions)/i),
  sets(
    "jsonSchemas",
    false,
    "a schema of the answer is refused; saying it in words from now on",
    /\btext\.format\b|\bresponse_format\b|\bjson_schema\b/i,
  ),
  sets("toolSchemas", "plain", "a tool's schema is refused; sending plain schemas from now on", ABOUT_TOOLS),
];

/** Matches the refusal of images in tool results, such as llama.cpp's "Output of tool call should be 'Input text'". */
const IN_RESULTS =
  /output of tool call should be|(function_call_output|tool (output|result)).{0,80}(image|text only|only.{0,10}text|string)/i;
const NO_IMAGES =
  /\b(input_image|image_url|images?|vision)\b.{0,40}\b(not (be )?(support|accept|allow)|only supported)|\b(support|accept|process)\w*[^.]{0,40}\b(input_image|images?)\b/i;
/** Matches the refusal of one particular image, as opposed to the refusal of all images. */
const WRONG_IMAGE = /format|mime|media.?type|size|large|dimension|base64|download|fetch|decode/i;

type Flag = { [K in keyof ResponsesQuirks]: ResponsesQuirks[K] extends boolean ? K : never }[keyof ResponsesQuirks];

/**
 * Returns a rule that leaves out parameters once they are refused. `names`: pattern of the parameters' names. A name counts only at the
 * beginning of the refusal's text, after a quotation mark or after a dot.
 */
function without(quirk: Flag, names: string, what: string): LessonRule<ResponsesQuirks> {
  const named = new RegExp(`(^|['"\`.])(${names})\\b`, "i");
  const [is, it] = what.includes(" and ") ? ["are", "them"] : ["is", "it"];
  return (text, used) =>
    used[quirk] && named.test(text) && REFUSED.test(text)
      ? {
          changes: { [quirk]: false },
          isLoss: quirk === "reasoning",
          note: `${what} ${is} refused; leaving ${it} out from now on`,
        }
      : undefined;
}
