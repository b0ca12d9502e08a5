/** The loopback page to which an authorization server redirects the browser (RFC 8252, 7.3). */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { finished } from "node:stream/promises";
import { McpError } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { abortable } from "../shared/wait.js";

const host = "127.0.0.1";
/**
 * Port that every login uses if it is free. A fixed port is needed because some authorization servers accept only the redirect address that
 * was registered first.
 */
const usualPort = 33418;
const path = "/callback";

export interface Callback extends AsyncDisposable {
  url: string;
  /**
   * Resolves with the first browser request that has this `state`. Answers any other request with an error and keeps waiting. Rejects with the
   * signal's reason if the signal aborts. Call it once.
   */
  firstReturn(state: string, signal: AbortSignal): Promise<BrowserReturn>;
}

interface BrowserReturn {
  query: URLSearchParams;
  /** Answers the browser with a page that has only this text. Resolves when the answer was sent, or cannot be sent any more. */
  answer(text: string): Promise<void>;
}

/**
 * Listens on the configured port, and rejects with McpError if that port is in use. Without a configured port, listens on the usual port,
 * or on any free port if the usual port is in use.
 */
export async function listenForCallback(port: number | undefined): Promise<Callback> {
  const server = createServer();
  try {
    await listen(server, port ?? usualPort);
  } catch (error) {
    if (!isPlainObject(error) || error.code !== "EADDRINUSE") throw error;
    if (port !== undefined) throw new McpError("needs_auth", `port ${port} of oauth.callback_port is in use`);
    await listen(server, 0);
  }
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}${path}`,
    firstReturn: (state, signal) => abortable(returnAt(server, state), signal),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Resolves with the first request that has this state. Repetitions, such as a reload, get the same answer. */
function returnAt(server: Server, state: string): Promise<BrowserReturn> {
  const waiting: ServerResponse[] = [];
  let answerText: string | undefined;
  return new Promise((resolve) => {
    server.on("request", (request, response) => {
      const { pathname, searchParams: query } = targetOf(request);
      if (pathname !== path || query.get("state") !== state) {
        void send(response, 400, "This login does not belong to the one that is waiting.");
        return;
      }
      if (answerText !== undefined) {
        void send(response, 200, answerText);
        return;
      }
      waiting.push(response);
      const answer = async (text: string) => {
        answerText = text;
        await Promise.all(waiting.map((each) => send(each, 200, text)));
      };
      resolve({ query, answer });
    });
  });
}

async function send(response: ServerResponse, status: number, text: string): Promise<void> {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(text);
  await finished(response).catch(() => {}); // the browser has left
}

/** Parses the URL of a request. Never throws: any web page in the browser may send a request to this port, even with an invalid URL. */
function targetOf({ url = "/" }: IncomingMessage): URL {
  const address = `http://${host}`;
  return new URL(URL.canParse(url, address) ? url : "/", address);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
