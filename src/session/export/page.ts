import { createHash } from "node:crypto";
import { escapeHtml } from "./escape.js";

interface PageParts {
  /** Text; it is escaped here. */
  title: string;
  style: string;
  /** HTML: whoever writes it has escaped what is in it. */
  main: string;
  /** Pictures within the page (`data:`) are shown. */
  hasImages?: boolean;
}

/** A page that needs no other: no script, nothing from the network, and a policy that forbids both. */
export function selfContainedPage({ title, style, main, hasImages = false }: PageParts): string {
  const hash = createHash("sha256").update(style).digest("base64");
  const images = hasImages ? " img-src data:;" : "";
  const policy = `default-src 'none'; style-src 'sha256-${hash}';${images} base-uri 'none'; form-action 'none'`;
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
<main>
${main}
</main>
</body>
</html>
`;
}
