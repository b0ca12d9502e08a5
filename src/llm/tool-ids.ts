import { createHash } from "node:crypto";
import type { QuirksConfig } from "../core/config.js";

const NINE = /^[a-zA-Z0-9]{9}$/;

/** The id of a tool call as the provider takes it: the same for the call and for its result, in this request and the next. */
export function wireToolId(id: string, form: QuirksConfig["toolIds"]): string {
  if (form === "any" || NINE.test(id)) return id;
  return createHash("sha256")
    .update(id)
    .digest("base64")
    .replace(/[^a-zA-Z0-9]/g, "")
    .slice(0, 9);
}
