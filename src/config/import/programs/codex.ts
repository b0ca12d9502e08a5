import { join } from "node:path";
import { isPlainObject } from "../../../core/json.js";
import {
  allowed,
  commonFields,
  copiedFlag,
  copiedMilliseconds,
  denied,
  dropped,
  droppedUnless,
  enabled,
  oauth,
  ofMapping,
  ofText,
  seconds,
  setAll,
  textMap,
  understood,
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
            enabled,
            required: copiedFlag("required"),
            enabled_tools: allowed("nothing"),
            disabled_tools: denied,
            default_tools_approval_mode: understood,
            tools: understood,
            scopes: (value, draft, key) => oauth({ scopes: "scope" })({ scopes: value }, draft, key),
            oauth: oauth({ client_id: "client_id" }),
            oauth_resource: dropped("is not needed: the resource is the server's address"),
            supports_parallel_tool_calls: dropped("is not needed: calls of one answer run in parallel here"),
            experimental_environment: droppedUnless("local", "this host starts servers on its own machine"),
            name: dropped("is a name to show, which servers do not have here"),
          },
          finish(draft, { default_tools_approval_mode: general = "auto", tools }) {
            const modes = Object.entries(isPlainObject(tools) ? tools : {}).map(([name, tool]) => {
              const mode = isPlainObject(tool) ? tool.approval_mode : undefined;
              return [name, mode ?? general] as const;
            });
            const unasked = modes.filter(([, mode]) => mode === "approve").map(([name]) => name);
            const asked = modes.filter(([, mode]) => mode !== "approve").map(([name]) => name);
            if (general !== "approve") draft.add("tools.auto_approve", unasked, "tools");
            else if (asked.length === 0) draft.add("tools.auto_approve", ["*"], "default_tools_approval_mode");
            else {
              draft.add("tools.auto_approve", unasked, "tools");
              const why = `all but ${asked.join(", ")} run unasked in Codex; here a list cannot say "all but": name them`;
              draft.note("default_tools_approval_mode", why);
            }
          },
        },
      ],
    };
  },
};
