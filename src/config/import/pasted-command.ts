/** Reads a command line as people copy it from the page of a server: as a shell would, but without running anything. */
import { RequestError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { shell } from "./placeholders.js";

/** Returns the entry that starts this command, with the name of the server if the command says one. Throws RequestError. */
export function entryOfCommand(line: string): { name?: string; entry: JsonObject } {
  const words = withoutVariables(wordsOf(line));
  const [program, verb, ...rest] = words.rest;
  if (program === undefined) throw unread("there is no command in it");
  const isAdding =
    program === "mcp-platform" ? verb === "servers" : /^(?:claude|codex|gemini|qwen)$/.test(program) && verb === "mcp";
  if (isAdding && rest[0] === "add") return addedBy(rest.slice(1));
  return { entry: entryOf(words.rest, words.env) };
}

/** Splits a text into words as a shell does. A variable becomes a placeholder, unless it is in single quotes. Throws RequestError. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  // A run of spaces, a text in quotes, a character behind a backslash, other text, or a sign that only a shell understands.
  const pieces =
    /(\s+)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\(\r?\n|[\s"'\\$&;|<>()])|((?:[^\s'"\\&;|<>()`]|\\(?!\r?\n|[\s"'\\$&;|<>()]))+)|([\s\S])/g;
  for (const [, space, single, double, escaped, plain, sign] of line.matchAll(pieces)) {
    if (sign !== undefined)
      throw unread(`${sign === "'" || sign === '"' ? "a quotation mark is open" : `only a shell understands ${sign}`}`);
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      if (space.includes("\n") && words.length > 0) throw unread("it has several lines: paste one command");
      word = undefined;
      continue;
    }
    if (escaped !== undefined && /\n/.test(escaped)) continue;
    const text =
      single !== undefined
        ? single.replaceAll("${", () => "$${")
        : double !== undefined
          ? withVariables(double.replaceAll(/\\(["\\`])/g, "$1"))
          : (escaped ?? withVariables((plain ?? "").replace(/^~(?=\/|$)/, word === undefined ? "${HOME}" : "~")));
    word = (word ?? "") + text;
  }
  return word === undefined ? words : [...words, word];
}

function withVariables(text: string): string {
  if (/\$\(/.test(text)) throw unread("only a shell understands $(");
  return shell(text).text;
}

const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/;

/** Separates the assignments before a command (`KEY=value`, `env KEY=value`) from it. */
function withoutVariables(words: readonly string[]): { env: Record<string, string>; rest: string[] } {
  const start = words[0] === "env" ? 1 : 0;
  const end = words.findIndex((word, index) => index >= start && !assignment.test(word));
  const count = end < 0 ? words.length : end;
  return { env: variablesIn(words.slice(start, count)), rest: words.slice(count) };
}

function variablesIn(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((text) => {
      const [, name, value = ""] = assignment.exec(text) ?? [];
      if (name === undefined) throw unread("expected KEY=VALUE for a variable");
      return [name, value];
    }),
  );
}

const isUrl = (text: string) => /^https?:\/\//i.test(text);

function entryOf([command = "", ...args]: readonly string[], env: Record<string, string>): JsonObject {
  return { command, ...(args.length > 0 && { args }), ...(Object.keys(env).length > 0 && { env }) };
}

/** Options of `mcp add` in the programs that have this command, each with the option that it stands for. */
const addOptions: Readonly<Record<string, "env" | "header" | "transport" | "other">> = {
  "-e": "env",
  "--env": "env",
  "-H": "header",
  "--header": "header",
  "-t": "transport",
  "--transport": "transport",
  "-s": "other",
  "--scope": "other",
  "--url": "other",
};

/** Reads the arguments of `claude mcp add` and its like: options, a name, and a command or a URL. */
function addedBy(words: readonly string[]): { name: string; entry: JsonObject } {
  const given: Record<string, string[]> = { env: [], header: [], transport: [], other: [] };
  const named: string[] = [];
  const end = words.indexOf("--");
  const before = end < 0 ? words : words.slice(0, end);
  let url: string | undefined;
  for (let index = 0; index < before.length; index++) {
    const [word = "", written] = before[index]?.split(/(?<=^--\w+)=/) ?? [];
    const option = Object.hasOwn(addOptions, word) ? addOptions[word] : undefined;
    if (!option) {
      const [server = "", target] = named;
      if (end < 0 && target !== undefined && !isUrl(target))
        return { name: server, entry: addedEntry([target, ...before.slice(index)], given) };
      if (word.startsWith("-")) throw unread(`the option ${word} is not known`);
      named.push(word);
      continue;
    }
    const value = written ?? before[++index] ?? "";
    if (word === "--url") url = value;
    else given[option]?.push(value);
  }
  const [name, ...target] = named;
  const command = url === undefined ? [...target, ...(end < 0 ? [] : words.slice(end + 1))] : [url];
  if (name === undefined || command.length === 0) throw unread("a name and a command or URL are missing");
  return { name, entry: addedEntry(command, given) };
}

function addedEntry(command: readonly string[], given: Record<string, string[]>): JsonObject {
  const [target = ""] = command;
  if (!isUrl(target)) return entryOf(command, variablesIn(given.env ?? []));
  const headers = (given.header ?? []).map((line) => {
    const [, name, value = ""] = /^([^:\s]+):\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined) throw unread('expected "Name: value" for a header');
    return [name, value] as const;
  });
  const [transport] = given.transport ?? [];
  return {
    ...((transport === "http" || transport === "sse") && { type: transport }),
    url: target,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
  };
}

export function unread(why: string): RequestError {
  return new RequestError("usage", `this cannot be read: ${why}`, {
    hint: "paste the command that starts the server, its URL, or its JSON as other programs have it under mcpServers",
  });
}
