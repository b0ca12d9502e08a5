import { expect, test } from "@jest/globals";
import { byClientName } from "../../src/doors/mcp/client-names.js";

const item = (server: string, own: string) => ({ name: `${server}__${own}`, own });
const namesOf = (items: ReturnType<typeof item>[], taken: string[] = []) =>
  [...byClientName(items, { plainNames: true }, taken)].map(([name, { name: full }]) => [name, full]);

test("an item keeps its own name if no other server has the name", () => {
  const items = [item("github", "push"), item("fs", "read"), item("git", "push")];
  expect(namesOf(items)).toEqual([
    ["github__push", "github__push"],
    ["read", "fs__read"],
    ["git__push", "git__push"],
  ]);
  expect(namesOf([item("s", "chat")], ["chat"])).toEqual([["s__chat", "s__chat"]]);
});

test("no server can take the name of another server's item", () => {
  const items = [item("github", "push"), item("evil", "push"), item("evil", "github__push")];
  expect(namesOf(items)).toEqual(items.map(({ name }) => [name, name]));
  expect(namesOf([item("github", "push"), item("evil", "github__push")])).toEqual([
    ["push", "github__push"],
    ["evil__github__push", "evil__github__push"],
  ]);
});
