import { join } from "node:path";
import { copiedText, copiedTexts, textMap, transport } from "../shared/entry-fields.js";
import { applicationData } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { noPlaceholder } from "../shared/placeholders.js";

export const claudeDesktop: Importer = {
  tool: "claude-desktop",
  title: "Claude Desktop",
  places: (surroundings) => [join(applicationData(surroundings), "Claude", "claude_desktop_config.json")],
  knows: ({ path }) => path.endsWith("claude_desktop_config.json"),
  sections: ({ tree }) => ({
    sections: [
      {
        pointer: "/mcpServers",
        servers: tree.mcpServers,
        convert: noPlaceholder,
        fields: {
          type: transport({ stdio: undefined }),
          command: copiedText("command"),
          args: copiedTexts("args"),
          env: textMap("env"),
        },
      },
    ],
    known: ["/isUsingBuiltInNodeForMcp"],
  }),
};
