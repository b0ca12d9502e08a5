/** One line of what was looked at. */
export interface Finding {
  /** What was looked at, in a word. */
  check: string;
  status: "ok" | "warn" | "fail";
  text: string;
  /** What to do about it, as a sentence without its end. */
  fix?: string;
}
