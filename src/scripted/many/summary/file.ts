import type { Summary } from "./run-summary.js";
import { summaryHtml } from "./summary-html.js";
import { summaryJson } from "./summary-json.js";
import { summaryMarkdown } from "./summary-markdown.js";

const formats: Readonly<Record<string, (summary: Summary) => string>> = {
  html: summaryHtml,
  json: summaryJson,
  md: summaryMarkdown,
};

/** Returns the function that formats a summary, chosen by the extension of the file name. Undefined if the extension is unknown. */
export function summaryFormat(path: string): ((summary: Summary) => string) | undefined {
  const extension = /\.([a-z]+)$/.exec(path)?.[1] ?? "";
  return Object.hasOwn(formats, extension) ? formats[extension] : undefined;
}
