import { join } from "node:path";
import { isPlainObject, safeString } from "../../../core/json.js";
import {
  allowed,
  commonFields,
  copiedFlag,
  copiedMilliseconds,
  dropped,
  droppedUnless,
  noteApproval,
  oauth,
  ofMapping,
  ofText,
  seconds,
  setAll,
  textMap,
} from "../shared/entry-fields.js";
import { projectAround } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { noPlaceholder, variable } from "../shared/placeholders.js";
import type { FieldImport } from "../shared/server-draft.js";

/** Translates a list of variable names. The server gets each of these variables from the environment if it is set there. */
const forwarded: FieldImport = (value, draft, key) => {
  for (const item of Array.isArray(value) ? value : []) {
    const name = isPlainObject(item) ? item.name : item;
    if (typeof name !== "string") draft.note(key, "has an item without a name");
    else if (isPlainObject(item) && item.source === "remote") draft.note(key, `${name} comes from a remote machine`);
    else setAll(draft, "env", { [name]: variable(name, "").text }, key);
  }
};

const headersByName = ofMapping((names, draft, key) => {
  const headers = Object.entries(names).map(([header, name]) => [header, variable(String(name)).text]);
  setAll(draft, "headers", Object.fromEntries(headers), key);
});

const bearer = ofText((name, draft, key) => {
  setAll(draft, "headers", { Authorization: `Bearer ${variable(name).text}` }, key);
});

/** Translates an approval mode of one tool or, as `every tool`, of all. */
const approvalOf =
  (tools: string): FieldImport =>
  (mode, draft, key) => {
    if (mode === "approve") noteApproval(draft, key, tools);
    else if (mode !== "auto" && mode !== "prompt")
      draft.note(key, `${tools}: "${safeString(mode)}" is no mode that is known here, so it is asked about`);
  };

export const codex: Importer = {
  tool: "codex",
  title: "Codex",
  places: ({ env, home, cwd }) => [
    join(cwd, ".codex", "config.toml"),
    join(env.CODEX_HOME || join(home, ".codex"), "config.toml"),
  ],
  knows: ({ tree }) => isPlainObject(tree.mcp_servers),
  sections(file, surroundings) {
    return {
      sections: [
        {
          pointer: "/mcp_servers",
          servers: file.tree.mcp_servers,
          project: projectAround(file, ".codex", surroundings),
          convert: noPlaceholder,
          fields: {
            ...commonFields,
            env_vars: forwarded,
            http_headers: textMap("headers"),
            env_http_headers: headersByName,
            bearer_token_env_var: bearer,
            startup_timeout_sec: seconds("startup_timeout"),
            startup_timeout_ms: copiedMilliseconds("startup_timeout"),
            tool_timeout_sec: seconds("timeout"),
            required: copiedFlag("required"),
            enabled_tools: allowed("nothing"),
            default_tools_approval_mode: approvalOf("every tool"),
            tools: ofMapping((tools, draft, key) => {
              for (const [name, tool] of Object.entries(tools)) {
                if (isPlainObject(tool))
                  draft.take(tool, { approval_mode: (mode) => approvalOf(name)(mode, draft, key) });
                else draft.note(`${key}.${name}`, "has no counterpart here");
              }
            }),
            scopes: (value, draft, key) => oauth({ scopes: "scope" })({ scopes: value }, draft, key),
            oauth: oauth({ client_id: "client_id" }),
            oauth_resource: dropped("is not needed: the resource is the server's address"),
            supports_parallel_tool_calls: dropped("is not needed: calls of one answer run in parallel here"),
            experimental_environment: droppedUnless("local", "this host starts servers on its own machine"),
            name: dropped("is a name to show, which servers do not have here"),
          },
        },
      ],
      known: withoutRules,
    };
  },
};

/** Settings of Codex that restrict no tools of MCP servers: they are about its own tools, and about what runs unasked. */
const withoutRules = [
  "/approval_policy",
  "/features",
  "/notice",
  "/projects",
  "/sandbox_mode",
  "/sandbox_workspace_write",
  "/shell_environment_policy",
  "/tools",
];
