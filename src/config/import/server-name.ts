import { asArray, type JsonObject } from "../../core/json.js";

/** Returns a name for a server whose entry has none: that of its package, its image, its file or its host. */
export function guessedName({ command, url, args }: JsonObject): string {
  if (typeof url === "string" && URL.canParse(url)) return nameOfHost(new URL(url).hostname);
  const words = (Array.isArray(command) ? command : [command, ...asArray(args)]).map(String);
  const program = lastPart(words[0] ?? "");
  const own = /^(?:npx|bunx|pnpm|yarn|uvx|uv|pipx|node|bun|deno|python[\d.]*|docker|podman)$/.test(program)
    ? packageIn(program, words.slice(1))
    : program;
  return shortened(own) || "server";
}

function nameOfHost(host: string): string {
  const parts = host.replace(/^(?:mcp|www|api)\./, "").split(".");
  return (parts.length > 1 && !/^[\d.]+$/.test(host) ? parts.at(-2) : parts[0]) || "server";
}

function packageIn(program: string, words: readonly string[]): string {
  const isVerb = (word: string) => !/x$|^python|^node$/.test(program) && /^(?:run|exec|dlx|x|tool)$/.test(word);
  const named = words.filter((word) => !word.startsWith("-") && !isVerb(word));
  if (program === "docker" || program === "podman") {
    const image = named.find((word) => /^[\w.-]+\/[\w./-]+/.test(word)) ?? named.at(-1) ?? "";
    return lastPart(image.replace(/[@:].*$/, ""));
  }
  const [first = "", second = ""] = named;
  // A bridge to a remote server: the server is what it connects to.
  if (/^mcp-remote(?:@|$)/.test(first) && URL.canParse(second)) return nameOfHost(new URL(second).hostname);
  // The folders of a file whose own name says nothing, as in `node weather/dist/index.js`.
  const parts = withoutVersion(first)
    .split(/[/\\]/)
    .map((part) => part.replace(/\.(?:[cm]?[jt]s|py)$/, ""));
  return parts.findLast((part) => !/^(?:index|main|server|dist|build|src|app|\.*)$/.test(part)) ?? "";
}

function withoutVersion(name: string): string {
  return name.replace(/(?<=.)(?:@|==|\[).*$/, (rest) => (rest.includes("/") ? rest : ""));
}

function lastPart(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? "";
}

/** Leaves out what the name of nearly every server has. */
function shortened(name: string): string {
  const short = name
    .replace(/\.exe$/i, "")
    .replace(/^(?:mcp[-_]server|server|mcp)[-_]/i, "")
    .replace(/[-_](?:mcp[-_]server|server|mcp)$/i, "");
  return short.replaceAll(/[^\w.-]+/g, "-").replace(/^-|-$/g, "");
}
