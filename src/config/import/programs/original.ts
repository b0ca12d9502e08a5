import { join } from "node:path";
import { isPlainObject } from "../../../core/json.js";
import { commonFields, dropped, seconds } from "../shared/entry-fields.js";
import { folderOf } from "../shared/foreign-text.js";
import type { Importer } from "../shared/importer.js";
import { noPlaceholder } from "../shared/placeholders.js";
import type { Note } from "../shared/server-draft.js";

const settings: Readonly<Record<string, string>> = {
  autoReconnect: "is not needed: servers are always reconnected",
  maxRetries: "is not needed: servers are always reconnected",
  retryDelay: "is not needed: the pauses between attempts grow by themselves",
  logLevel: "is logging.level here, for the whole host",
};

/** Importer for `servers_config.json`, the file of the original MCP-Platform, on which this program is modelled. */
export const original: Importer = {
  tool: "original",
  title: "the original MCP-Platform",
  places: ({ cwd }) => [".", "src", join("Client", "src")].map((folder) => join(cwd, folder, "servers_config.json")),
  knows: ({ path, tree }) =>
    /[/\\]servers_config\.json$/.test(path) || (isPlainObject(tree.settings) && "defaultTimeout" in tree.settings),
  sections(file) {
    const { defaultTimeout, ...rest } = isPlainObject(file.tree.settings) ? file.tree.settings : {};
    return {
      sections: [
        {
          pointer: "/mcpServers",
          servers: file.tree.mcpServers,
          convert: noPlaceholder,
          fields: {
            ...commonFields,
            timeout: seconds("timeout"),
            capabilities: dropped("is not needed: a server says itself what it can do"),
          },
          finish(draft) {
            if (defaultTimeout !== undefined && draft.entry.timeout === undefined) {
              seconds("timeout")(defaultTimeout, draft, "settings.defaultTimeout");
            }
            if (draft.entry.command !== undefined) draft.entry.cwd ??= startFolder(folderOf(file));
          },
        },
      ],
      notes: Object.keys(rest).map(
        (key): Note => ({ key: `settings.${key}`, text: settings[key] ?? "has no counterpart here" }),
      ),
      known: ["/settings"],
    };
  },
};

/** Returns the folder in which the original platform was started: for a file in `src`, the parent of `src`. */
function startFolder(folder: string): string {
  return folder.replace(/[/\\]src$/, "");
}
