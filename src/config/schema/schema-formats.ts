import { parseDuration } from "../../core/text/durations.js";

const isDuration = (text: string) => parseDuration(text) !== undefined;

/** The formats that `config.schema.json` uses. */
export const schemaFormats = {
  "duration-ms": isDuration,
  duration: isDuration,
  "postgres-url": (text: string) => /^postgres(ql)?:\/\/.*\/./i.test(text) && URL.canParse(text),
  "http-url": (text: string) => /^https?:\/\//i.test(text) && URL.canParse(text),
};
