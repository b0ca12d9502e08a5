import { createHash } from "node:crypto";
import { escapeHtml } from "./escape.js";

interface PageParts {
  /** Title as plain text. It is escaped here. */
  title: string;
  style: string;
  /** The page's content as HTML. The caller must have escaped all texts in it. */
  main: string;
  /** True if the page may show pictures and play sounds that are embedded in the page (`data:` addresses). */
  hasMedia?: boolean;
  /**
   * A script of this program, and data for the script. The script reads the data from the element with the id `data`, and renders into the
   * element with the id `view`.
   */
  view?: { script: string; data: unknown };
}

/**
 * Builds a page that loads nothing from the network and runs only the given script. A content security policy in the page enforces this.
 */
export function selfContainedPage({ title, style, main, hasMedia = false, view }: PageParts): string {
  const script = view?.script.replaceAll("</script", "<\\/script");
  const policy = [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    `style-src ${hashOf(style)}`,
    ...(hasMedia ? ["img-src data:", "media-src data:"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${view ? '<div id="view"></div>\n' : ""}<main>
${main}
</main>
${view ? `<script type="application/json" id="data">${inertJson(view.data)}</script>\n<script>${script}</script>\n` : ""}</body>
</html>
`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/**
 * Formats data as JSON for a script element. Escapes characters that could close the element, open another one, control a terminal, or
 * reverse the direction of text.
 */
function inertJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
