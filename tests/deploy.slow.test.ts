import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { load, loadAll } from "js-yaml";
import { loadConfig } from "../src/config/reading/load.js";
import { parseDuration } from "../src/core/text/durations.js";
import { answer, startLlmServer } from "./support/llm-server.js";
import { Nodes } from "./support/serving-nodes.js";
import { newDatabaseUrl, noPostgres } from "./support/storages.js";

/** Checks the files that start several nodes, as far as possible without Docker and Kubernetes. */

const folder = "scripts/deploy";
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const secrets = {
  DATABASE_URL: "postgres://mcp:secret@postgres:5432/mcp",
  MCP_PLATFORM_SERVE__TOKEN: "0123456789abcdef",
  OPENAI_API_KEY: "sk-0123456789",
};
const config = loadConfig(join(folder, "config.yaml"), { env: secrets }).config;

interface Container {
  args: string[];
  env: {
    name: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name: string; key: string } };
  }[];
  volumeMounts: { name: string; mountPath: string }[];
  ports?: { name: string; containerPort: number }[];
  image: string;
  [probe: string]: unknown;
}

const manifests = loadAll(read("kubernetes.yaml")) as Record<string, never>[];
const ofKind = <T>(kind: string) => manifests.find((manifest) => manifest.kind === kind) as T;

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }> | string[];
  stop_grace_period?: string;
  build?: { context: string; dockerfile: string };
  ports?: string[];
}

const compose = load(read("compose.yaml")) as { services: Record<string, Service>; volumes: object };
const { services } = compose;
const nodes = Object.entries(services).filter(([, { command }]) => command?.[0] === "serve");

/** Returns the command in a container's arguments, as the image's entry point reads it. */
const commandOf = (args: readonly string[] = []) => {
  const { stdout } = spawnSync(process.execPath, ["dist/main.js", ...args, "--help"], { encoding: "utf8" });
  return /^Usage: mcp-platform (\w+)/.exec(stdout)?.[1];
};

test("the configuration is valid, and has the database, limits and address of a node", () => {
  const { chat, serve, llm } = config;
  expect(chat.storage).toMatchObject({ driver: "postgres", url: secrets.DATABASE_URL, poolSize: 10 });
  expect(serve).toMatchObject({ host: "0.0.0.0", port: 8642, token: secrets.MCP_PLATFORM_SERVE__TOKEN });
  expect(serve.allowedHosts).toEqual([]); // probes address the host by its IP
  expect(llm.providers.openai).toMatchObject({ maxConcurrency: 33, rpm: 1600, tpm: 600_000 });
});

describe("compose.yaml", () => {
  test("has three equal nodes, which start after the schema exists", () => {
    expect(nodes.map(([name]) => name)).toEqual(["node-1", "node-2", "node-3"]);
    for (const [, node] of nodes) expect(node).toEqual(nodes[0]?.[1]);
    expect(nodes[0]?.[1].depends_on).toEqual({ migrate: { condition: "service_completed_successfully" } });
    expect(services.migrate?.depends_on).toEqual({ postgres: { condition: "service_healthy" } });
    expect([nodes[0]?.[1].command, services.migrate?.command].map(commandOf)).toEqual(["serve", "migrate"]);
    const dockerfile = readFileSync(
      join(folder, services["node-1"]?.build?.context ?? "", "scripts/deploy/Dockerfile"),
      "utf8",
    );
    expect(dockerfile).toContain('ENTRYPOINT ["node", "/app/dist/main.js"]');
  });

  test("mounts files that exist, gives the nodes the variables that the configuration names, and contains no secret", () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(":")));
    for (const [from = ""] of mounted.filter(([from]) => from?.startsWith("."))) expect(read(from)).not.toBe("");
    const [, node] = nodes[0] as [string, Service];
    expect(node.volumes).toContain(`./config.yaml:${node.environment?.MCP_PLATFORM_CONFIG}:ro`);
    expect(Object.keys(node.environment ?? {})).toEqual(expect.arrayContaining(Object.keys(secrets)));
    const values = Object.values(services).flatMap(({ environment = {} }) => Object.entries(environment));
    for (const [name, value] of values) if (/KEY|TOKEN|PASSWORD|URL/.test(name)) expect(value).toMatch(/\$\{\w+:\?/);
    expect(services.postgres?.environment?.POSTGRES_DB).toBe(new URL(secrets.DATABASE_URL).pathname.slice(1));
  });

  test("gives running turns enough time to end", () => {
    for (const [, { stop_grace_period = "0" }] of nodes)
      expect(parseDuration(stop_grace_period)).toBeGreaterThan(config.chat.service.drainTimeoutMs + 5_000);
  });

  test("the balancer knows every node at its port, and is published at the same port", () => {
    const servers = [...read("haproxy.cfg").matchAll(/^ +server (\S+) (\S+):(\d+)$/gm)];
    expect(servers.map(([, name, host, port]) => [name, host, Number(port)])).toEqual(
      nodes.map(([name]) => [name, name, config.serve.port]),
    );
    expect(read("haproxy.cfg")).toContain(`bind :${services.balancer?.ports?.[0]?.split(":")[1]}\n`);
  });
});

