/** Events as steps of a session file (`*.session.yaml`), in JSON, which is YAML that cannot be misread. */
import type { WireQuestion } from "../api/messages.js";

/** A tool under its server's name for it. */
export interface ServerTool {
  server: string;
  tool: string;
}

export function userStep(text: string): string | undefined {
  return text === "" ? undefined : `- user: ${yaml(text)}\n`;
}

/** Returns undefined if the model's text is no object, so that no call can be made of it. */
export function toolStep({ server, tool }: ServerTool, written: string): string | undefined {
  const args = mappingOf(written);
  return args && `- tool: { name: ${yaml(`${server}.${tool}`)}, args: ${yaml(args)} }\n`;
}

/**
 * Returns both names from the question about the call (`approval`), else from the model's name for the tool. Undefined for tools of the
 * host itself, and for a name that is no tool's.
 */
export function serverTool(name: string, approval: WireQuestion | undefined): ServerTool | undefined {
  const [server = "", ...rest] = name.split("__");
  if (server === "host") return undefined;
  if (approval?.kind === "approval") return { server: approval.server, tool: approval.tool };
  return server !== "" && rest.length > 0 ? { server, tool: rest.join("__") } : undefined;
}

function mappingOf(written: string): object | undefined {
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Escapes `{{`, since recorded text is no template, and characters that YAML does not take as they are. */
function yaml(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (typeof item === "string" ? item.replaceAll("{{", "\\{{") : item));
  return text.replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
