import type { Quirks } from "../../providers/presets.js";
import type { ProviderError } from "../shared/provider-error.js";
import { isAboutTools, refusalText } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";

type QuirkLesson = {
  [K in keyof Quirks]: { quirk: K; value: Quirks[K]; note: string; isLoss?: boolean };
}[keyof Quirks];

/**
 * Returns possible lessons of a refused request (a 400), most likely first. A lesson changes how later requests are written. Providers word
 * a refusal in a dozen ways, so a lesson is only a guess: the caller checks that the lesson changes the request, and applies each lesson
 * only once.
 */
export function lessonsIn(said: ProviderError, used: Quirks): Lesson<Quirks>[] {
  const text = refusalText(said);
  const byRule = RULES.flatMap((rule): Lesson<Quirks>[] => {
    const lesson = rule(text, used);
    return lesson ? [{ changes: { [lesson.quirk]: lesson.value }, note: lesson.note, isLoss: lesson.isLoss }] : [];
  });
  return WANTS_RESPONSES.test(text) ? [responses, ...byRule] : byRule;
}

/**
 * OpenAI's refusals of newer models: "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please
 * use /v1/responses instead." and "This model is only supported in v1/responses and not in v1/chat/completions."
 */
export const WANTS_RESPONSES = /\b(use|only( \w+){1,3} (in|through|via|with))\b[^.]{0,20}\bv1\/responses\b/i;

const responses: Lesson<Quirks> = {
  wire: "responses",
  note: "Chat Completions is refused for this model; using the wire responses from now on",
};

type Rule = (text: string, used: Quirks) => QuirkLesson | undefined;

