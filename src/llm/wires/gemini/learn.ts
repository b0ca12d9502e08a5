import { type LessonRule, leavesOutMedia, lessonsBy } from "../shared/lessons.js";
import type { ProviderError } from "../shared/provider-error.js";
import { aboutTools } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { GeminiQuirks } from "./gemini-models.js";

export function lessonsIn(said: ProviderError, used: GeminiQuirks): Lesson<GeminiQuirks>[] {
  return lessonsBy(rules, said, used);
}

const refusal =
  /not (\w+ )?(supported|allowed|enabled)|(does|do)(n't| not) support|unsupported|cannot find field|invalid|only works/i;

/** The rules follow error texts from ai.google.dev and from forum threads. */
const rules: readonly LessonRule<GeminiQuirks>[] = [
  {
    matches: [/thought[_ ]?signature/i, /missing/i],
    changes: { checksSignatures: true },
    note: "thought signatures are wanted; sending one with each step",
  },
  (text, { levels }) => {
    const refused = /thinking[_ ]?level\W+(minimal|low|medium|high)\b/i.exec(text)?.[1]?.toLowerCase();
    const left = levels.filter((level) => level !== refused);
    if (left.length === levels.length || left.length === 0 || !refusal.test(text)) return undefined;
    return {
      changes: { levels: left },
      note: `thinking level ${refused} is refused; sending the next level that it accepts`,
    };
  },
  (text, { thinking }) => {
    if (thinking !== "level" || !/thinking[_ ]?level/i.test(text) || !refusal.test(text)) return undefined;
    return { changes: { thinking: "budget" }, note: "thinking levels are refused; sending budgets from now on" };
  },
  (text, { thinking, leastBudget }) => {
    if (thinking !== "budget" || leastBudget > 0 || !/budget 0\b|only works in thinking/i.test(text)) return undefined;
    return { changes: { leastBudget: 128 }, note: "thinking cannot be switched off; sending the smallest budget" };
  },
  {
    matches: [/include[_ ]?thoughts/i],
    changes: { showsThoughts: false },
    note: "thoughts are not shown for this model; not asking for them",
  },
  {
    matches: [/thinking/i, refusal],
    unless: /signature/i,
    changes: { thinking: "none" },
    note: "thinking is refused; leaving thinkingConfig out from now on",
    isLoss: true,
  },
  {
    matches: [/multimodal function response|function_response\.parts/i],
    changes: { resultMedia: "beside" },
    note: "pictures in results are refused; sending them next to the results",
  },
  {
    matches: [/unsupported mime type\W+image\b/i],
    changes: { images: false },
    note: "images are refused; sending a note in their place from now on",
  },
  {
    matches: [/unsupported mime type\W+audio\b/i],
    changes: { audio: false },
    note: "audio is refused; sending a note in its place from now on",
  },
  leavesOutMedia,
  {
    matches: [/"id" at '[^']*function_?(call|response)/i],
    changes: { sendsIds: false },
    note: "ids of calls are refused; leaving them out from now on",
  },
  {
    matches: [/response mime type/i],
    changes: { jsonWithTools: false },
    note: "a schema of the answer is refused together with tools; describing it in the prompt",
  },
  {
    matches: [/response_?(json_?)?schema|response_?mime/i],
    changes: { jsonSchemas: false },
    note: "the schema of the answer is refused; describing it in the prompt",
  },
  {
    matches: [aboutTools],
    changes: { toolSchemas: "plain" },
    note: "a tool's schema is refused; sending plain schemas from now on",
  },
  // Gemini also refuses a picture without naming the reason. Source: google-gemini/gemini-cli#14838.
  { ...leavesOutMedia, matches: [/request contains an invalid argument/i] },
];
