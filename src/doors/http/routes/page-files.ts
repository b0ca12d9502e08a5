/** Serves the page that people open in a browser. `npm run build` builds it from src/web/ into dist/ui. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { gzipSync } from "node:zlib";
import { builtFile } from "../../../core/built-file.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";

const folder = builtFile("ui/");

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * Content security policy of the page. The page loads nothing from other origins and runs only its own code, whatever a model or a server
 * writes.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // Forbids code that turns text into HTML, even by mistake.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const headers = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  vary: "accept-encoding",
};

/** Cache policy of assets. The name of an asset contains a hash of its content, so the content under a name never changes. */
const forever = "public, max-age=31536000, immutable";

interface PageFile {
  type: string;
  bytes: Buffer;
  gzipped: Buffer;
  etag: string;
}

export function pageRoutes(): ApiRoute[] {
  const files = new Map<string, PageFile>();
  const fileOf = (path: string): PageFile => {
    const file = files.get(path) ?? read(path);
    files.set(path, file);
    return file;
  };
  return [
    {
      method: "GET",
      path: "/",
      summary: "The page",
      run: (call) => answer(fileOf("index.html"), "no-cache", call),
    },
    {
      method: "GET",
      path: "/assets/{name}",
      summary: "A file of the page",
      run: (call) => answer(fileOf(`assets/${call.path("name")}`), forever, call),
    },
  ];
}

function answer({ type, bytes, gzipped, etag }: PageFile, cacheControl: string, { header }: ApiCall): Response {
  const all = { ...headers, "content-type": type, "cache-control": cacheControl, etag };
  if (header("if-none-match") === etag) return new Response(null, { status: 304, headers: all });
  if (!/\bgzip\b/.test(header("accept-encoding") ?? "")) return new Response(new Uint8Array(bytes), { headers: all });
  return new Response(new Uint8Array(gzipped), { headers: { ...all, "content-encoding": "gzip" } });
}

function read(path: string): PageFile {
  if (!namesOfFiles().includes(path)) throw new ApiError(404, "not_found", "the page has no such file");
  const bytes = readFileSync(new URL(path, folder));
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  const type = types[extname(path)] ?? "application/octet-stream";
  return { type, bytes, gzipped: gzipSync(bytes, { level: 9 }), etag };
}

/** Returns the names of the page's files. Empty if the page was not built. */
function namesOfFiles(): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  } catch {
    return [];
  }
}
