import { parseDuration } from "../core/durations.js";

const isDuration = (text: string) => parseDuration(text) !== undefined;

/** Formats named in `config.schema.json`. */
export const schemaFormats = {
  "duration-ms": isDuration,
  duration: isDuration,
  "postgres-url": (text: string) => /^postgres(ql)?:\/\/.*\/./i.test(text) && URL.canParse(text),
  "http-url": (text: string) => /^https?:\/\//i.test(text) && URL.canParse(text),
};
