export interface Finding {
  /** Subject of the check, in a word. */
  check: string;
  status: "ok" | "warn" | "fail";
  text: string;
  /** Advice, as a sentence without its full stop; absent only for `ok`. */
  fix?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, status: "ok", text });

export const warn = (check: string, text: string, fix: string): Finding => ({ check, status: "warn", text, fix });

export const fail = (check: string, text: string, fix: string): Finding => ({ check, status: "fail", text, fix });

export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === "fail");
}

/** Removes a hint's full stop, since fixes have none. */
export function withoutEnd(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
