/**
 * Writes events as steps of a session file (`*.session.yaml`). Values are written as JSON: it is valid YAML, and a quoted text cannot be
 * read as another type.
 */
import { asObject, parseJson } from "../../core/json.js";
import type { ShownQuestion } from "../api/host-messages.js";

/** Name of a server, and the name that this server gives to the tool. */
export interface ServerTool {
  server: string;
  tool: string;
}

export function userStep(text: string): string | undefined {
  return text === "" ? undefined : `- user: ${yaml(text)}\n`;
}

/** Returns the step that calls a tool. Undefined if the arguments that the model wrote are not a JSON object. */
export function toolStep({ server, tool }: ServerTool, written: string): string | undefined {
  const args = asObject(parseJson(written));
  return args && `- tool: { name: ${yaml(`${server}.${tool}`)}, args: ${yaml(args)} }\n`;
}

/**
 * Returns the names of the tool and its server. `approval` is the question whether the call may run. If there was such a question, the
 * names are taken from it, otherwise from the model's name for the tool. Undefined for a tool of the host itself, and for a name that no
 * server's tool can have.
 */
export function serverTool(name: string, approval: ShownQuestion | undefined): ServerTool | undefined {
  const [server = "", ...rest] = name.split("__");
  if (server === "host") return undefined;
  if (approval?.kind === "approval") return { server: approval.server, tool: approval.tool };
  return server !== "" && rest.length > 0 ? { server, tool: rest.join("__") } : undefined;
}

/**
 * Writes the value as JSON. Escapes `{{`, since recorded text must not be read as a template. Also escapes characters that YAML does not
 * allow.
 */
function yaml(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (typeof item === "string" ? item.replaceAll("{{", "\\{{") : item));
  return text.replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
