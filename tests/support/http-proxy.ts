import { createServer, type IncomingHttpHeaders, type RequestListener, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

/** How the proxy treats CONNECT: passes it, answers that status, is silent, closes, or speaks another protocol. */
export type Treatment = "pass" | number | "silence" | "close" | "nonsense";

export interface TestProxy extends AsyncDisposable {
  url: string;
  /** Format: `host:port`. */
  name: string;
  /** CONNECT requests, in order of arrival. */
  connects: { target: string; headers: IncomingHttpHeaders }[];
  /** Requests with a whole URL. */
  requests: { url: string; headers: IncomingHttpHeaders }[];
  readonly openTunnels: number;
  treatment: Treatment;
}

/**
 * Starts a real HTTP proxy. `forwardTo`: a loopback port to which requests for every host are sent. With a certificate, clients must use
 * TLS.
 */
export async function startProxy(forwardTo?: number, certificate?: { key: string; cert: string }): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(socket)));
    return socket;
  };
  let openTunnels = 0;

  const listener: RequestListener = (incoming, response) => {
    const url = new URL(incoming.url ?? "");
    proxy.requests.push({ url: url.href, headers: incoming.headers });
    if (typeof proxy.treatment === "number") {
      response.writeHead(proxy.treatment).end("<html><title>Squid</title></html>");
      return;
    }
    const { method, headers } = incoming;
    const target = {
      host: "127.0.0.1",
      port: forwardTo ?? url.port,
      path: url.pathname,
      method,
      headers,
      agent: false,
    };
    const forwarded = request(target, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(forwarded.on("error", () => response.destroy()));
  };
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);

  server.on("connect", (incoming, client: Socket) => {
    proxy.connects.push({ target: incoming.url ?? "", headers: incoming.headers });
    if (typeof proxy.treatment === "number") client.end(`HTTP/1.1 ${proxy.treatment} No\r\n\r\nnot here`);
    else if (proxy.treatment === "close") client.end();
    else if (proxy.treatment === "nonsense") client.end("SSH-2.0-OpenSSH_9.9\r\n\r\n");
    else if (proxy.treatment === "pass") {
      const upstream = keep(connect(forwardTo ?? Number(incoming.url?.split(":").at(-1)), "127.0.0.1"));
      upstream.once("connect", () => {
        openTunnels++;
        client.once("close", () => openTunnels--);
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        client.pipe(upstream).pipe(client);
      });
      client.once("close", () => upstream.destroy());
      upstream.once("close", () => client.destroy());
    }
  });
  server.on("connection", keep);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const name = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: TestProxy = {
    url: `${certificate ? "https" : "http"}://${name}`,
    name,
    connects: [],
    requests: [],
    treatment: "pass",
    get openTunnels() {
      return openTunnels;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
