/** Plans an import: which servers are added to the configuration, which are not, and why. */
import type { JsonObject } from "../../core/json.js";
import { type EntryContext, entryProblems } from "../edit/check-entry.js";
import type { ServerEdit } from "../edit/server-edit.js";
import { inlineSecrets, looksSecret, referring } from "../reading/inline-secrets.js";
import type { ImportedFile, ImportedServer } from "./import-file.js";

export interface PlannedServer extends Pick<ImportedServer, "name" | "file" | "notes"> {
  outcome: "added" | "replaced" | "kept" | "left out";
  reason?: string | undefined;
  isOff: boolean;
}

type SetEdit = Extract<ServerEdit, { kind: "set" }>;

export interface ImportPlan {
  edits: SetEdit[];
  servers: PlannedServer[];
  /** True if at least one entry contains a secret in plain text. */
  hasSecrets: boolean;
}

export interface ImportTarget extends EntryContext {
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
  const plan: ImportPlan = { edits: [], servers: [], hasSecrets: false };
  const taken = new Map<string, string>();
  for (const server of files.flatMap(({ servers }) => servers)) {
    const { name, file, notes } = server;
    const full = server.entry.cwd === target.folder ? { ...server.entry, cwd: "." } : server.entry;
    const isThere = Object.hasOwn(target.servers, name);
    const before = taken.get(name);
    const refused = before ? `${before} has one of this name, which counts` : whyRefused(server, full, target);
    const common = { name, file, isOff: false, notes };
    if (refused !== undefined) {
      plan.servers.push({ ...common, outcome: "left out", reason: refused });
    } else if (isThere && !choices.replace) {
      const reason = `${target.file} has a server of this name, which stays (--replace takes this one)`;
      plan.servers.push({ ...common, outcome: "kept", reason, notes: [] });
    } else {
      const { entry, reason, ...planned } = plannedEntry(name, full, target, choices);
      taken.set(name, file);
      plan.edits.push({ kind: "set", name, entry });
      plan.hasSecrets ||= planned.hasSecrets;
      const outcome = isThere ? "replaced" : "added";
      const isOff = entry.enabled === false;
      plan.servers.push({ ...common, outcome, reason, isOff, notes: [...notes, ...planned.notes] });
    }
  }
  return plan;
}

function whyRefused({ name, skipped }: ImportedServer, entry: JsonObject, target: ImportTarget): string | undefined {
  if (skipped !== undefined) return skipped;
  if (name === "__proto__") return "no server can have this name";
  return entryProblems(name, { ...entry, enabled: false }, target);
}

function plannedEntry(name: string, full: JsonObject, target: ImportTarget, { secrets }: ImportChoices) {
  const inline = inlineSecrets(name, full);
  const isReferring = secrets === "refer" && inline.length > 0;
  const { entry, variables } = isReferring ? referring(name, full, inline) : { entry: full, variables: [] };
  const looks = looksSecret(entry);
  const texts = [
    ...(isReferring ? [`its secrets were not copied: set ${variables.join(", ")} to them`] : []),
    ...(secrets === "refer" && looks ? ["something in it looks like a secret, and was copied"] : []),
  ];
  // A variable that stands for a secret of the file may have a secret that is not the server's.
  const set = variables.find((variable) => target.env[variable] !== undefined);
  const taken = `the variable ${set}, which stands for a secret of the file, has a value: see that it is meant for this server`;
  const reason = entry.enabled === false ? undefined : set ? taken : entryProblems(name, entry, target);
  return {
    entry: reason ? { ...entry, enabled: false } : entry,
    hasSecrets: looks || (secrets === "keep" && inline.length > 0),
    notes: texts.map((text) => ({ key: "", text })),
    reason,
  };
}
