import { expect, test } from "@jest/globals";
import { ownerOf } from "../../src/mcp/tools/resource-owner.js";

const offers = (name: string, uris: string[], templates: string[] = []) => ({
  name,
  lists: { resources: uris.map((uri) => ({ uri })), templates: templates.map((uriTemplate) => ({ uriTemplate })) },
  linked: new Set(name === "other" ? ["https://example.com/linked", "https://example.com/a"] : []),
});
const servers = [
  offers("notes", ["note://today"], ["note://archive/{year}"]),
  offers("web", ["https://example.com/a"], ["https://example.com/docs/{page}", "{+url}", "file:///{path}"]),
  offers("other", ["note://shared"]),
];
const owner = (uri: string) => ownerOf(uri, servers)?.name;

test("a resource belongs to the server that lists it", () => {
  expect(owner("note://today")).toBe("notes");
  expect(owner("note://shared")).toBe("other");
  expect(owner("https://example.com/a")).toBe("web");
});

test("a resource that no server lists belongs to one that has pointed to it, whatever its scheme", () => {
  expect(owner("https://example.com/linked")).toBe("other");
});

test("a resource of neither kind belongs to a server whose template it fits, or with a scheme of its own", () => {
  expect(owner("note://archive/2024")).toBe("notes");
  expect(owner("https://example.com/docs/x")).toBe("web");
  expect(owner("note://tomorrow")).toBe("notes");
});

test("an address that any server could make the host open belongs to none", () => {
  expect(owner("https://evil.example/?secret")).toBeUndefined();
  expect(owner("https://example.com/b")).toBeUndefined();
  expect(owner("file:///etc/passwd")).toBeUndefined();
  expect(owner("nothing")).toBeUndefined();
});
