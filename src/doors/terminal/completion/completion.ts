import stringWidth from "string-width";
import { largest } from "../../../core/lists/long-lists.js";
import { unambiguous } from "../../../core/text/inert.js";
import { slashCommands } from "../../../session/commands/commands.js";
import { oneLine } from "../../shared/terminal.js";
import { argumentChoices, type CompletionParts } from "./argument-choices.js";
import { pathChoices } from "./path-choices.js";

/** Result of the Tab key. The text from `start` to the cursor is replaced by `insert`, the common start of all choices. */
interface TabCompletion {
  start: number;
  insert: string;
  choices: readonly string[];
}

/** Returns the completion of the word before the cursor. Never rejects. */
export type Completer = (text: string, cursor: number) => Promise<TabCompletion>;

/** Candidates for the last word, which begins at `start`. A candidate ends with a space if it completes the word. */
interface Choices {
  start: number;
  choices: readonly string[];
}

export function createCompleter(parts: CompletionParts): Completer {
  return async (text, cursor) => {
    const head = text.slice(0, cursor);
    const { start, choices } = await choicesFor(head, parts).catch(() => ({ start: cursor, choices: [] }));
    const typed = head.slice(start);
    // Candidates with control characters or line ends are left out: a server's proposal is inserted unchanged or not at all.
    const fitting = [...new Set(choices)].filter((choice) => goesOn(choice, typed) && isPlain(choice));
    const common = commonStart(fitting);
    return { start, insert: goesOn(common, typed) ? common : typed, choices: fitting.slice(0, maxShown) };
  };
}

/** Returns true if the choice begins with the typed text. Quotes are ignored, because a completed name with spaces gets quotes. */
function goesOn(choice: string, typed: string): boolean {
  return choice.replaceAll('"', "").startsWith(typed.replaceAll('"', ""));
}

const maxShown = 100;

async function choicesFor(head: string, parts: CompletionParts): Promise<Choices> {
  if (/^\/\S*$/.test(head)) {
    return { start: 0, choices: slashCommands.map(({ name, parameters }) => `/${name}${parameters && " "}`) };
  }
  const start = lastWordStart(head);
  const word = head.slice(start);
  const name = /^\/(\S+)\s/.exec(head)?.[1];
  const command = slashCommands.find((known) => known.name === name);
  if (command) return { start, choices: await argumentChoices(command, head.slice(0, start), word, parts) };
  if (word.startsWith("@")) return { start, choices: await attachmentChoices(word, parts) };
  return { start, choices: [] };
}

/** Returns the position at which the last word begins. A space within quotes belongs to the word. */
function lastWordStart(head: string): number {
  let start = 0;
  for (const { index, 0: piece } of head.matchAll(/"[^"]*(?:"|$)|\s/g)) {
    if (piece.trim() === "") start = index + 1;
  }
  return start;
}

/** Returns candidates for a word that begins with `@`: `@file`, `@"my file"` and `@uri`. */
async function attachmentChoices(word: string, { hub, folder }: CompletionParts): Promise<string[]> {
  const uris = hub.resources().map(({ uri }) => `@${uri} `);
  const isQuoted = word.startsWith('@"');
  const paths = await pathChoices(word.slice(isQuoted ? 2 : 1), folder);
  return [...paths.map((path) => quoted(path, isQuoted)), ...uris];
}

function quoted(path: string, isQuoted: boolean): string {
  if (!isQuoted && !path.includes(" ")) return `@${path}${path.endsWith("/") ? "" : " "}`;
  return `@"${path}${path.endsWith("/") ? "" : '" '}`;
}

function commonStart([first = "", ...others]: readonly string[]): string {
  const isCommon = (length: number) => others.every((other) => other.startsWith(first.slice(0, length)));
  let length = first.length;
  while (!isCommon(length)) length--;
  return first.slice(0, length);
}

function isPlain(choice: string): boolean {
  return unambiguous(choice) === choice && !/[\n\t]/.test(choice);
}

export function choiceColumns(choices: readonly string[], columns: number): string {
  const cells = choices.map((choice) => oneLine(choice, columns - 1));
  const width = largest(cells.map((cell) => stringWidth(cell))) + 2;
  const perRow = Math.max(1, Math.floor(columns / width));
  const rows = Array.from({ length: Math.ceil(cells.length / perRow) }, (_, row) =>
    cells.slice(row * perRow, (row + 1) * perRow),
  );
  const padded = (cell: string) => cell + " ".repeat(width - stringWidth(cell));
  return rows.map((row) => row.map(padded).join("").trimEnd()).join("\n");
}
