import { join } from "node:path";
import { text, textMap, texts, transport } from "./fields.js";
import { applicationData } from "./folders.js";
import type { Importer } from "./importer.js";
import { nothing } from "./variables.js";

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
        convert: nothing,
        fields: {
          type: transport({ stdio: undefined }),
          command: text("command"),
          args: texts("args"),
          env: textMap("env"),
        },
      },
    ],
  }),
};
