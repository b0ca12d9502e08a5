/** Plans an import: which servers are added to the configuration, which are not, and why. */
import type { JsonObject } from "../../core/json.js";
import { type EntryPlace, entryProblems } from "../edit/check-entry.js";
import type { ServerEdit } from "../edit/server-edit.js";
import { clearingLines, inlineSecrets, looksSecret, masked, referring } from "../reading/inline-secrets.js";
import type { ImportedFile, ImportedServer } from "./shared/importer.js";
import type { Note } from "./shared/server-draft.js";

type ImportOutcome = "added" | "replaced" | "kept" | "left out";

export interface PlannedServer {
  name: string;
  file: string;
  outcome: ImportOutcome;
  /** Reason why the server is disabled or not added. */
  reason?: string;
  isOff: boolean;
  notes: readonly Note[];
}

type SetEdit = Extract<ServerEdit, { kind: "set" }>;

export interface ImportPlan {
  edits: SetEdit[];
  /** Copy of `edits` with secrets removed, for display. */
  shown: SetEdit[];
  servers: PlannedServer[];
  /** True if at least one entry contains a secret in plain text. */
  hasSecrets: boolean;
}

export interface ImportTarget extends EntryPlace {
  /** Path of the configuration file, in the form in which it is displayed. */
  file: string;
  /** The servers that are already in the configuration. */
  servers: JsonObject;
}

export interface ImportChoices {
  replace: boolean;
  /** Handling of secrets in plain text: `keep` copies the secrets, `refer` replaces them by placeholders. */
  secrets: "keep" | "refer";
}

/** Plans the import. If several files have a server of the same name, the first one is used. */
export function planImport(files: readonly ImportedFile[], target: ImportTarget, choices: ImportChoices): ImportPlan {
  const plan: ImportPlan = { edits: [], shown: [], servers: [], hasSecrets: false };
  const taken = new Map<string, string>();
  for (const server of files.flatMap(({ servers }) => servers)) {
    const { name, file, notes } = server;
    const before = taken.get(name);
    const planned =
      before === undefined
        ? planServer(server, target, choices)
        : { reason: `${before} has one of this name, which counts` };
    if ("edit" in planned) {
      const { edit, hasSecrets, reason } = planned;
      taken.set(name, file);
      plan.edits.push(edit);
      plan.shown.push({ ...edit, entry: masked(edit.entry) });
      plan.hasSecrets ||= hasSecrets;
      const outcome = Object.hasOwn(target.servers, name) ? "replaced" : "added";
      const isOff = edit.entry.enabled === false;
      plan.servers.push({ name, file, outcome, isOff, notes: [...notes, ...planned.notes], ...(reason && { reason }) });
    } else {
      const isKept = planned.reason === undefined;
      const reason =
        planned.reason ?? `${target.file} has a server of this name, which stays (--replace takes this one)`;
      plan.servers.push({
        name,
        file,
        outcome: isKept ? "kept" : "left out",
        reason,
        isOff: false,
        notes: isKept ? [] : notes,
      });
    }
  }
  return plan;
}

type PlannedEdit = { edit: SetEdit; hasSecrets: boolean; reason?: string; notes: Note[] } | { reason?: string };

function planServer(server: ImportedServer, target: ImportTarget, { replace, secrets }: ImportChoices): PlannedEdit {
  const { name, skipped, comments } = server;
  if (skipped !== undefined) return { reason: skipped };
  if (name === "__proto__") return { reason: "no server can have this name" };
  if (Object.hasOwn(target.servers, name) && !replace) return {};
  const relativized = server.entry.cwd === target.folder ? { ...server.entry, cwd: "." } : server.entry;
  const problems = entryProblems(name, { ...relativized, enabled: false }, target);
  if (problems) return { reason: problems };
  const inline = inlineSecrets(name, relativized);
  const notes: Note[] = [];
  let entry = relativized;
  let variables: string[] = [];
  if (secrets === "refer" && inline.length > 0) {
    ({ entry, variables } = referring(name, relativized, inline));
    notes.push({ key: "", text: `its secrets were not copied: set ${variables.join(", ")} to them` });
  }
  const looks = looksSecret(entry);
  if (secrets === "refer" && looks)
    notes.push({ key: "", text: "something in it looks like a secret, and was copied" });
  const reason =
    entry.enabled === false ? undefined : (problemOf(variables, target) ?? entryProblems(name, entry, target));
  const clear = clearingLines(inline);
  const cleared = {
    above: comments.above.map(clear),
    keys: new Map([...comments.keys].map(([key, lines]) => [key, lines.map(clear)])),
  };
  const edit: SetEdit = { kind: "set", name, entry: reason ? { ...entry, enabled: false } : entry, comments: cleared };
  return { edit, hasSecrets: looks || (secrets === "keep" && inline.length > 0), notes, ...(reason && { reason }) };
}

/** Returns why the server must not start yet: a variable that stands for a secret of the file may have a secret that is none of the server's. */
function problemOf(variables: readonly string[], { env }: ImportTarget): string | undefined {
  const set = variables.find((name) => env[name] !== undefined);
  return (
    set &&
    `the variable ${set}, which stands for a secret of the file, has a value: see that it is meant for this server`
  );
}
