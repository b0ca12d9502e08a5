import { type LessonRule, lessonsBy, sets } from "../shared/lessons.js";
import type { ProviderError } from "../shared/provider-error.js";
import { ABOUT_TOOLS } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { GeminiQuirks } from "./gemini-models.js";

export function lessonsIn(said: ProviderError, used: GeminiQuirks): Lesson<GeminiQuirks>[] {
  return lessonsBy(RULES, said, used);
}

const SIGNATURE = /thought[_ ]?signature/i;
const REFUSED =
  /not (\w+ )?(supported|allowed|enabled)|(does|do)(n't| not) support|unsupported|cannot find field|invalid|only works/i;

/** The rules follow error texts from ai.google.dev and from forum threads. */
const RULES: readonly LessonRule<GeminiQuirks>[] = [
  sets("checksSignatures", true, "thought signatures are wanted; sending one with each step", SIGNATURE, /missing/i),
  (text) => {
    if (!SIGNATURE.test(text) || /missing/i.test(text)) return undefined;
    return { forgetsKept: true, note: "thought signatures are refused; sending the conversation without them" };
  },
  (text, { levels }) => {
    const refused = /thinking[_ ]?level\W+(minimal|low|medium|high)\b/i.exec(text)?.[1]?.toLowerCase();
    const left = levels.filter((level) => level !== refused);
    if (left.length === levels.length || left.length === 0 || !REFUSED.test(text)) return undefined;
    return { changes: { levels: left }, note: `thinking level ${refused} is refused; sending the next one it takes` };
  },
  (text, { thinking }) => {
    if (thinking !== "level" || !/thinking[_ ]?level/i.test(text) || !REFUSED.test(text)) return undefined;
    return { changes: { thinking: "budget" }, note: "thinking levels are refused; sending budgets from now on" };
  },
  (text, { thinking, leastBudget }) => {
    if (thinking !== "budget" || leastBudget > 0 || !/budget 0\b|only works in thinking/i.test(text)) return undefined;
    return { changes: { leastBudget: 128 }, note: "thinking cannot be switched off; sending the least budget" };
  },
  sets("showsThoughts", false, "thoughts are not shown for this model; not asking for them", /include[_ ]?thoughts/i),
  (text, { thinking }) => {
    if (thinking === "none" || !/thinking/i.test(text) || !REFUSED.test(text)) return undefined;
    return {
      changes: { thinking: "none" },
      note: "thinking is refused; leaving thinkingConfig out from now on",
      isLoss: true,
    };
  },
  sets(
    "resultMedia",
    "beside",
    "pictures in results are refused; sending them beside results",
    /multimodal function response|function_response\.parts/i,
  ),
  sets("images", false, "images are refused; sending a word on them from now on", /unsupported mime type\W+image\b/i),
  sets("audio", false, "audio is refused; sending a word on it from now on", /unsupported mime type\W+audio\b/i),
  sets(
    "sendsIds",
    false,
    "ids of calls are refused; leaving them out from now on",
    /"id" at '[^']*function_?(call|response)/i,
  ),
  sets(
    "jsonWithTools",
    false,
    "a schema of the answer is refused beside tools; saying it in words",
    /response mime type/i,
  ),
  sets(
    "jsonSchemas",
    false,
    "the schema of the answer is refused; saying it in words",
    /response_?(json_?)?schema|response_?mime/i,
  ),
  sets("toolSchemas", "plain", "a tool's schema is refused; sending plain schemas from now on", ABOUT_TOOLS),
];
