import { createHash } from "node:crypto";
import { escapeHtml } from "./escape.js";

interface FrameParts {
  /** Title as plain text. It is escaped here. */
  title: string;
  style: string;
  /** True if the page may show pictures and play sounds that are embedded in the page (`data:` addresses). */
  hasMedia?: boolean;
  /**
   * A script of this program. It renders into the element with the id `view`, and may read data from an element with the id `data`, which
   * the caller writes.
   */
  script?: string | undefined;
}

/** Builds a page of this content. The caller must have escaped all texts in `main`. */
export function selfContainedPage({ main, ...parts }: Omit<FrameParts, "script"> & { main: string }): string {
  const { head, foot } = pageFrame(parts);
  return `${head}<main>\n${main}\n</main>\n${foot}`;
}

/**
 * Returns what comes before and after the content of a page that loads nothing from the network and runs only the given script. A content
 * security policy in the page enforces this.
 */
export function pageFrame({ title, style, hasMedia = false, script: written }: FrameParts): {
  head: string;
  foot: string;
} {
  const script = written?.replaceAll("</script", "<\\/script");
  const policy = [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    `style-src ${hashOf(style)}`,
    ...(hasMedia ? ["img-src data:", "media-src data:"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const head = `<!doctype html>
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
${script === undefined ? "" : '<div id="view"></div>\n'}`;
  const foot = `${script === undefined ? "" : `<script>${script}</script>\n`}</body>\n</html>\n`;
  return { head, foot };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/**
 * Formats data as JSON for a script element. Escapes characters that could close the element, open another one, control a terminal, or
 * reverse the direction of text.
 */
export function inertJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
