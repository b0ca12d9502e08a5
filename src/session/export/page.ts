import { createHash } from "node:crypto";
import { escapeHtml } from "./escape.js";

interface PageParts {
  /** Plain text, escaped here. */
  title: string;
  style: string;
  /** HTML whose contents the caller has escaped. */
  main: string;
  /** True to show pictures and sounds within the page (`data:`). */
  hasMedia?: boolean;
  /** Our own script and its data. The script finds the data by the id `data`, and its root element by the id `view`. */
  view?: { script: string; data: unknown };
}

/** Builds a self-contained page: nothing from the network, no script but its own, and a policy that forbids both. */
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

/** Escapes what could close the element, open another, steer a terminal or reverse a line. */
function inertJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
