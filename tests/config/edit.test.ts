import { describe, expect, test } from "@jest/globals";
import { editServers } from "../../src/config/edit/edit-servers.js";
import type { ServerEdit } from "../../src/config/edit/server-edit.js";

const set = (name: string, entry: Record<string, unknown> = { command: "node" }): ServerEdit => ({
  kind: "set",
  name,
  entry,
});
const remove = (name: string): ServerEdit => ({ kind: "remove", name });
const enable = (name: string, enabled: boolean): ServerEdit => ({ kind: "enable", name, enabled });
const edited = (text: string, ...edits: ServerEdit[]) => editServers(text, edits, "config.yaml");

const block = `# mine
llm:   { active: groq }   # fast
mcpServers:
    # the files
    fs:
        command: npx     # from npm
        args: |-
            odd
    web: {url: "http://x/y"}   # trailing

# the end
chat: {}
`;

describe("a change of mcpServers leaves the rest of the file as it was, byte for byte", () => {
  test("a new server is added after the others with their indentation", () => {
    const indented = "    new:\n        command: node\n";
    expect(edited(block, set("new"))).toBe(block.replace("# trailing\n", `# trailing\n${indented}`));
  });

  test("a replaced server keeps the comment above it", () => {
    expect(edited(block, set("fs", { url: "http://z" }))).toContain(
      "    # the files\n    fs:\n        url: http://z\n    web:",
    );
  });

  test("a removed server's comment is removed too", () => {
    expect(edited(block, remove("fs"))).toBe(block.replace(/ {4}# the files[\s\S]*(?= {4}web)/, ""));
  });

  test("removing the last server leaves an empty mapping", () => {
    const text = edited(block, remove("fs"), remove("web"));
    expect(text).toContain("mcpServers: {}\n\n# the end\n");
    expect(edited("mcpServers: # all\n  a: {command: b}\n", remove("a"))).toBe("mcpServers: {} # all\n");
  });

  test("enabling and disabling changes one key, under the name that it has", () => {
    expect(edited(block, enable("fs", false))).toContain("            odd\n        enabled: false\n    web");
    expect(edited(block, enable("web", false))).toContain('web: {url: "http://x/y", enabled: false}   # trailing');
    expect(edited(block, enable("web", true))).toBe(block);
    const roo = "mcpServers:\n  a:\n    disabled: true # for now\n    command: b\n";
    expect(edited(roo, enable("a", true))).toBe(roo.replace("true #", "false #"));
  });

  test.each([
    ["nothing", "", "mcpServers:\n  new:\n    command: node\n"],
    ["an empty object", "{}\n", "mcpServers:\n  new:\n    command: node\n"],
    ["other keys", "llm: {}", "llm: {}\n\nmcpServers:\n  new:\n    command: node\n"],
    [
      "an empty mapping",
      "mcpServers: {}  # none\nllm: {}\n",
      "mcpServers:  # none\n  new:\n    command: node\nllm: {}\n",
    ],
    ["no value", "mcpServers:\nllm: {}\n", "mcpServers:\n  new:\n    command: node\nllm: {}\n"],
    [
      "flow style",
      "mcpServers: { a: {command: b} } # one\n",
      'mcpServers: { a: {command: b}, "new": {"command":"node"} } # one\n',
    ],
    [
      "JSON",
      '{\n    "mcpServers": {"a": {"command": "b"}}\n}\n',
      '{\n    "mcpServers": {"a": {"command": "b"},"new": {\n        "command": "node"\n    }}\n}\n',
    ],
  ])("a server is added in a file with %s", (_, before, after) => {
    const text = edited(before, set("new"));
    expect(text.replace(/\s+/g, "")).toBe(after.replace(/\s+/g, ""));
    if (!before.startsWith("{")) expect(text).toBe(after);
  });

  test("texts that look like another type are quoted", () => {
    const args = ["yes", "1", "2026-11-25", "a: b", "# c", "${X}", "null", "0o7", "line\nline"];
    const text = edited("", set("new", { command: "x", args, env: { A: "on" } }));
    expect(edited(text, enable("new", false))).toContain("enabled: false");
  });

  test("a change that would touch more of the file is refused", () => {
    const aliased = "base: &b {a: {command: x}}\nmcpServers: *b\n";
    expect(() => edited(aliased, set("new"))).toThrow(
      "config.yaml: mcpServers.new cannot be changed without touching the rest of the file: edit it by hand",
    );
  });
});
