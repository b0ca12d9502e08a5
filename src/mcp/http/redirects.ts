/**
 * Redirects of requests. A redirect is followed only within the same origin, or from http to https on the same host. No other server may
 * receive a call with its session id and token.
 */
import { discard, type HttpAnswer, type HttpRequest, type SendRequest } from "./http-request.js";

const maxRedirects = 5;
const statuses = [301, 302, 303, 307, 308];

/** Returns a function that sends a request and follows the allowed redirects. Any other redirect is returned as the answer. */
export function withinOrigin(send: SendRequest): SendRequest {
  return async (request) => {
    let { url } = request;
    let answer = await send(request);
    for (let followed = 0; followed < maxRedirects; followed += 1) {
      const target = targetOf(answer, url);
      if (!target || !mayFollow(request, answer, url, target)) break;
      discard(answer);
      url = target;
      answer = await send({ ...request, url });
    }
    return answer;
  };
}

/**
 * Returns a message about a redirect that was not followed. The message contains the new address without its secret parts. Returns
 * undefined if the answer is not a redirect.
 */
export function unfollowed(answer: HttpAnswer, url: URL): string | undefined {
  const target = targetOf(answer, url);
  if (!target) return undefined;
  const isDowngrade = target.protocol === "http:" && url.protocol === "https:";
  const address = `${isDowngrade ? "https:" : target.protocol}//${target.host}${target.pathname}`;
  const text = isDowngrade
    ? `Redirect to plain http not followed; try ${address} instead`
    : `Redirect to ${address} not followed`;
  return `${text} (redirectPolicy: 'same-origin')`;
}

function targetOf({ status, headers }: HttpAnswer, url: URL): URL | undefined {
  const { location } = headers;
  if (!statuses.includes(status) || !location || !URL.canParse(location, url.href)) return undefined;
  return new URL(location, url);
}

/**
 * Returns true if the redirect may be followed. Statuses 301, 302 and 303 turn other requests into a GET, so these redirects are followed
 * only if the request is a GET.
 */
function mayFollow({ method }: HttpRequest, { status }: HttpAnswer, from: URL, to: URL): boolean {
  const keepsMethod = status === 307 || status === 308 || method === "GET";
  const isSame = from.origin === to.origin;
  const isUpgrade =
    to.protocol === "https:" && from.protocol === "http:" && from.hostname === to.hostname && !from.port && !to.port;
  return keepsMethod && (isSame || isUpgrade) && !to.username && !to.password;
}
