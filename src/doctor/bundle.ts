/** Builds the text of a file that contains everything needed to debug a failure, without secrets. */

import { existsSync, readFileSync } from "node:fs";
import { showConfig } from "../config/config-text.js";
import type { LoadedConfig } from "../config/reading/load.js";
import { configuredSecrets } from "../config/reading/secrets.js";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { serverLogFile } from "../core/files/server-log-file.js";
import { percentDecoded } from "../core/secrets/server-secrets.js";
import { clearing } from "../core/text/redaction.js";

export interface BundleParts {
  /** The report of `doctor`, as JSON. */
  report: string;
  versions: Readonly<Record<string, string>>;
  loaded?: LoadedConfig;
  logFolder: string;
  /** The export of a conversation that the user wants to include. Its secrets are already removed. */
  conversation?: string;
  clear(text: string): string;
}

/** Maximum number of lines from each server's log. The last lines are kept. */
const lastLines = 200;

/**
 * Returns the bundle as one JSON object. Secrets are removed from each text first, and from the JSON as a whole afterwards, because a key of
 * an object may hold one too.
 */
export function bundleOf({ report, versions, loaded, logFolder, conversation, clear }: BundleParts): string {
  const servers = loaded?.config.mcpServers ?? [];
  const bundle = {
    doctor: JSON.parse(report),
    versions,
    config: loaded && showConfig(loaded, { origin: true }).split("\n"),
    servers: servers.map(({ name }) => ({ name, log: stderrOf(serverLogFile(logFolder, name)) })),
    conversation: conversation === undefined ? undefined : JSON.parse(conversation),
  };
  const json = JSON.stringify(bundle, (_key, value) => (typeof value === "string" ? clear(value) : value), 2);
  return `${clear(json)}\n`;
}

/**
 * Returns the lines of a server's log file that come from the server's stderr or from the host. The server's log messages are left out,
 * because they may contain parts of a conversation.
 */
function stderrOf(file: string): string[] {
  const text = [`${file}.1`, file].map((path) => (existsSync(path) ? readFileSync(path, "utf8") : "")).join("");
  const lines = text.split("\n").filter((line) => /^\S+ \d+ (stderr|host) /.test(line));
  return lines.slice(-lastLines);
}

/** Minimum length of a value that is removed, because shorter values also occur in ordinary words. */
const shortest = 6;

/**
 * Returns a function that removes secrets from a text: the known secrets, all values of headers and environment variables of providers and
 * servers, and the user, password and query values of URLs of providers and servers. The values are removed even if their names do not
 * suggest a secret.
 */
export function clearingForOthers(config: Config, env: Environment): (text: string) => string {
  const providers = Object.values(config.llm.providers);
  const servers = config.mcpServers.flatMap((server) =>
    server.transport === "stdio"
      ? [...Object.values(server.env), ...server.args.flatMap(partsOfUrl)]
      : [...Object.values(server.headers), ...partsOfUrl(server.url)],
  );
  const given = [
    ...providers.flatMap(({ headers = {}, baseUrl = "" }) => [...Object.values(headers), ...partsOfUrl(baseUrl)]),
    ...partsOfUrl(config.llm.http.proxy ?? ""),
    ...servers,
    ...Object.values(env).flatMap((value = "") => partsOfUrl(value)),
  ];
  const values = given.flatMap((value) => [value, ...value.split(/\s+/)]).filter((value) => value.length >= shortest);
  return clearing([...configuredSecrets(config, env), ...values.filter((value) => value !== "Bearer")]);
}

function partsOfUrl(text: string): string[] {
  if (!text.includes("://") || !URL.canParse(text)) return [];
  const { username, password, searchParams } = new URL(text);
  const inner = [username, password].map(percentDecoded);
  return [username, password, ...inner, ...searchParams.values()];
}
