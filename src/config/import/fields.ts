/** Translates the keys of other programs' servers. One table serves all programs, because files of one form are written by several. */
import { asArray, asObject, asObjects, isPlainObject } from "../../core/json.js";
import { writtenDuration } from "../../core/text/durations.js";
import { variable } from "./placeholders.js";
import { type FieldImport, type FieldImports, isEmpty, type ServerDraft } from "./server-draft.js";

type TakeOf<T> = (value: T, draft: ServerDraft, key: string) => void;

/** Returns a translation that passes a value to `take` if `isShaped` accepts it, and otherwise adds a note. */
function shaped<T>(isShaped: (value: unknown) => value is T, shape: string, take: TakeOf<T>): FieldImport {
  return (value, draft, key) => {
    if (isShaped(value)) take(value, draft, key);
    else draft.note(key, `is not ${shape}, so it was left out`);
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isScalar = (value: unknown): value is string | number | boolean =>
  isText(value) || isFlag(value) || isNumber(value);
const isScalars = (value: unknown): value is (string | number | boolean)[] =>
  Array.isArray(value) && value.every(isScalar);

const ofText = (take: TakeOf<string>) => shaped(isText, "a text", take);
const ofFlag = (take: TakeOf<boolean>) => shaped(isFlag, "true or false", take);
const ofTexts = (take: TakeOf<string[]>) =>
  shaped(isScalars, "a list of texts", (list, draft, key) => take(list.map(String), draft, key));
const ofMapping = (take: TakeOf<Record<string, unknown>>) => shaped(isPlainObject, "a mapping", take);

const text = (target: string) => ofText((value, draft, key) => draft.set(target, draft.text(value, key)));
const path = (target: string) => ofText((value, draft, key) => draft.set(target, draft.path(value, key)));

const args = ofTexts((list, draft, key) => {
  const converted = list.map((item) => draft.text(item, key));
  if (list.length > 0) draft.set("args", converted);
});

/** Translates the command: the program, a list with the program and its arguments, or (Zed until 2025) a mapping of path, `args` and `env`. */
const command: FieldImport = (value, draft, key) => {
  if (isPlainObject(value)) draft.take(value, { path: text("command"), args, env: textMap("env") });
  else if (isScalars(value)) {
    text("command")(String(value[0] ?? ""), draft, key);
    args(value.slice(1), draft, key);
  } else text("command")(value, draft, key);
};

const textMap = (target: "env" | "headers") =>
  ofMapping((mapping, draft, key) => {
    for (const [name, value] of Object.entries(mapping)) {
      if (isScalar(value)) draft.setAll(target, { [name]: draft.text(String(value), key) });
      else draft.note(`${key}.${name}`, "is not a text, so it was left out");
    }
  });

/** Matches a header line `Name: value`. A line that is only a placeholder does not match, because a name cannot contain `{`. */
const headerLine = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/s;

/** Translates a mapping of headers, or (Kit) a list of header lines. */
const headers: FieldImport = (value, draft, key) => {
  if (!isScalars(value)) return textMap("headers")(value, draft, key);
  for (const line of value) {
    const [, name, rest = ""] = headerLine.exec(String(line)) ?? [];
    if (name === undefined) draft.note(key, "has a line that is not `Name: value`, so it was left out");
    else draft.setAll("headers", { [name]: draft.text(rest, key) });
  }
};

/** Translates a list of variable names. If there is no `fallback`, the server does not start before they are set. */
const variables =
  (fallback?: string): FieldImport =>
  (value, draft, key) => {
    for (const item of asArray(value)) {
      const { name, source } = isPlainObject(item) ? item : { name: item };
      if (typeof name !== "string") draft.note(key, "has an item without a name");
      else if (source === "remote") draft.note(key, `${name} comes from a remote machine`);
      else draft.setAll("env", { [name]: variable(name, fallback).text });
    }
  };

const headersByVariable = ofMapping((names, draft) => {
  for (const [header, name] of Object.entries(names))
    draft.setAll("headers", { [header]: variable(String(name)).text });
});

const duration = (target: string, unitMs: number) =>
  shaped(isNumber, "a number", (amount, draft, key) => {
    const ms = Math.round(amount * unitMs);
    if (ms >= 1 && ms <= 86_400_000) draft.set(target, writtenDuration(ms));
    else draft.note(key, `${amount} is not a valid time for ${target}, so it was left out`);
  });

export const seconds = (target: string) => duration(target, 1000);
export const inMilliseconds = (target: string) => duration(target, 1);

const timeout: FieldImport = (value, draft, key) => {
  if (isNumber(value) && value < 1000) draft.note(key, "is under a second, so it was left out");
  else inMilliseconds("timeout")(value, draft, key);
};

/**
 * Translates the list of tools that are offered to the model. `none` says what an empty list means in the other program. In this host an
 * empty list means all tools.
 */
const offered = (none: "all" | "nothing") =>
  ofTexts((names, draft) => {
    if (names.length === 0 && none === "nothing") draft.addTools("deny", ["*"]);
    else draft.addTools("allow", names);
  });

/** Switches the server off if the flag has this value. */
const off = (value: boolean) =>
  ofFlag((flag, draft) => {
    if (flag === value) draft.set("enabled", false);
  });

const denied = ofTexts((names, draft) => draft.addTools("deny", names));

/** Notes that another program runs tools without asking. A server that was just imported runs none, since exceptions may be elsewhere. */
const approved: FieldImport = (value, draft, key) => {
  if (isEmpty(value) || value === "auto" || value === "prompt") return;
  draft.note(key, 'what ran unasked there is asked about here: answer "always", or use tools.auto_approve');
};

/** Translates a list of the tools that are offered, Claude Code's list `[{name, permission_policy}]`, or Codex's `{NAME: {approval_mode}}`. */
const tools: FieldImport = (value, draft, key) => {
  if (!isPlainObject(value) && asObjects(value).length === 0) return offered("nothing")(value, draft, key);
  for (const rule of Object.values(value as object)) {
    const { name, permission_policy: policy, approval_mode: mode = policy } = asObject(rule) ?? {};
    if (mode === "always_deny") denied([name], draft, key);
    else if (mode === "always_allow" || mode === "approve") approved(mode, draft, key);
    else if (!["always_ask", "auto", "prompt"].includes(String(mode)))
      draft.note(key, "has a rule that is not known here, so its tool is asked about");
  }
};

/** Translates a login with an OAuth client that was registered in advance. Programs write its keys in several ways. */
const login = ofMapping((login, draft, key) => {
  for (const [name, value] of Object.entries(login)) {
    const target = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
    const words = Array.isArray(value) ? value.join(" ") : value;
    if (target === "callback_port" && isNumber(value)) draft.set("oauth.callback_port", value);
    else if (["client_id", "client_secret", "scope", "scopes"].includes(target) && isText(words))
      draft.set(`oauth.${target.replace(/s$/, "")}`, draft.text(words, key));
    else draft.note(`${key}.${name}`, "has no counterpart here: what a login needs is found out from the server");
  }
});

/** Keys that need no note: names to show, and what this host always does or finds out by itself. `type` is read with the URL. */
const understood = [
  ...["type", "transport", "source", "name", "display_name", "description", "bundled"],
  ...["capabilities", "alwaysLoad", "supports_parallel_tool_calls", "oauth_resource"],
];

export const fields: FieldImports = {
  command,
  cmd: command,
  args,
  env: textMap("env"),
  envs: textMap("env"),
  environment: textMap("env"),
  env_vars: variables(""),
  env_keys: variables(),
  envFile: path("env_file"),
  cwd: path("cwd"),
  url: text("url"),
  uri: text("url"),
  httpUrl: text("url"),
  headers,
  http_headers: textMap("headers"),
  env_http_headers: headersByVariable,
  bearer_token_env_var: ofText((name, draft) =>
    draft.setAll("headers", { Authorization: `Bearer ${variable(name).text}` }),
  ),
  oauth: (value, draft, key) => isEmpty(value) || login(value, draft, key),
  auth: login,
  scopes: (value, draft, key) => login({ scopes: value }, draft, key),
  timeout,
  tool_timeout_sec: seconds("timeout"),
  startup_timeout_sec: seconds("startup_timeout"),
  startup_timeout_ms: inMilliseconds("startup_timeout"),
  required: ofFlag((isRequired, draft) => draft.set("required", isRequired)),
  enabled: off(false),
  disabled: off(true),
  sandboxEnabled: (value, draft, key) => {
    off(true)(value, draft, key);
    if (value === true) draft.note(key, "asks for a sandbox, which this host does not put servers in");
  },
  tools,
  enabled_tools: offered("nothing"),
  includeTools: offered("nothing"),
  allowedTools: offered("all"),
  available_tools: offered("all"),
  disabledTools: denied,
  disabled_tools: denied,
  excludeTools: denied,
  excludedTools: denied,
  autoApprove: approved,
  alwaysAllow: approved,
  trust: approved,
  default_tools_approval_mode: approved,
  ...Object.fromEntries(understood.map((key) => [key, () => {}])),
};
