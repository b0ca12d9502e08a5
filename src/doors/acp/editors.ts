/** Configuration that a user pastes into an editor, so that the editor starts this host over ACP. */

export const editors = ["zed", "jetbrains", "neovim"] as const;
export type Editor = (typeof editors)[number];

/** Returns the configuration. `command` and `args` start the host; the argument `acp` is added here. */
export function editorConfig(editor: Editor, command: string, args: readonly string[]): string {
  const start = { command, args: [...args, "acp"] };
  switch (editor) {
    case "zed":
      return json({ agent_servers: { "MCP-Platform": { type: "custom", ...start, env: {} } } });
    case "jetbrains":
      return json({ agent_servers: { "MCP-Platform": { ...start, env: {} } } });
    case "neovim":
      return [
        "-- avante.nvim, lua",
        'require("avante").setup({',
        '  provider = "mcp-platform",',
        "  acp_providers = {",
        `    ["mcp-platform"] = { command = ${lua(command)}, args = { ${start.args.map(lua).join(", ")} } },`,
        "  },",
        "})",
      ].join("\n");
  }
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}

/** Returns the text as a Lua string literal. JSON literals differ from Lua literals only in escapes that no path contains. */
function lua(text: string): string {
  return JSON.stringify(text);
}
