import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../core/errors.js";
import { outputJson } from "./json-assertions.js";
import type { AssertionProblem, Check, Kind } from "./kind.js";
import { containsTemplate, quoted, shown } from "./words.js";

type Fits = (output: string, text: string) => boolean;

const contains: Fits = (output, text) => output.includes(text);
const containsInAnyCase: Fits = (output, text) => output.toLowerCase().includes(text.toLowerCase());

export const textKinds = {
  contains: one("contain", contains),
  icontains: one("contain (in any case)", containsInAnyCase),
  "contains-any": several("contain any of", contains, "some"),
  "contains-all": several("contain all of", contains, "every"),
  "icontains-any": several("contain (in any case) any of", containsInAnyCase, "some"),
  "icontains-all": several("contain (in any case) all of", containsInAnyCase, "every"),
  "starts-with": one("start with", (output, text) => output.startsWith(text)),
  "ends-with": one("end with", (output, text) => output.endsWith(text)),
  regex,
  equals,
} satisfies Record<string, Kind>;

function one(verb: string, fits: Fits): Kind {
  return ({ value }) => {
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text !== "string" || text === "") return { problem: `expected value to be text, got ${shown(value)}` };
    return ({ output }) => ({
      holds: fits(output, text),
      subject: "the output",
      predicate: `to ${verb} ${quoted(text)}`,
      found: `it is ${quoted(output)}`,
    });
  };
}

function several(verb: string, fits: Fits, how: "some" | "every"): Kind {
  return ({ value }) => {
    const texts = readList(value);
    if ("problem" in texts) return texts;
    return ({ output }) => {
      const missing = texts.filter((text) => !fits(output, text)).map(quoted);
      const lacks = how === "every" && missing.length > 0 ? `${missing.join(", ")} is missing in ` : "it is ";
      return {
        holds: texts[how]((text) => fits(output, text)),
        subject: "the output",
        predicate: `to ${verb} ${texts.map(quoted).join(", ")}`,
        found: `${lacks}${quoted(output)}`,
      };
    };
  };
}

/** Matches a regular expression in the sandbox, so that endless backtracking ends at the time limit and does not block the host. */
function regex({ value }: { value?: unknown }): ReturnType<Kind> {
  if (typeof value !== "string" || value === "") {
    return { problem: `expected value to be a regular expression, got ${shown(value)}` };
  }
  if (!containsTemplate(value)) {
    try {
      new RegExp(value);
    } catch (error) {
      return { problem: messageOf(error) };
    }
  }
  return async ({ output }, { evaluate }) => ({
    holds: (await evaluate("new RegExp(pattern).test(output)", { pattern: value, output })) === true,
    subject: "the output",
    predicate: `to match ${quoted(value)}`,
    found: `it is ${quoted(output)}`,
  });
}

/** Compares the output with the value. An object or a list is compared with the output's JSON, any other value with the output's text. */
function equals({ value }: { value?: unknown }): ReturnType<Kind> {
  if (value === undefined) return { problem: "expected value to be the expected output" };
  const check: Check = (outcome) => {
    const isStructured = typeof value === "object";
    const json = isStructured ? outputJson(outcome) : undefined;
    return {
      holds: isStructured
        ? json !== undefined && isDeepStrictEqual(json.value, value)
        : outcome.output === String(value),
      subject: "the output",
      predicate: `to equal ${shown(value)}`,
      found: `it is ${json ? shown(json.value) : quoted(outcome.output)}`,
      actual: json ? json.value : outcome.output,
    };
  };
  return check;
}

/**
 * Reads a list of texts. The value is either a list, or one text with commas between the items. In such a text, an item that contains a
 * comma is written in double quotes, and a `"` inside the quotes is written as `""` or `\"`.
 */
function readList(value: unknown): string[] | AssertionProblem {
  const texts = typeof value === "string" ? split(value) : Array.isArray(value) ? value : [];
  if ("problem" in texts) return texts;
  const isText = (one: unknown) =>
    (typeof one === "string" && one !== "") || typeof one === "number" || typeof one === "boolean";
  if (texts.length === 0 || !texts.every(isText)) {
    return { problem: `expected value to be a list of texts, or texts between commas, got ${shown(value)}` };
  }
  return texts.map(String);
}

const item = /\s*(?:"((?:[^"\\]|\\.|"")*)"\s*|([^",][^,]*)?)(?:,|$)/sy;

function split(text: string): string[] | AssertionProblem {
  const texts: string[] = [];
  item.lastIndex = 0;
  for (let at = 0; at < text.length; at = item.lastIndex) {
    const [match, inner, plain = ""] = item.exec(text) ?? [];
    if (match === undefined) return { problem: `expected texts between commas, got ${quoted(text.slice(at))}` };
    const one = inner?.replaceAll(/""|\\(["\\])/g, (_, mark = '"') => mark) ?? plain.trim();
    if (one !== "") texts.push(one);
  }
  return texts;
}
