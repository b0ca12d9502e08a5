/**
 * Questions of a server to the person: a form, or a visit to a page.
 * https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */

import type { Question } from "../../core/events.js";
import { asArray, isPlainObject, isWritable, type JsonObject, textOrEmpty } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { isLoopback } from "../../core/text/networks.js";
import { RpcRefusal } from "../shared/request-failures.js";
import { problemIn } from "../shared/tool-arguments.js";

/**
 * Maximum length of a question's message, and of its form as JSON, in characters. A question is stored, and sent to every client that
 * follows the conversation.
 */
const maxQuestionChars = 256 * 1024;

/** Number of times that a form is asked for, if what was entered does not fit it. A program may give the same answer again and again. */
const mostAsked = 5;

type AskQuestion = (question: Question) => Promise<unknown>;

export interface Page {
  message: string;
  url: string;
}

/**
 * Resolves with the answer to `elicitation/create`. The answer is `accept` only if the person accepted and the filled-in form is valid. An
 * invalid form is asked for again, with the problem and with what was entered as its defaults. Rejects with RpcRefusal if the form cannot be
 * shown.
 */
export async function elicit(server: string, params: JsonObject, ask: AskQuestion): Promise<JsonObject> {
  const message = textOrEmpty(params.message);
  if (message.length > maxQuestionChars) throw new RpcRefusal(-32602, "message is too long");
  if (params.mode === "url") {
    return {
      action: (await acceptsPage(server, { message, url: textOrEmpty(params.url) }, ask)) ? "accept" : "decline",
    };
  }
  const form = isPlainObject(params.requestedSchema) ? params.requestedSchema : {};
  if (!isWritable(form)) throw new RpcRefusal(-32602, "requestedSchema is nested too deep");
  if (JSON.stringify(form).length > maxQuestionChars) throw new RpcRefusal(-32602, "requestedSchema is too long");
  let asked = { message, form };
  for (let times = 0; times < mostAsked; times++) {
    const answer = await ask({ kind: "elicitation", server, ...asked });
    if (!isPlainObject(answer) || answer.action !== "accept") {
      return { action: isPlainObject(answer) && answer.action === "cancel" ? "cancel" : "decline" };
    }
    const { content, problem } = await fillIn(form, answer.content);
    if (problem === undefined) return { action: "accept", content };
    asked = { message: `${message}\n(The answer does not fit: ${problem})`, form: withDefaults(form, content) };
  }
  return { action: "cancel" };
}

/** Resolves with the form's content, with its defaults for what was not entered. `problem` says why the content does not fit the form. */
export async function fillIn(form: JsonSchema, entered: unknown): Promise<{ content: JsonObject; problem?: string }> {
  const content = { ...defaultsOf(form), ...(isPlainObject(entered) ? entered : {}) };
  return { content, problem: await problemIn(content, form) };
}

/**
 * Asks the person to visit a page. Resolves with true if the person accepts. Resolves with false, without asking, if the page has an
 * insecure address: third parties could read or change such a page.
 */
export async function acceptsPage(server: string, { message, url }: Page, ask: AskQuestion): Promise<boolean> {
  if (!isSafe(url)) return false;
  const answer = await ask({ kind: "elicitation", server, message, url });
  return isPlainObject(answer) && answer.action === "accept";
}

const urlElicitationRequired = -32042;

/** Returns the pages that the person must visit before the failed request can be repeated. Returns no pages for any other error. */
export function pagesWanted(error: unknown): Page[] {
  if (!isPlainObject(error) || error.code !== urlElicitationRequired || !isPlainObject(error.data)) return [];
  return asArray(error.data.elicitations)
    .filter(isPlainObject)
    .map(({ message, url }) => ({ message: textOrEmpty(message), url: textOrEmpty(url) }));
}

function defaultsOf({ properties }: JsonObject): JsonObject {
  const fields = Object.entries(isPlainObject(properties) ? properties : {});
  return Object.fromEntries(
    fields.flatMap(([name, field]) => (isPlainObject(field) && "default" in field ? [[name, field.default]] : [])),
  );
}

function withDefaults(form: JsonObject, entered: JsonObject): JsonObject {
  const fields = Object.entries(isPlainObject(form.properties) ? form.properties : {});
  const filled = fields.map(([name, field]) => [
    name,
    isPlainObject(field) && name in entered ? { ...field, default: entered[name] } : field,
  ]);
  return { ...form, properties: Object.fromEntries(filled) };
}

function isSafe(url: string): boolean {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}
