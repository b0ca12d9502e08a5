/** Serves the page that people open in a browser. `npm run build` builds it from src/web/ into dist/ui. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { builtFile } from "../../../core/built-file.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";

const folder = builtFile("ui/");

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

/** Files beside the page, under their own names. The browser finds them by these names, so that they are asked for anew each time. */
const filesBesidePage = ["manifest.webmanifest", "service-worker.js", "icon-512.png"];

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
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // Forbids code that turns text into HTML, even by mistake.
  "require-trusted-types-for 'script'",
  // The only policy makes no HTML and no script, but the address of the service worker (main.tsx).
  "trusted-types service-worker",
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

/** Encodings, best first. Each compresses with its highest quality, since a file is compressed once. */
const encodings = { br: promisify(brotliCompress), gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 9 }) };
type Encoding = keyof typeof encodings;

interface PageFile {
  type: string;
  bytes: Buffer;
  hash: string;
  /** The compressed bytes, from the first request for them on. */
  compressed: Partial<Record<Encoding, Promise<Buffer>>>;
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
    ...filesBesidePage.map(
      (name): ApiRoute => ({
        method: "GET",
        path: `/${name}`,
        summary: "A file of the page that browsers look for",
        run: (call) => answer(fileOf(name), "no-cache", call),
      }),
    ),
  ];
}

async function answer(file: PageFile, cacheControl: string, { header }: ApiCall): Promise<Response> {
  const { type, bytes, hash, compressed } = file;
  const encoding = type === "image/png" ? undefined : acceptedEncoding(header("accept-encoding") ?? "");
  const etag = `"${hash}${encoding ? `-${encoding}` : ""}"`;
  const all = { ...headers, "content-type": type, "cache-control": cacheControl, etag };
  if (header("if-none-match") === etag) return new Response(null, { status: 304, headers: all });
  if (!encoding) return new Response(new Uint8Array(bytes), { headers: all });
  compressed[encoding] ??= encodings[encoding](bytes);
  const body = new Uint8Array(await compressed[encoding]);
  return new Response(body, { headers: { ...all, "content-encoding": encoding } });
}

/** Returns the encoding that the client prefers; of equals, the one that compresses best. Undefined if it prefers uncompressed content. */
function acceptedEncoding(accepted: string): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const each of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = each.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight));
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  const [best] = (["br", "gzip"] as const)
    .filter((name) => weightOf(name) > 0)
    .toSorted((one, other) => weightOf(other) - weightOf(one));
  return best && weightOf(best) >= (weights.get("identity") ?? 0) ? best : undefined;
}

function read(path: string): PageFile {
  if (!namesOfFiles().includes(path)) throw new ApiError(404, "not_found", "the page has no such file");
  const bytes = readFileSync(new URL(path, folder));
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return { type: types[extname(path)] ?? "application/octet-stream", bytes, hash, compressed: {} };
}

/** Returns the names of the page's files. Empty if the page was not built. */
function namesOfFiles(): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  } catch {
    return [];
  }
}
