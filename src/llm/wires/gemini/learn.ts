import type { ProviderError } from "../shared/provider-error.js";
import { isAboutTools, refusalText } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { GeminiQuirks } from "./gemini-models.js";

/**
 * Returns possible lessons of a refused request (a 400), most likely first. A lesson changes how later requests are written. The rules
 * follow error texts from ai.google.dev and from forum threads. These texts change, so a lesson is only a guess: the caller checks that the
 * lesson changes the request.
 */
export function lessonsIn(said: ProviderError, used: GeminiQuirks): Lesson<GeminiQuirks>[] {
  const text = refusalText(said);
  return RULES.flatMap((rule) => rule(text, used) ?? []);
}

type Rule = (text: string, used: GeminiQuirks) => Lesson<GeminiQuirks> | undefined;

const SIGNATURE = /thought[_ ]?signature/i;
const REFUSED =
  /not (\w+ )?(supported|allowed|enabled)|(does|do)(n't| not) support|unsupported|cannot find field|invalid|only works/i;

const RULES: readonly Rule[] = [
  (text, { checksSignatures }) => {
    if (checksSignatures || !SIGNATURE.test(text) || !/missing/i.test(text)) return undefined;
    return { changes: { checksSignatures: true }, note: "thought signatures are wanted; sending one with each step" };
  },
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
  (text, { showsThoughts }) => {
    if (!showsThoughts || !/include[_ ]?thoughts/i.test(text)) return undefined;
    return { changes: { showsThoughts: false }, note: "thoughts are not shown for this model; not asking for them" };
  },
  (text, { thinking }) => {
    if (thinking === "none" || !/thinking/i.test(text) || !REFUSED.test(text)) return undefined;
    return {
      changes: { thinking: "none" },
      note: "thinking is refused; leaving thinkingConfig out from now on",
      isLoss: true,
    };
  },
  (text, { resultMedia }) => {
    if (resultMedia === "beside" || !/multimodal function response|function_response\.parts/i.test(text))
      return undefined;
    return { changes: { resultMedia: "beside" }, note: "pictures in results are refused; sending them beside results" };
  },
  (text, { images, audio }) => {
    const refused = /unsupported mime type\W+(image|audio)\b/i.exec(text)?.[1]?.toLowerCase();
    if (refused === "image" && images) {
      return { changes: { images: false }, note: "images are refused; sending a word on them from now on" };
    }
    if (refused !== "audio" || !audio) return undefined;
    return { changes: { audio: false }, note: "audio is refused; sending a word on it from now on" };
  },
  (text, { sendsIds }) => {
    if (!sendsIds || !/"id" at '[^']*function_?(call|response)/i.test(text)) return undefined;
    return { changes: { sendsIds: false }, note: "ids of calls are refused; leaving them out from now on" };
  },
  (text, { jsonWithTools }) => {
    if (!jsonWithTools || !/response mime type/i.test(text)) return undefined;
    return {
      changes: { jsonWithTools: false },
      note: "a schema of the answer is refused beside tools; saying it in words",
    };
  },
  (text, { jsonSchemas }) => {
    if (!jsonSchemas || !/response_?(json_?)?schema|response_?mime/i.test(text)) return undefined;
    return { changes: { jsonSchemas: false }, note: "the schema of the answer is refused; saying it in words" };
  },
  (text, { toolSchemas }) => {
    if (toolSchemas === "plain" || !isAboutTools(text)) return undefined;
    return { changes: { toolSchemas: "plain" }, note: "a tool's schema is refused; sending plain schemas from now on" };
  },
];
