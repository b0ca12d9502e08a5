import type { Place } from "./script.js";

/** `triage.session.yaml:12`, and the file alone where there is no text to point into. */
export function placeText({ file, line }: Place): string {
  return line > 0 ? `${file}:${line}` : file;
}
