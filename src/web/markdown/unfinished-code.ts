/**
 * A fence that opens a code block, the rest of its line, and the code. After `~`, no further `~` may follow: otherwise a search in a long
 * row of them would take quadratic time.
 */
const openFence = /^\s*(?:`{3,}|~{3,}(?!~))([^\n`]*)\n([\s\S]*)$/;
const fenceLine = /^[ \t]*(?:`{3,}|~{3,})[ \t]*$/m;

/** Returns the language and the code of a block of Markdown that is a code block without its end. Returns undefined for any other block. */
export function unfinishedCode(block: string): { language: string; code: string } | undefined {
  const [, language = "", code = ""] = openFence.exec(block) ?? [];
  return code && !fenceLine.test(code) ? { language, code } : undefined;
}
