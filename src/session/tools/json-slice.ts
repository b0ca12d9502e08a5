/** Reads one value from a JSON text by its pointer (RFC 6901). Does not parse the rest of the text, because the text may be 50 MB long. */
import { setImmediate as breathe } from "node:timers/promises";
import { RequestError } from "../../core/errors.js";

const maxNamedKeys = 30;
/** Number of characters after which the search pauses, so that other work in the process can run. */
const pauseChars = 1_000_000;

/**
 * Returns the JSON text of the value. For a string, returns its content without quotes and escapes. Rejects with RequestError; its message
 * is for the model.
 */
export async function jsonSlice(text: string, pointer: string): Promise<string> {
  const scan = new Scan(text);
  let start = scan.skipSpace(0);
  let path = "";
  for (const token of tokensOf(pointer)) {
    start = await scan.member(start, token, path);
    path += `/${token}`;
  }
  const value = text.slice(start, scan.endOf(start));
  return value.startsWith('"') ? String(parsed(value)) : value;
}

function tokensOf(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new RequestError("usage", 'pointer: begins with "/", as in /items/0/name');
  const tokens = pointer.slice(1).split("/");
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

class Scan {
  readonly #text: string;
  readonly #structure = /["{}[\]]/g;
  #pausedAt = 0;

  constructor(text: string) {
    this.#text = text;
  }

  skipSpace(at: number): number {
    let position = at;
    while (" \n\r\t".includes(this.#text.charAt(position)) && position < this.#text.length) position++;
    return position;
  }

  endOf(start: number): number {
    const first = this.#text[start];
    if (first === '"') return this.#endOfString(start);
    if (first !== "{" && first !== "[") return this.#endOfScalar(start);
    let depth = 0;
    this.#structure.lastIndex = start;
    for (let found = this.#structure.exec(this.#text); found; found = this.#structure.exec(this.#text)) {
      const sign = found[0];
      if (sign === '"') this.#structure.lastIndex = this.#endOfString(found.index);
      else if (sign === "{" || sign === "[") depth++;
      else if (--depth === 0) return found.index + 1;
    }
    throw notJson(this.#text.length);
  }

  /**
   * Returns the position at which the value of this key or index begins. `start` is the position of the object or array that contains the
   * value.
   */
  async member(start: number, token: string, path: string): Promise<number> {
    const isObject = this.#text[start] === "{";
    if (!isObject && this.#text[start] !== "[") throw missing(path, token, "it is neither an object nor a list");
    const keys: string[] = [];
    let count = 0;
    for (let at = this.skipSpace(start + 1); !"}]".includes(this.#text.charAt(at)); count++) {
      let key = String(count);
      if (isObject) {
        const end = this.#endOfString(at);
        key = String(parsed(this.#text.slice(at, end)));
        at = this.skipSpace(this.#expect(":", this.skipSpace(end)));
        if (keys.length < maxNamedKeys) keys.push(key);
      }
      if (key === token) return at;
      at = this.skipSpace(this.endOf(at));
      if (this.#text[at] === ",") at = this.skipSpace(at + 1);
      else if (!"}]".includes(this.#text.charAt(at))) throw notJson(at);
      await this.#pause(at);
      if (at >= this.#text.length) throw notJson(at);
    }
    const more = count > keys.length ? ` and ${count - keys.length} more` : "";
    throw missing(path, token, isObject ? `its keys: ${keys.join(", ")}${more}` : `it has ${count} items`);
  }

  async #pause(at: number): Promise<void> {
    if (at - this.#pausedAt < pauseChars) return;
    this.#pausedAt = at;
    await breathe();
  }

  #expect(sign: string, at: number): number {
    if (this.#text[at] !== sign) throw notJson(at);
    return at + 1;
  }

  #endOfString(start: number): number {
    if (this.#text[start] !== '"') throw notJson(start);
    for (let end = this.#text.indexOf('"', start + 1); end > 0; end = this.#text.indexOf('"', end + 1)) {
      let escapes = 0;
      while (this.#text[end - 1 - escapes] === "\\") escapes++;
      if (escapes % 2 === 0) return end + 1;
    }
    throw notJson(this.#text.length);
  }

  #endOfScalar(start: number): number {
    let end = start;
    while (end < this.#text.length && /[\w.+-]/.test(this.#text.charAt(end))) end++;
    if (end === start) throw notJson(start);
    return end;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError("usage", "pointer: a text in the result is not valid JSON", { cause });
  }
}

function notJson(at: number): RequestError {
  return new RequestError(
    "usage",
    `pointer: the result is not JSON (at character ${at}); read it by characters, lines or grep`,
  );
}

function missing(path: string, token: string, there: string): RequestError {
  return new RequestError("usage", `pointer: there is no ${JSON.stringify(token)} at ${path || "the top"}; ${there}`);
}
