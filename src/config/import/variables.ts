/** Conversion of other tools' placeholders to ours: `${NAME}` and `${NAME:-default}`, with `$${` for a literal `${`. */
import { basename, sep } from "node:path";

/** Our text for a placeholder, and a note about it. */
export interface Replaced {
  text: string;
  note?: string;
}

type Converted = { text: string; notes: string[] };
export type Convert = (text: string) => Converted;

/**
 * Returns a conversion. `replaced` gets the groups of a match and returns undefined for text that is not a placeholder and stays literal.
 */
export function converting(
  pattern: RegExp,
  replaced: (...groups: (string | undefined)[]) => Replaced | undefined,
): Convert {
  return (text) => {
    const notes: string[] = [];
    let converted = "";
    let position = 0;
    for (const match of text.matchAll(new RegExp(pattern, "g"))) {
      const found = replaced(...match.slice(1));
      converted += literal(text.slice(position, match.index));
      converted += found ? found.text : literal(match[0]);
      if (found?.note) notes.push(found.note);
      position = match.index + match[0].length;
    }
    return { text: converted + literal(text.slice(position)), notes };
  };
}

function literal(text: string): string {
  return text.replaceAll("${", () => "$${");
}

export function variable(name: string | undefined, fallback?: string): Replaced {
  return { text: fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}` };
}

/** Converts nothing, for a tool that takes every text literally. */
export const nothing: Convert = (text) => ({ text: literal(text), notes: [] });

/** Converts `${NAME}` and `${NAME:-default}`. */
export const braces = converting(/\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/, variable);

/** Converts `$NAME` too. */
export const shell = converting(/\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*))/, (name, fallback, bare) =>
  variable(name ?? bare, fallback),
);

/** Inputs that VS Code asks the person for, by id. */
export type Inputs = ReadonlyMap<string, { default?: string }>;

/** Returns the variable that replaces an input of VS Code. */
export function inputVariable(id: string): string {
  return `MCP_PLATFORM_INPUT_${id
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .toUpperCase()}`;
}

/**
 * Converts `${env:NAME}`, `${input:id}`, `${workspaceFolder}` and the like, of VS Code and its derivatives. `folder` is the workspace's.
 */
export function editorVariables(folder: string, inputs: Inputs = new Map()): Convert {
  const fixed: Readonly<Record<string, string>> = {
    userHome: "${HOME}",
    workspaceFolder: literal(folder),
    workspaceRoot: literal(folder),
    workspaceFolderBasename: literal(basename(folder)),
    pathSeparator: sep,
    "/": sep,
  };
  return converting(/\$\{([^}]*)\}/, (body = "") => {
    const [, kind = "", name = ""] = /^(env|input|command|config):(.*)$/.exec(body) ?? [];
    if (kind === "env") return variable(name);
    if (kind === "input") {
      const fallback = inputs.get(name)?.default || undefined;
      return {
        ...variable(inputVariable(name), fallback),
        note: `\${input:${name}} is read from ${inputVariable(name)}`,
      };
    }
    if (kind)
      return { text: literal(`\${${body}}`), note: `\${${body}} is known to the editor only: put its value here` };
    return Object.hasOwn(fixed, body) ? { text: fixed[body] ?? "" } : undefined;
  });
}
