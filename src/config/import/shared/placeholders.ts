/** Converts other programs' placeholders to ours, which are `${NAME}` and `${NAME:-default}`. A literal `${` becomes `$${`. */
import { basename, sep } from "node:path";

/** The text that replaces another program's placeholder, with an optional note for the user. */
export interface Replaced {
  text: string;
  note?: string;
}

type Converted = { text: string; notes: string[] };
export type Convert = (text: string) => Converted;

/**
 * Returns a function that converts placeholders. Each match of `pattern` is replaced by the result of `replaced`, which gets the groups of
 * the match. If `replaced` returns undefined, the matched text is kept as literal text. Every repetition in `pattern` that may find no end
 * is bounded, so that the search takes linear time.
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

/** Conversion for programs without placeholders. All text is kept as literal text. */
export const noPlaceholder: Convert = (text) => ({ text: literal(text), notes: [] });

/** Conversion for programs whose placeholders are `${NAME}` and `${NAME:-default}`. */
export const braces = converting(/\$\{([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}/, variable);

/** Conversion for programs whose placeholders are `${NAME}`, `${NAME:-default}` and `$NAME`. */
export const shell = converting(
  /\$(?:\{([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}|([A-Za-z_]\w*))/,
  (name, fallback, bare) => variable(name ?? bare, fallback),
);

/** The inputs of a VS Code configuration, keyed by their ids. VS Code asks the user for the value of each input. */
export type Inputs = ReadonlyMap<string, { default?: string }>;

/** Returns the name of the variable to use instead of this input. */
export function inputVariable(id: string): string {
  return `MCP_PLATFORM_INPUT_${id
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .toUpperCase()}`;
}

/**
 * Returns the conversion for VS Code and for editors that are derived from VS Code. Placeholders of these editors are `${env:NAME}`,
 * `${input:id}`, `${workspaceFolder}` and others. `folder` is the workspace's folder.
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
  return converting(/\$\{([^}]{0,4000})\}/, (body = "") => {
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
