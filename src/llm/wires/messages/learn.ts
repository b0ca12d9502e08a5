import { type LessonRule, leavesOutMedia, leftOut, lessonsBy, shortensDescriptions } from "../shared/lessons.js";
import type { ProviderError } from "../shared/provider-error.js";
import { aboutSomeFiles, aboutTools } from "../shared/refusals.js";
import type { Lesson } from "../wire.js";
import type { MessagesQuirks } from "./quirks.js";

export function lessonsIn(said: ProviderError, used: MessagesQuirks): Lesson<MessagesQuirks>[] {
  return lessonsBy(rules, said, used);
}

const refused =
  /not (currently )?(be )?(supported|permitted|allowed|accepted|available)|un(supported|known|recogni[sz]ed|expected)|(does|do)(n't| not) (support|accept|allow)|extra inputs|deprecated|cannot both|may only be|may not be|does not match|no longer|only support/i;

const rules: readonly LessonRule<MessagesQuirks>[] = [
  (text, { maxOutput }) => {
    const limit = /max_tokens\D{1,40}\d+ > (\d+)|max_tokens.{0,60}\[\d+, *(\d+)\]|max_tokens.{0,60}at most (\d+)/.exec(
      text,
    );
    const value = Number(limit?.[1] ?? limit?.[2] ?? limit?.[3]);
    if (!(value > 0 && value < maxOutput)) return undefined;
    return {
      changes: { maxOutput: value },
      note: `answers have at most ${value} tokens; asking for at most that from now on`,
    };
  },
  (text, { thinking }) => {
    if (thinking !== "budget" || !/thinking\.type\.enabled|budget_tokens/.test(text) || !refused.test(text))
      return undefined;
    const note = "a budget for thinking is refused; asking for adaptive thinking from now on";
    return { changes: { thinking: "adaptive", effort: true }, note };
  },
  { matches: [/\bdisplay\b/, refused], changes: { wantsDisplay: false }, note: leftOut("thinking.display") },
  (text, { thinking }) => {
    if (thinking !== "adaptive" || !/\badaptive\b/.test(text) || !refused.test(text)) return undefined;
    return { changes: { thinking: "budget" }, note: "adaptive thinking is refused; sending a budget from now on" };
  },
  (text, { stopsThinking }) => {
    if (stopsThinking === "none" || !/thinking\.type\.(disabled|between_tools)/.test(text)) return undefined;
    const note = "thinking cannot be switched off; asking for the lowest effort from now on";
    return { changes: { stopsThinking: "none" }, note, isLoss: true };
  },
  (text, { sampling }) => {
    if (sampling !== "both" || !/temperature/.test(text) || !/top_p/.test(text) || !/cannot both|only one/i.test(text))
      return undefined;
    return {
      changes: { sampling: "one" },
      note: "temperature and top_p are refused together; leaving out top_p from now on",
    };
  },
  {
    matches: [/\b(temperature|top_p)\b/, refused],
    changes: { sampling: "none" },
    note: leftOut("temperature or top_p"),
  },
  shortensDescriptions,
  {
    matches: [/output_config\.format|output_format|structured outputs?/i],
    changes: { jsonSchemas: false },
    note: "the schema of the answer is refused; describing it in the prompt",
  },
  {
    matches: [/\b(output_config|effort)\b/, refused],
    changes: { effort: false },
    note: leftOut("the effort"),
    isLoss: true,
  },
  {
    matches: [/\b(defer_loading|tool_reference)\b/, refused],
    changes: { lateTools: false },
    note: leftOut("defer_loading"),
  },
  { matches: [/\bcache_control\b/, refused], changes: { cache: false }, note: leftOut("cache_control") },
  {
    matches: [/\bdisable_parallel_tool_use\b/, refused],
    changes: { parallelChoice: false },
    note: leftOut("disable_parallel_tool_use"),
  },
  {
    matches: [/tool_choice.{0,40}(forces?|any|tool\b)|forc\w+ tool/i, refused],
    changes: { forcedTools: false },
    note: leftOut("a tool that has to be called"),
    isLoss: true,
  },
  { matches: [/\btool_choice\b/, refused], changes: { toolChoice: false }, note: leftOut("tool_choice") },
  {
    matches: [/\bthinking\b(?!.{0,40}passed back)/, refused],
    changes: { thinking: "none" },
    note: leftOut("thinking"),
    isLoss: true,
  },
  {
    matches: [/\bimages?\b/, refused],
    unless: aboutSomeFiles,
    changes: { images: false },
    note: leftOut("a picture"),
  },
  leavesOutMedia,
  {
    matches: [/\b(thinking|reasoning_content)\b.{0,80}(passed back|missing|required)/i],
    unless: /signature/,
    changes: { echoThinking: true },
    note: "thinking is wanted with tool calls; sending it from now on",
  },
  {
    matches: [aboutTools],
    changes: { toolSchemas: "plain" },
    note: "a tool's schema is refused; sending plain schemas from now on",
  },
];
