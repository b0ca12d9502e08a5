import { expect, test } from "@jest/globals";
import { DbosDispatch, type DispatchParts } from "../../src/cluster/dbos/dispatch.js";

test("a host that was closed before it started does not join the dispatch afterwards", async () => {
  const database = new Proxy(
    { place: "somewhere" },
    {
      get(target, name) {
        if (name === "place") return target.place;
        throw new Error("the database was used");
      },
    },
  );
  const parts = { database, newId: () => "id", now: () => 0, observe: () => {} } as unknown as DispatchParts;
  const dispatch = new DbosDispatch(parts);
  await dispatch.retire();
  await dispatch.begin("node", async () => true);
  await expect(new DbosDispatch(parts).begin("node", async () => true)).rejects.toThrow("the database was used");
});
