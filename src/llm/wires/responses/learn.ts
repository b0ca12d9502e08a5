import {
  asksForWholeAnswers,
  type LessonRule,
  leavesOutMedia,
  leftOut,
  lessonsBy,
  limitsTools,
  shortensDescriptions,
} from "../shared/lessons.js";
import type { ProviderError } from "../shared/provider-error.js";
import { aboutSomeFiles, aboutTools } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { ResponsesQuirks } from "./quirks.js";

export function lessonsIn(said: ProviderError, used: ResponsesQuirks): Lesson<ResponsesQuirks>[] {
  return lessonsBy(rules, said, used);
}

const refusal =
  /un(supported|known|recogni[sz]ed|expected)|not (currently )?(be )?(supported|permitted|allowed|accepted|available)|(does|do)(n't| not) (support|accept|allow)|extra[_ ](inputs?|fields?|forbidden)|forbidden|invalid (value|request parameter|parameter|argument|field)|deprecated|no longer|must be verified/i;

/** Matches the refusal of images in tool results, such as llama.cpp's "Output of tool call should be 'Input text'". */
const inResults =
  /output of tool call should be|(function_call_output|tool (output|result)).{0,80}(image|text only|only.{0,10}text|string)/i;
const noImages =
  /\b(input_image|image_url|images?|vision)\b.{0,40}\b(not (be )?(support|accept|allow|enable)|only supported)|\b(support|accept|process)\w*[^.]{0,40}\b(input_image|images?)\b/i;

/** Matches a parameter's name at the beginning of the refusal's text, after a quotation mark or after a dot. `names`: a pattern. */
const parameter = (names: string) => new RegExp(`(^|['"\`.])(${names})\\b`, "i");

const rules: readonly LessonRule<ResponsesQuirks>[] = [
  {
    matches: [parameter("include|encrypted content is"), refusal],
    changes: { encryptedReasoning: false },
    note: leftOut("include"),
  },
  {
    matches: [parameter("temperature|top_p"), refusal],
    changes: { sampling: false },
    note: leftOut("temperature and top_p"),
  },
  { matches: [parameter("store"), refusal], changes: { store: false }, note: leftOut("store") },
  {
    matches: [parameter("prompt_cache_key"), refusal],
    changes: { cacheKey: false },
    note: leftOut("prompt_cache_key"),
  },
  {
    matches: [parameter("stream_options|include_obfuscation"), refusal],
    changes: { obfuscates: false },
    note: leftOut("stream_options"),
  },
  {
    matches: [parameter("parallel_tool_calls"), refusal],
    changes: { parallelToolCalls: false },
    note: leftOut("parallel_tool_calls"),
  },
  {
    matches: [parameter("max_output_tokens"), refusal],
    changes: { tokenLimit: false },
    note: leftOut("max_output_tokens"),
  },
  { matches: [parameter("strict"), refusal], changes: { strict: false }, note: leftOut("strict") },
  {
    matches: [parameter("additional_tools"), refusal],
    changes: { lateTools: false },
    note: leftOut("additional_tools"),
  },
  {
    matches: [/\breasoning[._ ]summar(y|ies)\b|\bsummary\b/i, refusal],
    changes: { summaries: "refused" },
    note: "summaries of reasoning are refused; leaving reasoning.summary out from now on",
  },
  // The host does not replace an unknown effort, since another effort would give another answer: the user must correct it.
  {
    matches: [parameter("reasoning"), refusal],
    unless: /unsupported value|supported values/i,
    changes: { reasoning: false },
    note: leftOut("reasoning"),
    isLoss: true,
  },
  {
    matches: [/\binput\W{1,2}\d+\W.{0,40}\b(phase|id|status|annotations|logprobs)\b/i, refusal],
    changes: { nativeKeys: false },
    note: "keys of earlier answers are refused; sending only their text and calls from now on",
  },
  (text, { developerRole }) => {
    const [refused, sent] = developerRole ? ["developer", "system"] : ["system", "developer"];
    if (!refusal.test(text) || !new RegExp(`\\brole\\b|['"\`]${refused}['"\`]`, "i").test(text)) return undefined;
    return {
      changes: { developerRole: !developerRole },
      note: `the role ${refused} is refused; sending ${sent} from now on`,
    };
  },
  {
    matches: [inResults],
    changes: { resultImages: false },
    note: "images in the results of tools are refused; sending them in a user message from now on",
  },
  {
    matches: [noImages],
    unless: aboutSomeFiles,
    changes: { images: false },
    note: "images are refused; sending a note in their place from now on",
  },
  leavesOutMedia,
  {
    matches: [/\btool_choice\b/],
    changes: { forbidsTools: false },
    note: "tool_choice none is refused; sending no tools from now on where calls are forbidden",
  },
  asksForWholeAnswers,
  shortensDescriptions,
  limitsTools(/\btools\b(?!\W{0,2}\d).{0,80}?max(?:imum)?\D{0,40}(\d+)|max(?:imum)?\D{0,40}(\d+) (?:tools|functions)/i),
  {
    matches: [/\btext\.format\b|\bresponse_format\b|\bjson_schema\b/i],
    changes: { jsonSchemas: false },
    note: "a schema of the answer is refused; describing it in the prompt from now on",
  },
  {
    matches: [aboutTools],
    changes: { toolSchemas: "plain" },
    note: "a tool's schema is refused; sending plain schemas from now on",
  },
];
