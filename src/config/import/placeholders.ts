/** Converts other programs' placeholders to ours, which are `${NAME}` and `${NAME:-default}`. A literal `${` becomes `$${`. */
import { basename, sep } from "node:path";
import { asObjects, type JsonObject } from "../../core/json.js";

/** The text that replaces another program's placeholder, with an optional note for the user. */
interface Replaced {
  text: string;
  note?: string;
}

export type Convert = (text: string) => { text: string; notes: string[] };

/**
 * Returns a function that converts placeholders. Each match of `pattern` is replaced by the result of `replaced`, which gets the groups of
 * the match. If `replaced` returns undefined, the matched text is kept as literal text. Every repetition in `pattern` that may find no end
 * is bounded, so that the search takes linear time.
 */
function converting(pattern: RegExp, replaced: (...groups: (string | undefined)[]) => Replaced | undefined): Convert {
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

function variableName(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .toUpperCase();
}

/** Conversion for programs without placeholders. All text is kept as literal text. */
export const noPlaceholder: Convert = (text) => ({ text: literal(text), notes: [] });

/** Conversion for placeholders `${NAME}` and `${NAME:-default}`. */
export const braces = converting(/\$\{([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}/, variable);

/** Conversion for placeholders `${NAME}`, `${NAME:-default}` and `$NAME`. */
export const shell = converting(
  /\$(?:\{([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}|([A-Za-z_]\w*))/,
  (name, fallback, bare) => variable(name ?? bare, fallback),
);

/** Conversion for placeholders `${env://NAME}` and `${env://NAME:-default}`, as in Kit. */
export const addresses = converting(/\$\{env:\/\/([A-Za-z_]\w*)(?::-([^}]{0,4000}))?\}/, variable);

/** Conversion for placeholders `{env:NAME}` and `{file:PATH}`, as in opencode. */
export const bareBraces = converting(/\{(env|file):([^}]{1,4000})\}/, (kind, name = "") => {
  if (kind === "env") return variable(name);
  const instead = variableName(name);
  const note = `{file:${name}} has no counterpart: set ${instead} to what is in that file`;
  return { ...variable(instead), note };
});

/**
 * Returns the conversion for VS Code and for editors that are derived from VS Code. Placeholders of these editors are `${env:NAME}`,
 * `${input:id}`, `${workspaceFolder}` and others. `folder` is the workspace's folder. `inputs` are the values for which VS Code asks the user.
 */
export function editorVariables(folder: string, inputs?: unknown): Convert {
  const asked = new Map(asObjects(inputs).map((input) => [input.id, input] as const));
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
    if (kind === "input") return inputVariable(name, asked.get(name));
    if (kind)
      return { text: literal(`\${${body}}`), note: `\${${body}} is known to the editor only: put its value here` };
    return Object.hasOwn(fixed, body) ? { text: fixed[body] ?? "" } : undefined;
  });
}

function inputVariable(id: string, { default: fallback, description }: JsonObject = {}): Replaced {
  const name = `MCP_PLATFORM_INPUT_${variableName(id)}`;
  const what = typeof description === "string" && description !== "" ? ` (${description})` : "";
  return {
    ...variable(name, typeof fallback === "string" && fallback !== "" ? fallback : undefined),
    note: `\${input:${id}}${what} is read from the variable ${name}`,
  };
}
