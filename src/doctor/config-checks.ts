/** Reports which configuration file is used, and which mistakes the file contains. */

import { existsSync } from "node:fs";
import type { LoadedConfig } from "../config/reading/load.js";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { ConfigError, type ConfigProblem } from "../core/errors.js";
import { canNameToolOf, mayMeanToolOf, parseToolPattern } from "../core/patterns/tool-pattern.js";
import { type Finding, fail, ok, warn } from "./finding.js";

export interface Configuration {
  /** The configuration file that a command would use. Undefined if there is no file, so that only defaults apply. */
  file?: string;
  /** True if `file` was found in the working directory and was not named by the user. */
  isFound: boolean;
  /** Name of a file in the working directory that is not used, because it is the configuration of another program. */
  foreign?: string;
  /** File names of configurations. The working directory is searched for them in this order. */
  names: readonly string[];
  /** Path of the user's own configuration file. The file need not exist. */
  usersFile: string;
  /** The error that prevents a host from starting. */
  error?: ConfigError;
  /** The configuration, loaded even if variables are unset. Undefined if it cannot be loaded. */
  loaded?: LoadedConfig;
  /** Servers and settings of a found file that have no effect until the user confirms them. */
  unconfirmed?: { servers: readonly string[]; settings: readonly string[] };
  env: Environment;
}

export function configFindings(configuration: Configuration): Finding[] {
  const { error, unconfirmed, file, loaded } = configuration;
  return [
    whichFile(configuration),
    ...ignoredFiles(configuration),
    precedence(configuration),
    ...(error ? error.problems.map(problemFinding) : []),
    ...(unconfirmed ? [unconfirmedFinding(unconfirmed, file ?? "")] : []),
    ...(loaded ? ruleFindings(loaded.config) : []),
  ];
}

/** Reports permission rules about tools of a server that is not configured. Editors bring servers of their own, so this is not an error. */
function ruleFindings({ chat, mcpServers }: Config): Finding[] {
  const servers = ["host", ...mcpServers.map(({ name }) => name)];
  return Object.entries(chat.service.permissions).flatMap(([list, texts]: [string, readonly string[]]) => {
    const isForServer = list === "allow" ? canNameToolOf : mayMeanToolOf;
    return texts
      .filter((text) => {
        const pattern = parseToolPattern(text);
        return !("problem" in pattern) && !servers.some((server) => isForServer(pattern, server));
      })
      .map((text) =>
        warn(
          "rules",
          `permissions.${list}: no configured server has a tool called ${text}`,
          `write server.tool, with one of these servers: ${servers.join(", ")}`,
        ),
      );
  });
}

function whichFile({ file, isFound, usersFile, loaded }: Configuration): Finding {
  if (file === undefined) return ok("file", `no file, so every setting has its default (${usersFile} would be read)`);
  const why = isFound ? "found in this folder" : file === usersFile ? "your own" : "named by you";
  const more = [...(loaded?.files.keys() ?? [])].slice(1).map((path) => `, with the servers of ${path}`);
  return ok("file", `${file}, ${why}${more.join("")}`);
}

function ignoredFiles({ file, foreign, isFound, names, usersFile }: Configuration): Finding[] {
  const misnamed = names
    .map((name) => name.replace(/yaml$/, "yml"))
    .filter((name) => existsSync(name) && name !== file);
  const others = [...names, usersFile].filter(
    (name) => file !== undefined && name !== file && name !== foreign && existsSync(name),
  );
  const ignored = others.filter((name) => isFound || name === usersFile);
  return [
    ...(foreign ? [ok("file", `${foreign} is not read: it belongs to another program`)] : []),
    ...misnamed.map((name) => warn("file", `${name} is not read`, `call it ${name.replace(/yml$/, "yaml")}`)),
    ...ignored.map((name) =>
      name === usersFile
        ? ok("file", `${name} is not read, because ${file} is read instead`)
        : warn(
            "file",
            `${name} is not read: ${file} comes first`,
            `delete one of them, or name the one you mean with --config`,
          ),
    ),
  ];
}

function precedence({ env, loaded }: Configuration): Finding {
  const variables = Object.keys(env).filter((name) => /^MCP_PLATFORM_.*__/.test(name) && env[name]);
  const text = "flags, then MCP_PLATFORM_… variables, then the file, then defaults";
  if (variables.length === 0 || !loaded) return ok("precedence", text);
  return ok("precedence", `${text}; set are ${variables.join(", ")}`);
}

function problemFinding(problem: ConfigProblem): Finding {
  const [, name] = /environment variable (\w+) is not set/.exec(problem.message) ?? [];
  const position = new ConfigError([{ ...problem, message: "" }]).message.replace(/: $/, "");
  if (name) {
    const fix = `set ${name} where this program is started, or write \${${name}:-default} there`;
    return fail("variables", `${position}: environment variable ${name} is not set`, fix);
  }
  const fix = problem.line > 0 ? "correct it there" : "correct it, or name another file with --config";
  return fail("valid", `${position}: ${problem.message}`, `${fix}; mcp-platform config validate looks again`);
}

function unconfirmedFinding(
  { servers, settings }: { servers: readonly string[]; settings: readonly string[] },
  file: string,
): Finding {
  const left = [
    ...(servers.length > 0 ? [`its servers are not started (${servers.join(", ")})`] : []),
    ...(settings.length > 0 ? [`these settings have no effect (${settings.join(", ")})`] : []),
  ];
  const fix = `read it, then pass --trust-project or --config ${file}, or answer the question of mcp-platform chat`;
  return warn("confirmed", `${file} was only found in this folder: ${left.join(" and ")}`, fix);
}
