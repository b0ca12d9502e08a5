import { expect } from "@jest/globals";
import { Cluster, onServer, whole } from "./cluster.js";

onServer("three nodes that boot together on an empty database", (server) => {
  const boot = async () => {
    await using cluster = await Cluster.open(await server().database());
    await Promise.all(cluster.nodes.map((node, index) => node.submit(`c${index}`, "r", `t${index}`)));
    await cluster.ended(3);
    expect(await cluster.endings()).toHaveLength(3);
  };
  whole.each([1, 2, 3, 4, 5])("all come up and work, round %i", boot);
});
