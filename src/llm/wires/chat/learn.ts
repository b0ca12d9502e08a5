import type { Quirks } from "../../providers/presets.js";
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

export function lessonsIn(said: ProviderError, used: Quirks): Lesson<Quirks>[] {
  return lessonsBy(rules, said, used);
}

/**
 * OpenAI's refusals of newer models: "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please
 * use /v1/responses instead." and "This model is only supported in v1/responses and not in v1/chat/completions."
 */
export const wantsResponses = /\b(use|only( \w+){1,3} (in|through|via|with))\b[^.]{0,20}\bv1\/responses\b/i;

const refused =
  /un(supported|known|recogni[sz]ed|expected)|not (currently )?(be )?(supported|permitted|allowed|accepted|available)|(does|do)(n't| not) (support|accept|allow)|extra[_ ](inputs?|fields?|forbidden)|forbidden|invalid (request )?(parameter|argument|field|property)|\bonly\b.{0,60}(allowed|supported)|cannot (both )?be (used|set|specified)|cannot find field|deprecated|no longer/i;
const wanted = /must be (passed|provided|included|set|present)|pass(ed)? back|missing|required/i;
const notNull =
  /<nil>|\bnull\b|\bnone\b|NoneType|(valid|be a|expected a?) ?string|missing field|is required|required property/i;
const empty =
  /non-?empty|(not|cannot|can't) be (empty|blank)|too short|at least (1|one)|empty (string|text|content)|\bblank\b/i;
const idForm = /length|pattern|alphanumeric|too long|must (be|match|contain)|characters/i;
/** Matches the refusal of a user message right after a tool's result, as Mistral and the prompt templates of its models word it. */
const userAfterTool = /\buser\b\W{1,3}after (the )?(role )?\W?tool\b|roles must alternate/i;
/**
 * Match the refusal of all images or all audio, but not of a single wrong file. Groq's models without pictures refuse a content that is not a string.
 */
const noImages = new RegExp(
  `multimodal|content must be a string|required for image input|at most 0 image|${noneOf("image_url|images?|vision")}`,
  "i",
);
const noAudio = new RegExp(noneOf("input_audio|audio"), "i");

/**
 * Matches the refusal of an output format, as OpenAI, Groq, DeepSeek and llama.cpp word it. The last two alternatives match refusals of
 * requests that have both a format and tools.
 */
const jsonMode = /\bresponse_format\b|\bjson_?schema\b|\bjson mode\b|custom grammar constraints with tools/i;

function noneOf(what: string): string {
  return `unknown variant \\W?(${what})|\\b(${what}) is only supported|\\b(support|accept|process)\\w*[^.]{0,40}\\b(${what})\\b|\\b(${what})\\b[^.]{0,30}\\bnot (be )?(support|accept|allow|enable)`;
}

const rules: readonly LessonRule<Quirks>[] = [
  {
    matches: [wantsResponses],
    wire: "responses",
    note: "Chat Completions is refused for this model; using the wire responses from now on",
  },
  {
    matches: [noImages],
    unless: aboutSomeFiles,
    changes: { images: false },
    note: "images are refused; sending a note in their place from now on",
  },
  {
    matches: [noAudio],
    unless: aboutSomeFiles,
    changes: { audio: false },
    note: "audio is refused; sending a note in its place from now on",
  },
  leavesOutMedia,
  (text, { tokenLimitKey: sent }) => {
    const other = sent === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    const first = /\bmax_(completion_)?tokens\b/.exec(text)?.[0];
    if (first !== sent || !refused.test(text)) return undefined;
    return { changes: { tokenLimitKey: other }, note: `${sent} is refused; sending ${other} from now on` };
  },
  {
    matches: [jsonMode],
    changes: { jsonSchemas: false },
    note: "response_format is refused; describing the schema in the prompt from now on",
  },
  {
    matches: [/\b(temperature|top_p)\b/, refused],
    changes: { temperature: false },
    note: leftOut("temperature and top_p"),
  },
  {
    matches: [/\b(stream_options|include_usage)\b/, refused],
    changes: { streamUsage: false },
    note: leftOut("stream_options"),
  },
  {
    matches: [/\bparallel_tool_calls\b/, refused],
    changes: { parallelToolCalls: false },
    note: leftOut("parallel_tool_calls"),
  },
  {
    matches: [/\btool_choice\b/],
    changes: { forbidsTools: false },
    note: "tool_choice none is refused; sending no tools from now on where calls are forbidden",
  },
  {
    matches: [/\b(extra_content|thought_signature|reasoning_details)\b/, refused],
    changes: { echoesOpaque: false },
    note: leftOut("extra_content"),
  },
  {
    matches: [/\breasoning_content\b/, refused],
    changes: { echoReasoning: false },
    note: leftOut("reasoning_content"),
  },
  {
    matches: [/\breasoning_content\b/, wanted],
    changes: { echoReasoning: true },
    note: "reasoning_content is wanted with tool calls; sending it from now on",
  },
  {
    matches: [/\bthought_?signature/i, wanted],
    changes: { echoesOpaque: true },
    note: "thought signatures are wanted; sending them from now on",
  },
  {
    matches: [/\bproperties\b/, empty],
    changes: { emptyProperties: false },
    note: "empty properties are refused; leaving them out from now on",
  },
  {
    matches: [userAfterTool],
    changes: { bridgesResults: true },
    note: "a user's message right after a tool's result is refused; putting an answer between them from now on",
  },
  (text, { reasoningKey: sent }) => {
    if (sent === "none" || !new RegExp(`\\b${sent}\\b`).test(text) || !refused.test(text)) return undefined;
    const value = sent === "reasoning" ? "reasoning_effort" : "none";
    const instead = value === "none" ? "leaving it out" : `sending ${value}`;
    const isLoss = value === "none";
    return { changes: { reasoningKey: value }, note: `${sent} is refused; ${instead} from now on`, isLoss };
  },
  {
    matches: [/\b(developer|role)\b/i],
    changes: { developerRole: false },
    note: "the role developer is refused; sending system from now on",
  },
  {
    matches: [/\brole\b/i, /\bsystem\b/i, refused],
    changes: { developerRole: true },
    note: "the role system is refused; sending developer from now on",
  },
  (text, { nullContent }) => {
    if (!/\bcontent\b/i.test(text) || !(nullContent ? notNull : empty).test(text)) return undefined;
    const note = nullContent
      ? "content null is refused; sending an empty text from now on"
      : "empty content is refused; sending null from now on";
    return { changes: { nullContent: !nullContent }, note };
  },
  (text, { toolIds }) => {
    const named = /tool.?(call|use)s?\W{0,2}(\[?\d+\]?\W)?.{0,3}\bid\b|\btool_(call|use)_id\b/i.test(text);
    if (toolIds !== "any" || !named || !idForm.test(text)) return undefined;
    const note = "ids of tool calls are refused; sending nine letters and digits from now on";
    return { changes: { toolIds: "nine_alphanumeric" }, note };
  },
  asksForWholeAnswers,
  shortensDescriptions,
  limitsTools(
    /\b(?:tools|functions)\b(?!\W{0,2}\d).{0,80}?max(?:imum)?\D{0,40}(\d+)|max(?:imum)?\D{0,40}(\d+) (?:tools|functions)/i,
  ),
  {
    matches: [aboutTools],
    changes: { toolSchemas: "plain" },
    note: "a tool's schema is refused; sending plain schemas from now on",
  },
];
