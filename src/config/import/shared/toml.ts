/** Reads TOML together with the line numbers of its comments and keys, which the TOML parser does not return. */
import { parse, TomlError } from "smol-toml";
import { child } from "../../../core/source/tree.js";
import type { CommentLine, Fail, KeyLine, Lines } from "./comment-lines.js";

export function readToml(text: string, fail: Fail): Lines & { tree: unknown } {
  try {
    return { tree: parse(text), ...linesOf(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line of the message is used. The other lines quote the file, which may contain a secret.
    const [what = ""] = error.message.split("\n");
    return fail(`not valid TOML: ${what.replace(/^Invalid TOML document: /, "")}`, error.line, error.column);
  }
}

/**
 * Pattern of the parts of a TOML text: strings of all four kinds, comments, line breaks and other characters. It matches a string as a
 * whole, so that a `#` or `[` inside the string is not read as a comment or a table.
 */
const token = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|\n|[^"'#\n]+/g;

function linesOf(text: string): Lines {
  const comments: CommentLine[] = [];
  const keys: KeyLine[] = [];
  let table = "";
  let line = 1;
  let start = "";
  let startLine = 1;
  const endLine = () => {
    const header = /^\s*\[([^[\]]+)\]\s*$/.exec(start);
    const key = /^\s*([^=\s[\]][^=]*)=/.exec(start);
    if (header) {
      table = below("", header[1] ?? "");
      keys.push({ line: startLine, pointer: table });
    } else if (key) {
      keys.push({ line: startLine, pointer: below(table, key[1]?.trim() ?? "") });
    }
    start = "";
  };
  for (const [each] of text.matchAll(token)) {
    if (each.startsWith("#")) {
      comments.push({ line, text: each.replace(/^#+/, "").trim(), isTrailing: start.trim() !== "" });
    } else if (each === "\n") {
      endLine();
      startLine = line + 1;
    } else {
      start += each;
    }
    line += each.split("\n").length - 1;
  }
  endLine();
  return { comments, keys };
}

/** Returns the pointer of a dotted key below `table`. Parts of the key may be quoted. */
function below(table: string, dotted: string): string {
  const parts = dotted.match(/"(?:\\.|[^"\\])*"|'[^']*'|[^.\s"']+/g) ?? [];
  return parts.map((part) => part.replace(/^(["'])(.*)\1$/, "$2")).reduce(child, table);
}