const REFUSED =
  /un(supported|known|recogni[sz]ed|expected)|not (currently )?(be )?(supported|permitted|allowed|accepted|available)|(does|do)(n't| not) (support|accept|allow)|extra[_ ](inputs?|fields?|forbidden)|forbidden|invalid (request )?(parameter|argument|field|property)|\bonly\b.{0,60}(allowed|supported)|cannot (both )?be (used|set|specified)|cannot find field|deprecated|no longer/i;
const WANTED = /must be (passed|provided|included|set|present)|pass(ed)? back|missing|required/i;
const NOT_NULL =
  /<nil>|\bnull\b|\bnone\b|NoneType|(valid|be a|expected a?) ?string|missing field|is required|required property/i;
const EMPTY =
  /non-?empty|(not|cannot|can't) be (empty|blank)|too short|at least (1|one)|empty (string|text|content)|\bblank\b/i;
const ID_FORM = /length|pattern|alphanumeric|too long|must (be|match|contain)|characters/i;
/** Matches the refusal of a user message right after a tool's result, as Mistral and the prompt templates of its models word it. */
const USER_AFTER_TOOL = /\buser\b\W{1,3}after (the )?(role )?\W?tool\b|roles must alternate/i;
/** Matches the refusal of all images or all audio, but not of a single wrong file. */
const NO_IMAGES = noneOf("image_url|images?|vision");
const NO_AUDIO = noneOf("input_audio|audio");
const WRONG_MEDIA = /format|mime|media.?type|size|large|dimension|base64|download|fetch|decode/i;

/**
 * Matches the refusal of an output format, as OpenAI, Groq, DeepSeek and llama.cpp word it. The last two alternatives match refusals of
 * requests that have both a format and tools.
 */
const JSON_MODE = /\bresponse_format\b|\bjson_?schema\b|\bjson mode\b|custom grammar constraints with tools/i;

function noneOf(what: string): RegExp {
  return new RegExp(
    `unknown variant \\W?(${what})|\\b(${what}) is only supported|\\b(support|accept|process)\\w*[^.]{0,40}\\b(${what})\\b|\\b(${what})\\b[^.]{0,30}\\bnot (be )?(support|accept|allow)`,
    "i",
  );
}

function withoutMedia(text: string, used: Quirks, quirk: "images" | "audio", names: RegExp): QuirkLesson | undefined {
  if (!used[quirk] || !names.test(text) || WRONG_MEDIA.test(text)) return undefined;
  return { quirk, value: false, note: `${quirk} is refused; sending a word on it from now on` };
}

const RULES: readonly Rule[] = [
  (text, used) => withoutMedia(text, used, "images", NO_IMAGES),
  (text, used) => withoutMedia(text, used, "audio", NO_AUDIO),
  (text, { tokenLimitKey: sent }) => {
    const other = sent === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    const first = /\bmax_(completion_)?tokens\b/.exec(text)?.[0];
    if (first !== sent || !REFUSED.test(text)) return undefined;
    return { quirk: "tokenLimitKey", value: other, note: `${sent} is refused; sending ${other} from now on` };
  },
  (text, { jsonSchemas }) => {
    if (!jsonSchemas || !JSON_MODE.test(text)) return undefined;
    const note = "response_format is refused; saying the schema in words from now on";
    return { quirk: "jsonSchemas", value: false, note };
  },
  (text, used) => without(text, used, "temperature", /\b(temperature|top_p)\b/, "temperature and top_p"),
  (text, used) => without(text, used, "streamUsage", /\b(stream_options|include_usage)\b/, "stream_options"),
  (text, used) => without(text, used, "parallelToolCalls", /\bparallel_tool_calls\b/, "parallel_tool_calls"),
  (text, { forbidsTools }) => {
    if (!forbidsTools || !/\btool_choice\b/.test(text)) return undefined;
    const note = "tool_choice none is refused; sending no tools from now on where none may be called";
    return { quirk: "forbidsTools", value: false, note };
  },
  (text, used) =>
    without(text, used, "echoesOpaque", /\b(extra_content|thought_signature|reasoning_details)\b/, "extra_content"),
  (text, used) => without(text, used, "echoReasoning", /\breasoning_content\b/, "reasoning_content"),
  (text, { echoReasoning }) => {
    if (echoReasoning || !/\breasoning_content\b/.test(text) || !WANTED.test(text)) return undefined;
    return {
      quirk: "echoReasoning",
      value: true,
      note: "reasoning_content is wanted with tool calls; sending it from now on",
    };
  },
  (text, { echoesOpaque }) => {
    if (echoesOpaque || !/\bthought_?signature/i.test(text) || !WANTED.test(text)) return undefined;
    return { quirk: "echoesOpaque", value: true, note: "thought signatures are wanted; sending them from now on" };
  },
  (text, { emptyProperties }) => {
    if (!emptyProperties || !/\bproperties\b/.test(text) || !EMPTY.test(text)) return undefined;
    return {
      quirk: "emptyProperties",
      value: false,
      note: "empty properties are refused; leaving them out from now on",
    };
  },
  (text, { bridgesResults }) => {
    if (bridgesResults || !USER_AFTER_TOOL.test(text)) return undefined;
    return {
      quirk: "bridgesResults",
      value: true,
      note: "a user's message right after a tool's result is refused; putting an answer between them from now on",
    };
  },
  (text, { reasoningKey: sent }) => {
    if (sent === "none" || !new RegExp(`\\b${sent}\\b`).test(text) || !REFUSED.test(text)) return undefined;
    const value = sent === "reasoning" ? "reasoning_effort" : "none";
    const instead = value === "none" ? "leaving it out" : `sending ${value}`;
    const isLoss = value === "none";
    return { quirk: "reasoningKey", value, note: `${sent} is refused; ${instead} from now on`, isLoss };
  },
  (text, { developerRole }) => {
    if (!developerRole || !/\b(developer|role)\b/i.test(text)) return undefined;
    return {
      quirk: "developerRole",
      value: false,
      note: "the role developer is refused; sending system from now on",
    };
  },
  (text, { developerRole }) => {
    if (developerRole || !/\brole\b/i.test(text) || !/\bsystem\b/i.test(text) || !REFUSED.test(text)) return undefined;
    return { quirk: "developerRole", value: true, note: "the role system is refused; sending developer from now on" };
  },
  (text, { nullContent }) => {
    if (!/\bcontent\b/i.test(text) || !(nullContent ? NOT_NULL : EMPTY).test(text)) return undefined;
    const note = nullContent
      ? "content null is refused; sending an empty text from now on"
      : "empty content is refused; sending null from now on";
    return { quirk: "nullContent", value: !nullContent, note };
  },
  (text, { toolIds }) => {
    const named = /tool.?(call|use)s?\W{0,2}(\[?\d+\]?\W)?.{0,3}\bid\b|\btool_(call|use)_id\b/i.test(text);
    if (toolIds !== "any" || !named || !ID_FORM.test(text)) return undefined;
    return {
      quirk: "toolIds",
      value: "nine_alphanumeric",
      note: "ids of tool calls are refused; sending nine letters and digits from now on",
    };
  },
  (text, { maxTools }) => {
    const limit =
      /\b(tools|functions)\b(?!\W{0,2}\d).{0,80}?max(imum)?\D{0,40}(\d+)|max(imum)?\D{0,40}(\d+) (tools|functions)/i.exec(
        text,
      );
    const value = Number(limit?.[3] ?? limit?.[5]);
    if (!(value > 0 && value < maxTools)) return undefined;
    return {
      quirk: "maxTools",
      value,
      note: `more than ${value} tools are refused; sending the first ${value} from now on`,
    };
  },
  (text, { toolSchemas }) => {
    if (toolSchemas === "plain" || !isAboutTools(text)) return undefined;
    return {
      quirk: "toolSchemas",
      value: "plain",
      note: "a tool's schema is refused; sending plain schemas from now on",
    };
  },
];

type Flag = { [K in keyof Quirks]: Quirks[K] extends boolean ? K : never }[keyof Quirks];

function without(text: string, used: Quirks, quirk: Flag, names: RegExp, what: string): QuirkLesson | undefined {
  if (!used[quirk] || !names.test(text) || !REFUSED.test(text)) return undefined;
  const verb = what.includes(" and ") ? "are" : "is";
  return {
    quirk,
    value: false,
    note: `${what} ${verb} refused; leaving ${verb === "are" ? "them" : "it"} out from now on`,
  };
}
