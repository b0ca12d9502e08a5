/** One line of what was looked at. */
export interface Finding {
  /** What was looked at, in a word. */
  check: string;
  status: "ok" | "warn" | "fail";
  text: string;
  /** What to do about it, as a sentence without its end; only what is ok has none. */
  fix?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, status: "ok", text });

export const warn = (check: string, text: string, fix: string): Finding => ({ check, status: "warn", text, fix });

export const fail = (check: string, text: string, fix: string): Finding => ({ check, status: "fail", text, fix });

export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === "fail");
}

/** Hints are sentences, fixes have no end. */
export function withoutEnd(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
