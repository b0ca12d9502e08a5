/** Functions that translate other programs' keys. Importers build their tables from these functions. */

import { isPlainObject } from "../../../core/json.js";
import { writtenDuration } from "../../../core/text/durations.js";
import type { FieldImport, FieldImports, ServerDraft } from "./server-draft.js";

const longestMs = 86_400_000;

/** Returns a translation that passes a value to `take` if `isShaped` accepts it, and otherwise adds a note. */
function shaped<T>(isShaped: (value: unknown) => value is T, shape: string, take: TakeOf<T>): FieldImport {
  return (value, draft, key) => {
    if (isShaped(value)) take(value, draft, key);
    else draft.note(key, `is not ${shape}, so it was left out`);
  };
}

type TakeOf<T> = (value: T, draft: ServerDraft, key: string) => void;

const isText = (value: unknown): value is string => typeof value === "string";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isScalar = (value: unknown): value is string | number | boolean =>
  isText(value) || isFlag(value) || isNumber(value);
const isScalars = (value: unknown): value is (string | number | boolean)[] =>
  Array.isArray(value) && value.every(isScalar);

export const ofText = (take: TakeOf<string>) => shaped(isText, "a text", take);
const ofFlag = (take: TakeOf<boolean>) => shaped(isFlag, "true or false", take);
export const ofTexts = (take: TakeOf<string[]>) =>
  shaped(isScalars, "a list of texts", (list, draft, key) => take(list.map(String), draft, key));
export const ofMapping = (take: TakeOf<Record<string, unknown>>) => shaped(isPlainObject, "a mapping", take);

export const copiedText = (target: string) =>
  ofText((value, draft, key) => draft.set(target, draft.text(value, key), key));
export const path = (target: string) => ofText((value, draft, key) => draft.set(target, draft.path(value, key), key));
export const copiedFlag = (target: string) => ofFlag((value, draft, key) => draft.set(target, value, key));

export const copiedTexts = (target: string) =>
  ofTexts((list, draft, key) => {
    if (list.length > 0)
      draft.set(
        target,
        list.map((item) => draft.text(item, key)),
        key,
      );
  });

/** Translates a list that contains the program and then its arguments. */
export const commandLine = ofTexts(([command = "", ...args], draft, key) => {
  draft.set("command", draft.text(command, key), key);
  if (args.length > 0)
    draft.set(
      "args",
      args.map((arg) => draft.text(arg, key)),
      key,
    );
});

/** Returns a translation that adds the pairs of a mapping to `target`. Pairs that other keys have added there are kept. */
export const textMap = (target: string) =>
  ofMapping((mapping, draft, key) => {
    const values = Object.entries(mapping).flatMap(([name, value]) => {
      if (isScalar(value)) return [[name, draft.text(String(value), key)] as const];
      draft.note(`${key}.${name}`, "is not a text, so it was left out");
      return [];
    });
    if (values.length > 0) setAll(draft, target, Object.fromEntries(values), key);
  });

export function setAll(
  draft: ServerDraft,
  target: string,
  values: Readonly<Record<string, string>>,
  key: string,
): void {
  const before = draft.entry[target];
  draft.set(target, { ...(isPlainObject(before) ? before : {}), ...values }, key);
}

/** Translations of keys that have the same name in most programs and in this host. */
export const commonFields: FieldImports = {
  command: copiedText("command"),
  args: copiedTexts("args"),
  env: textMap("env"),
  cwd: path("cwd"),
  url: copiedText("url"),
  headers: textMap("headers"),
};

const duration = (target: string, unitMs: number) =>
  shaped(isNumber, "a number", (amount, draft, key) => {
    const ms = Math.round(amount * unitMs);
    if (ms >= 1 && ms <= longestMs) draft.set(target, writtenDuration(ms), key);
    else draft.note(key, `${amount} is no time that ${target} can have, so it was left out`);
  });

export const seconds = (target: string) => duration(target, 1000);
export const copiedMilliseconds = (target: string) => duration(target, 1);

/**
 * Translates the list of tools that are offered to the model. `none` says what an empty list means in the other program. In this host an
 * empty list means all tools.
 */
export const allowed = (none: "all" | "nothing" = "all") =>
  ofTexts((names, draft, key) => {
    if (names.length === 0 && none === "nothing") draft.add("tools.deny", ["*"], key);
    else draft.add("tools.allow", names, key);
  });

const denied = ofTexts((names, draft, key) => draft.add("tools.deny", names, key));

/**
 * Notes what another program runs without asking, and leaves it out. Its rules may have exceptions in other files, or of a kind that cannot be
 * written here, so a server that was just taken over runs nothing unasked.
 */
export function noteApproval(draft: ServerDraft, key: string, tools: string): void {
  draft.note(key, `${tools} ran unasked there and is asked about here: answer "always", or use tools.auto_approve`);
}

const approved = ofTexts((names, draft, key) => {
  if (names.length > 0) noteApproval(draft, key, names.join(", "));
});

/** Translates a boolean. If it is true, the other program runs every tool of the server without asking. */
const trusted = ofFlag((isTrusted, draft, key) => {
  if (isTrusted) noteApproval(draft, key, "every tool");
});

/** Translates a boolean whose default is true, so only false is written. */
const enabled = ofFlag((isOn, draft, key) => {
  if (!isOn) draft.set("enabled", false, key);
});

const disabled = ofFlag((isOff, draft, key) => {
  if (isOff) draft.set("enabled", false, key);
});

/**
 * Translations of keys by which programs switch servers and tools off or on. They count for every program, because files of one form are
 * written by several programs.
 */
export const switches: FieldImports = {
  enabled,
  disabled,
  disabledTools: denied,
  disabled_tools: denied,
  excludeTools: denied,
  excludedTools: denied,
  autoApprove: approved,
  alwaysAllow: approved,
  trust: trusted,
};

/**
 * Translates the name of a transport. `types` maps the other program's names to ours. If a name is mapped to undefined, no type is written,
 * because this host detects the transport.
 */
export const transport = (types: Readonly<Record<string, "http" | "sse" | undefined>>) =>
  ofText((type, draft, key) => {
    if (!Object.hasOwn(types, type)) draft.note(key, `"${type}" is no transport of this host`);
    else if (types[type]) draft.set("type", types[type], key);
  });

/** Translates the keys for a login with an OAuth client that was registered in advance. */
export const oauth = (
  keys: Readonly<Record<string, "client_id" | "client_secret" | "scope" | "callback_port">>,
): FieldImport =>
  ofMapping((login, draft, key) => {
    for (const [name, value] of Object.entries(login)) {
      const target = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (target === "callback_port" && isNumber(value)) draft.set("oauth.callback_port", value, key);
      else if (target && Array.isArray(value)) draft.set(`oauth.${target}`, draft.text(value.join(" "), key), key);
      else if (target && isText(value)) draft.set(`oauth.${target}`, draft.text(value, key), key);
      else draft.note(`${key}.${name}`, "has no counterpart here: what a login needs is found out from the server");
    }
  });

/** Returns a translation that leaves the key out and adds the note `why`. */
export const dropped =
  (why: string): FieldImport =>
  (_value, draft, key) =>
    draft.note(key, why);

/** Returns a translation that leaves the key out. It adds the note `why` unless the value is `usual`, the other program's default. */
export const droppedUnless =
  (usual: unknown, why: string): FieldImport =>
  (value, draft, key) => {
    if (value !== usual) draft.note(key, why);
  };

/** Leaves a key out without a note, because this host always does what the key asks for. */
export const understood: FieldImport = () => {};
