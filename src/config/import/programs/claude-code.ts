import { basename, join } from "node:path";
import { asObject, isPlainObject, type JsonObject, safeString } from "../../../core/json.js";
import { child } from "../../../core/source/tree.js";
import {
  allowed,
  commonFields,
  copiedMilliseconds,
  dropped,
  noteApproval,
  oauth,
  transport,
} from "../shared/entry-fields.js";
import { folderOf, treeOf } from "../shared/foreign-text.js";
import type { Importer, ServersSection } from "../shared/importer.js";
import { braces } from "../shared/placeholders.js";
import type { FieldImport, FieldImports, Note, ServerDraft } from "../shared/server-draft.js";

/**
 * Translates Claude Code's list of tool permissions, such as `[{name, permission_policy}]`. In files of other programs of this form, it is a
 * list of the tools that are offered.
 */
const policies: FieldImport = (value, draft, key) => {
  if (!Array.isArray(value) || value.every((tool) => typeof tool === "string")) {
    allowed("nothing")(value, draft, key);
    return;
  }
  for (const tool of value) {
    const { name, permission_policy: policy } = isPlainObject(tool) ? tool : {};
    if (typeof name !== "string") draft.note(key, "has an item without a name");
    else if (policy === "always_deny") draft.add("tools.deny", [name], key);
    else if (policy === "always_allow") noteApproval(draft, key, name);
    else if (policy !== "always_ask")
      draft.note(key, `${name}: "${safeString(policy)}" is no policy that is known here, so it is asked about`);
  }
};

const noTimeout = "is under a second, which Claude Code does not regard";

const claudeFields: FieldImports = {
  type: transport({ stdio: undefined, local: undefined, http: "http", "streamable-http": "http", sse: "sse" }),
  ...commonFields,
  timeout: (value, draft, key) =>
    typeof value === "number" && value < 1000
      ? draft.note(key, noTimeout)
      : copiedMilliseconds("timeout")(value, draft, key),
  tools: policies,
  oauth: oauth({ clientId: "client_id", callbackPort: "callback_port", scopes: "scope" }),
  headersHelper: dropped("runs a program for the headers, which this host does not: give headers with ${VARIABLES}"),
  alwaysLoad: dropped("is not needed: tools are held back only when all of them cost too much (tool_budget_tokens)"),
};

export const claudeCode: Importer = {
  tool: "claude-code",
  title: "Claude Code",
  places: ({ home, cwd }) => [join(cwd, ".mcp.json"), join(home, ".claude.json")],
  rulePaths: ({ home, cwd }) => [
    join(home, ".claude", "settings.json"),
    join(cwd, ".claude", "settings.json"),
    join(cwd, ".claude", "settings.local.json"),
  ],
  knows: ({ path }) => [".mcp.json", ".claude.json"].includes(basename(path)),
  sections(file, { cwd, home }) {
    const common = { convert: braces, fields: claudeFields };
    const isUsers = basename(file.path) === ".claude.json";
    // Claude Code keeps in the user's own file which servers of a project are off or were refused.
    const trees = isUsers ? [file.tree] : [file.tree, treeOf(join(home, ".claude.json"), cwd)];
    const listed = (folder: string, key: string) => trees.map((tree) => projectOf(tree, folder)[key]);
    const local: ServersSection = {
      ...common,
      pointer: child(child("/projects", cwd), "mcpServers"),
      servers: projectOf(file.tree, cwd).mcpServers,
      project: cwd,
      finish: switchedOff(listed(cwd, "disabledMcpServers")),
    };
    const project = isUsers ? undefined : folderOf(file);
    const off = listed(project ?? cwd, "disabledMcpServers");
    const shared: ServersSection = {
      ...common,
      pointer: "/mcpServers",
      servers: file.tree.mcpServers,
      project,
      finish: switchedOff(project ? [...off, ...listed(project, "disabledMcpjsonServers")] : off),
    };
    const others = Object.keys(asObject(file.tree.projects) ?? {}).filter((folder) => folder !== cwd);
    const here = child("/projects", cwd);
    return {
      sections: [local, shared],
      notes: ofOtherProjects(file.tree, cwd),
      known: [
        ...others.map((folder) => child("/projects", folder)),
        ...knownOfProjects.map((key) => child(here, key)),
        ...withoutRules,
      ],
    };
  },
};

/** Keys of a project in `~/.claude.json` that are read, or that restrict no tools of MCP servers. */
const knownOfProjects = [
  "allowedTools",
  "disabledMcpServers",
  "disabledMcpjsonServers",
  "enabledMcpjsonServers",
  "hasClaudeMdExternalIncludesApproved",
  "hasTrustDialogAccepted",
  "mcpContextUris",
];

/** Keys in `~/.claude.json` that restrict no tools of MCP servers: what Claude Code remembers of its own use. */
const withoutRules = [
  "/bypassPermissionsModeAccepted",
  "/cachedDynamicConfigs",
  "/cachedExtraUsageDisabledReason",
  "/cachedGrowthBookFeatures",
  "/cachedStatsigGates",
  "/customApiKeyResponses",
  "/tipsHistory",
  "/toolUsage",
];

/** Returns what the file says about a project. */
function projectOf({ projects }: JsonObject, folder: string): JsonObject {
  const project = isPlainObject(projects) ? projects[folder] : undefined;
  return isPlainObject(project) ? project : {};
}

function switchedOff(lists: readonly unknown[]): (draft: ServerDraft) => void {
  return (draft) => {
    if (lists.some((names) => Array.isArray(names) && names.includes(draft.name))) draft.entry.enabled = false;
  };
}

function ofOtherProjects({ projects }: JsonObject, cwd: string): Note[] {
  return Object.entries(isPlainObject(projects) ? projects : {}).flatMap(([folder, project]) => {
    const servers = isPlainObject(project) && isPlainObject(project.mcpServers) ? Object.keys(project.mcpServers) : [];
    if (folder === cwd || servers.length === 0) return [];
    return [{ key: `projects.${folder}`, text: `${servers.join(", ")}: run this in that folder to take them` }];
  });
}
