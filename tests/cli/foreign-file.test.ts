import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { isForeign, topLevelSettings } from "../../src/cli/shared/configuration.js";
import { schemaText } from "../../src/config/schema/config-schema.js";
import { folderWith } from "../config/folder.js";

describe("the configuration of another program", () => {
  test.each([
    ["Hugo's", "baseURL: https://example.org/\nlanguageCode: en-us\nparams:\n  llm: { active: x }\n"],
    ["one with quoted keys and comments", "# llm: none\n---\n\"http.port\": 80\n'title' : x\n"],
    ["one with a setting that many programs have", "logging: { level: info }\nserver: { port: 80 }\n"],
    ["one that is no YAML because it is a template", "{{ if .Values.x }}\nname: {{ .Values.name }}\n{{ end }}\n"],
  ])("is recognised by its keys: %s", (_, text) => {
    using folder = folderWith({ "config.yaml": text });
    expect(isForeign(join(folder.path, "config.yaml"))).toBe(true);
  });

  test.each([
    ["one setting among other keys", "title: x\nllm:\n  active: demo\n"],
    ["nothing but settings that many programs have", "logging: { level: info }\nchat: {}\n"],
    ["rules of ours beside a key of others", "chat: { service: {} }\nservers: {}\n"],
    ["a setting in the spelling of others", "mcp_servers: {}\n"],
    ["one setting without a value", "mcpServers:\n"],
    ["the braces of JSON", '{ "llm": {} }'],
    ["nothing but comments", "# nothing yet\n"],
    ["addresses and no keys", "https://example.org\n"],
  ])("is not recognised in a file that may be ours: %s", (_, text) => {
    using folder = folderWith({ "config.yaml": text });
    expect(isForeign(join(folder.path, "config.yaml"))).toBe(false);
  });

  test("is not assumed if the file is missing", () => {
    expect(isForeign("/nowhere/config.yaml")).toBe(false);
  });

  test("is distinguished by all top-level keys of our schema", () => {
    expect(Object.keys(JSON.parse(schemaText()).properties).sort()).toEqual([...topLevelSettings].sort());
  });
});
