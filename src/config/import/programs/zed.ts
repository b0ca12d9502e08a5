import { join } from "node:path";
import { isPlainObject } from "../../../core/json.js";
import { copiedText, copiedTexts, droppedUnless, oauth, seconds, textMap, understood } from "../shared/entry-fields.js";
import { configHome, projectAround, roamingData } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { noPlaceholder } from "../shared/placeholders.js";
import type { FieldImport } from "../shared/server-draft.js";

/** Translates the command, which is the path of the program. Until 2025 it was a mapping of path, arguments and variables. */
const command: FieldImport = (value, draft, key) => {
  if (isPlainObject(value))
    draft.take(value, { path: copiedText("command"), args: copiedTexts("args"), env: textMap("env") });
  else copiedText("command")(value, draft, key);
};

export const zed: Importer = {
  tool: "zed",
  title: "Zed",
  places: (surroundings) => [
    join(surroundings.cwd, ".zed", "settings.json"),
    surroundings.platform === "win32"
      ? join(roamingData(surroundings), "Zed", "settings.json")
      : join(configHome(surroundings), "zed", "settings.json"),
  ],
  knows: ({ tree }) => isPlainObject(tree.context_servers),
  sections(file, surroundings) {
    const { tree } = file;
    const general = tree.context_server_timeout;
    return {
      sections: [
        {
          pointer: "/context_servers",
          servers: tree.context_servers,
          project: projectAround(file, ".zed", surroundings),
          convert: noPlaceholder,
          fields: {
            source: understood,
            command,
            args: copiedTexts("args"),
            env: textMap("env"),
            url: copiedText("url"),
            headers: textMap("headers"),
            timeout: seconds("timeout"),
            oauth: oauth({ client_id: "client_id", client_secret: "client_secret" }),
            remote: droppedUnless(false, "this host starts servers on its own machine"),
            settings: (value, draft, key) => {
              if (!isPlainObject(value) || Object.keys(value).length > 0) draft.note(key, "is for an extension of Zed");
            },
          },
          skip: ({ source, command, url }) =>
            source === "extension" || (command === undefined && url === undefined)
              ? "it comes with an extension of Zed, which knows how to start it"
              : undefined,
          finish(draft) {
            if (draft.entry.url !== undefined) draft.entry.type = "http";
            if (general !== undefined && draft.entry.timeout === undefined) {
              seconds("timeout")(general, draft, "context_server_timeout");
            }
          },
        },
      ],
    };
  },
};
