import type { Place } from "./script.js";

/** Returns `triage.session.yaml:12`, or the file alone if there is no line. */
export function placeText({ file, line }: Place): string {
  return line > 0 ? `${file}:${line}` : file;
}