describe("kubernetes.yaml", () => {
  const deployment = ofKind<{
    spec: {
      replicas: number;
      selector: object;
      template: {
        metadata: { labels: object };
        spec: {
          terminationGracePeriodSeconds: number;
          initContainers: Container[];
          containers: Container[];
          volumes: { name: string; configMap?: { name: string } }[];
        };
      };
    };
  }>("Deployment").spec;
  const pod = deployment.template.spec;
  const [node] = pod.containers as [Container];
  const all = [...pod.initContainers, ...pod.containers];

  test("has all required objects, and they refer to each other by the right names", () => {
    expect(manifests.map(({ kind }) => kind)).toEqual(["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"]);
    const { labels } = deployment.template.metadata;
    expect(deployment).toMatchObject({ replicas: 3, selector: { matchLabels: labels } });
    expect(ofKind<{ spec: object }>("Service").spec).toMatchObject({
      selector: labels,
      ports: [{ targetPort: node.ports?.[0]?.name }],
    });
    expect(ofKind<{ spec: object }>("PodDisruptionBudget").spec).toMatchObject({ selector: { matchLabels: labels } });
    expect(node.ports?.[0]?.containerPort).toBe(config.serve.port);
  });

  test("runs command lines that exist, with the configuration that is checked here", () => {
    expect(all.map(({ args }) => args)).toEqual([["migrate"], ["serve"]]);
    for (const { args, env, volumeMounts } of all) {
      expect(commandOf(args)).toBe(args[0]);
      const path = env.find(({ name }) => name === "MCP_PLATFORM_CONFIG")?.value ?? "";
      const mount = volumeMounts.find(({ mountPath }) => mountPath === dirname(path));
      const name = pod.volumes.find((volume) => volume.name === mount?.name)?.configMap?.name;
      const map = ofKind<{ metadata: { name: string }; data: Record<string, string> }>("ConfigMap");
      expect([name, map.data[path.slice(dirname(path).length + 1)]]).toEqual([map.metadata.name, read("config.yaml")]);
    }
  });

  test("takes secrets from a Secret by reference only", () => {
    for (const { env } of all) {
      const byReference = env.filter(({ value }) => value === undefined);
      expect(byReference.map(({ name }) => name).toSorted()).toEqual(Object.keys(secrets).toSorted());
      for (const { valueFrom } of byReference) expect(valueFrom?.secretKeyRef?.name).toBe("mcp-platform");
    }
  });

  test("probes the right addresses for liveness and readiness, and gives turns enough time to end", () => {
    const path = (probe: string) => (node[probe] as { httpGet: { path: string } }).httpGet.path;
    expect(["startupProbe", "livenessProbe", "readinessProbe"].map(path)).toEqual(["/healthz", "/healthz", "/readyz"]);
    const { timeoutSeconds } = node.readinessProbe as { timeoutSeconds: number };
    expect(timeoutSeconds).toBeGreaterThan(1.5); // /readyz may take that long
    const preStop = (node.lifecycle as { preStop: { exec: { command: string[] } } }).preStop.exec.command;
    const preStopMs = Number(preStop[1]) * 1000;
    const graceMs = pod.terminationGracePeriodSeconds * 1000;
    expect(graceMs).toBeGreaterThan(preStopMs + config.chat.service.drainTimeoutMs + 5_000);
  });
});

const haproxy = process.env.HAPROXY ?? "haproxy";
const hasBalancer = spawnSync(haproxy, ["-v"]).status === 0;
if (!hasBalancer)
  process.stderr.write("NOT TESTED: the load balancer of scripts/deploy: no haproxy here (HAPROXY names one)\n");

(hasBalancer ? describe : describe.skip)("the load balancer itself", () => {
  test("takes its configuration", () => {
    expect(spawnSync(haproxy, ["-c", "-f", join(folder, "haproxy.cfg")]).status).toBe(0);
  });

  (noPostgres ? test.skip : test)("sends requests to the nodes that are ready, and a session to its node", async () => {
    await using llm = await startLlmServer(() => answer("hi"));
    await using running = await Nodes.start(llm, await newDatabaseUrl(), {});
    const port = await freePort();
    const here = running.all.map(({ url }, index) => [`node-${index + 1}:8642`, new URL(url).host] as const);
    const replaced = [["bind :8642", `bind 127.0.0.1:${port}`] as const, ...here].reduce(
      (text, [from, to]) => text.replace(from, to),
      read("haproxy.cfg").replace("resolvers docker init-addr last,libc,none", ""),
    );
    const balancer = spawn(haproxy, ["-db", "-f", running.place.write("haproxy.cfg", replaced)], { stdio: "ignore" });
    const url = `http://127.0.0.1:${port}`;
    const ready = () =>
      fetch(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    try {
      while (!(await ready())) await sleep(50);
      const ask = running.askAt(url);
      expect(await Promise.all(Array.from({ length: 12 }, ask))).toEqual(Array(12).fill(200));
      const rpc = async (method: string, params: object, session?: string) => {
        const headers = {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...(session ? { "mcp-session-id": session } : {}),
        };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
        const response = await fetch(`${url}/mcp`, { method: "POST", headers, body });
        await response.text();
        return response;
      };
      const info = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } };
      const session = (await rpc("initialize", info)).headers.get("mcp-session-id") ?? "";
      const listed = await Promise.all(Array.from({ length: 6 }, () => rpc("tools/list", {}, session)));
      expect([session.length > 0, listed.map(({ status }) => status)]).toEqual([true, Array(6).fill(200)]);
      const [, second] = running.all;
      second?.child.kill("SIGKILL");
      if (second) await once(second.child, "close");
      expect(await Promise.all(Array.from({ length: 12 }, ask))).toEqual(Array(12).fill(200));
    } finally {
      balancer.kill("SIGTERM");
      await once(balancer, "close");
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
