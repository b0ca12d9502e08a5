/** `servers add`, `remove`, `enable` and `disable`: change the user's configuration file. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { ServerEdit } from "../../../config/edit/server-edit.js";
import { RequestError } from "../../../core/errors.js";
import { isPlainObject, type JsonObject, parseJson } from "../../../core/json.js";
import { didYouMean } from "../../../core/text/nearest.js";
import { editLocation, findSource, type GlobalOptions } from "../../shared/configuration.js";
import { appended } from "../../shared/flags.js";
import { printInert, tell } from "../../shared/process.js";

interface AddFlags {
  transport?: "stdio" | "http" | "sse";
  env?: string[];
  header?: string[];
  json?: JsonObject;
  replace?: boolean;
}

export function addEditCommands(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("add")
    .description("add a server: a program with its arguments, or a URL")
    .addOption(
      new Option(
        "-t, --transport <transport>",
        "default: stdio for a program; Streamable HTTP, else SSE, for a URL",
      ).choices(["stdio", "http", "sse"]),
    )
    .option("-e, --env <KEY=VALUE>", "environment variable of the program; repeatable", appended)
    .option("-H, --header <Name: value>", "header of every request; repeatable", appended)
    .option("--json <entry>", "the whole entry as JSON, as under mcpServers", entryJson)
    .option("--replace", "replace a server that has this name")
    .argument("<name>", "name of the server in the configuration")
    .argument("[command or URL]", "program to start, or address of a remote server")
    .argument("[args...]", "arguments of the program")
    .showHelpAfterError(
      "(write options of the program after --, as in: servers add NAME -- npx -y PACKAGE; --help shows more)",
    )
    .action(async (name: string, target: string | undefined, args: string[], flags: AddFlags) =>
      add(name, entryOf(target, args, flags), flags, globals()),
    );
  servers
    .command("remove")
    .description("remove a server from the configuration")
    .argument("<name>", "name of the server, as in mcpServers")
    .action((name: string) => change({ kind: "remove", name }, "is removed", globals()));
  for (const [verb, enabled] of [["enable", true] as const, ["disable", false] as const]) {
    servers
      .command(verb)
      .description(
        enabled ? "let hosts start this server again" : "keep this server in the configuration without starting it",
      )
      .argument("<name>", "name of the server, as in mcpServers")
      .action((name: string) => change({ kind: "enable", name, enabled }, `is ${verb}d`, globals()));
  }
}

/** Splits each text into a name and a value. Errors do not quote the texts, because they may hold secrets. */
function pairsOf(texts: readonly string[] = [], shape: RegExp, expected: string): Record<string, string> {
  const pairs = texts.map((text) => {
    const [, name, value = ""] = shape.exec(text) ?? [];
    if (name === undefined) throw usage(`expected ${expected}`);
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

function entryJson(text: string): JsonObject {
  const entry = parseJson(text);
  if (isPlainObject(entry)) return entry;
  // The message does not say what is wrong with the JSON, because that could reveal a secret in the text.
  throw new InvalidArgumentError("expected a JSON object");
}

const isUrl = (target: string) => /^https?:\/\//i.test(target);
/** True for a host with its port. No program is named like that. */
const lacksScheme = (target: string) => /^[\w.-]+:\d+(?:\/|$)/.test(target);

/** Returns the entry that the command line describes. Throws RequestError if its arguments cannot be combined. */
function entryOf(target: string | undefined, args: readonly string[], flags: AddFlags): JsonObject {
  const { transport, json } = flags;
  const env = pairsOf(flags.env, /^([^=\s]+)=(.*)$/s, "-e KEY=VALUE");
  const headers = pairsOf(flags.header, /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/s, '-H "Name: value"');
  const hasEnv = Object.keys(env).length > 0;
  const hasHeaders = Object.keys(headers).length > 0;
  if (json !== undefined) {
    if (target !== undefined || transport !== undefined || hasEnv || hasHeaders)
      throw usage("--json is the whole entry, so it takes no other options");
    return json;
  }
  if (target === undefined) throw usage("a command, a URL or --json is missing");
  if (lacksScheme(target)) throw usage("the URL must begin with http:// or https://", `did you mean http://${target}?`);
  const isRemote = isUrl(target);
  if (transport === "stdio" ? isRemote : transport !== undefined && !isRemote) {
    throw usage(
      `${transport} needs ${isRemote ? "a command, not a URL" : "a URL that begins with http:// or https://"}`,
    );
  }
  if (isRemote && hasEnv) throw usage("-e is only for programs; use -H to set a header of a remote server");
  if (isRemote && args.length > 0) throw usage("a remote server takes no arguments");
  if (!isRemote && hasHeaders) throw usage("-H is only for remote servers; use -e to set a variable of a program");
  if (isRemote) return { ...(transport && { type: transport }), url: target, ...(hasHeaders && { headers }) };
  return { command: target, ...(args.length > 0 && { args: [...args] }), ...(hasEnv && { env }) };
}

function usage(message: string, hint = ""): RequestError {
  return new RequestError("usage", message, { hint });
}

async function add(
  name: string,
  entry: JsonObject,
  { replace = false }: AddFlags,
  globals: GlobalOptions,
): Promise<void> {
  const { changeConfigFile } = await import("../../../config/edit/config-file.js");
  const { entryProblems, holdsSecret } = await import("../../../config/edit/check-entry.js");
  const edit: ServerEdit = { kind: "set", name, entry };
  const hasSecrets = holdsSecret(name, entry);
  const { target, notices } = await changeConfigFile(editLocation(findSource(globals)), ({ file, folder, servers }) => {
    if (Object.hasOwn(servers, name) && !replace) {
      throw new RequestError("usage", `${file} has a server "${name}" already`, {
        hint: "--replace replaces it",
      });
    }
    const wrong = entryProblems(name, { ...entry, enabled: false }, { env: process.env, folder });
    if (wrong) throw usage(`this is not a valid entry of mcpServers: ${wrong}`);
    return { edits: [edit], hasSecrets };
  });
  const missing = entryProblems(name, entry, { env: process.env, folder: target.folder });
  tell([...notices, ...(missing ? [`the host does not start until this is right: ${missing}`] : [])]);
  await printInert(`${target.file}: ${name} is added (mcp-platform servers test ${name} tries it)`);
}

/** Applies an edit to a server. Throws RequestError if the file does not have the server. */
async function change(edit: ServerEdit, done: string, globals: GlobalOptions): Promise<void> {
  const { changeConfigFile } = await import("../../../config/edit/config-file.js");
  const { entryProblems } = await import("../../../config/edit/check-entry.js");
  const { name } = edit;
  const { target, plan, notices } = await changeConfigFile(editLocation(findSource(globals)), ({ servers }) => ({
    edits: Object.hasOwn(servers, name) ? [edit] : [],
  }));
  const { file, folder, servers } = target;
  if (plan.edits.length === 0) {
    throw new RequestError("not_found", `${file} has no server "${name}"${didYouMean(name, Object.keys(servers))}`, {
      hint: await elsewhere(name, globals),
    });
  }
  const entry = servers[name];
  tell(notices);
  const isStarted = edit.kind === "enable" && edit.enabled && isPlainObject(entry);
  const missing = isStarted
    ? entryProblems(name, { ...entry, enabled: true, disabled: undefined }, { env: process.env, folder })
    : undefined;
  if (missing) tell([`the host does not start until this is right: ${missing}`]);
  await printInert(`${file}: ${name} ${done}`);
}

/** Returns a hint that names the configuration file to change, if another file defines the server. Returns "" if no file defines it. */
async function elsewhere(name: string, globals: GlobalOptions): Promise<string> {
  const { load } = await import("../../shared/configuration.js");
  const { child } = await import("../../../core/source/tree.js");
  const loaded = await load(globals, undefined, { allowsUnset: true });
  const isThere = loaded.config.mcpServers.some((server) => server.name === name);
  return isThere
    ? `it is defined in ${loaded.originOf(child("/mcpServers", name)).replace(/:\d+$/, "")}: change it there`
    : "";
}
