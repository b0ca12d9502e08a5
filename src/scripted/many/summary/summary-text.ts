import type { Summary } from "./run-summary.js";
import type { SummaryFormat } from "./summary-formats.js";
import { summaryHtml } from "./summary-html.js";
import { summaryJson } from "./summary-json.js";
import { summaryMarkdown } from "./summary-markdown.js";

const writers: Readonly<Record<SummaryFormat, (summary: Summary) => string>> = {
  html: summaryHtml,
  json: summaryJson,
  md: summaryMarkdown,
};

/** Returns a summary in this format, as the text of a file. */
export function summaryText(summary: Summary, format: SummaryFormat): string {
  return writers[format](summary);
}
