export interface Finding {
  /** Subject of the check, as one word. */
  check: string;
  status: "ok" | "warn" | "fail";
  text: string;
  /** Advice for the user, as a sentence without a full stop. Set unless the status is `ok`. */
  fix?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, status: "ok", text });

export const warn = (check: string, text: string, fix: string): Finding => ({ check, status: "warn", text, fix });

export const fail = (check: string, text: string, fix: string): Finding => ({ check, status: "fail", text, fix });

export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === "fail");
}

/** Removes the full stop at the end of a hint, because a `fix` ends without a full stop. */
export function withoutEnd(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
