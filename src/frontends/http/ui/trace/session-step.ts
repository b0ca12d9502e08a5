/** What happened as a step of a session file (`*.session.yaml`). JSON is YAML, and leaves nothing to be misread. */
import type { WireQuestion } from "../api/messages.js";

/** A tool as its server calls it. */
export interface ServerTool {
  server: string;
  tool: string;
}

/** Undefined where there is no text to send. */
export function userStep(text: string): string | undefined {
  return text === "" ? undefined : `- user: ${yaml(text)}\n`;
}

/** Undefined where the model's text is no object, so that no call can be made of it. */
export function toolStep({ server, tool }: ServerTool, written: string): string | undefined {
  const args = mappingOf(written);
  return args && `- tool: { name: ${yaml(`${server}.${tool}`)}, args: ${yaml(args)} }\n`;
}

/**
 * `approval`: what was asked about the call, which has both names. Else the name that the model has for it says them. Undefined for
 * tools of the host itself, and for what is no tool's name.
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

/** What was said is no template. YAML takes fewer characters as they are than JSON does. */
function yaml(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (typeof item === "string" ? item.replaceAll("{{", "\\{{") : item));
  return text.replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
