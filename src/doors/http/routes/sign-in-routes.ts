/** Routes with which the page exchanges the token for a sign-in, and ends it. */
import { type SignIns, signInMs } from "../admission/sign-ins.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { signInAnswer } from "../shared/api-schemas.js";

/** `signIns` is undefined if callers need no token. */
export function signInRoutes(
  signIns: SignIns | undefined,
  hasToken: (call: Pick<ApiCall, "header">) => boolean,
): ApiRoute[] {
  const needsToken = signIns !== undefined;
  return [
    {
      method: "GET",
      path: "/api/sign-in",
      summary: "Whether this browser is signed in, and whether it has to be",
      answer: { type: "application/json", schema: signInAnswer },
      run({ header }) {
        const isSignedIn = !needsToken || signIns.find(header) !== undefined || hasToken({ header });
        return Response.json({ signed_in: isSignedIn, needs_token: needsToken });
      },
    },
    {
      method: "POST",
      path: "/api/sign-in",
      summary:
        "With the token: signs this browser in, by a cookie and a page key. With both of these: renews them for 30 days",
      answer: { type: "application/json", schema: signInAnswer },
      run({ header }) {
        if (!signIns) return Response.json({ signed_in: true, needs_token: false });
        const known = signIns.find(header);
        if (known) signIns.renew(known.id);
        const begun = known ? undefined : signIns.begin();
        const cookie = known?.cookie ?? begun?.cookie ?? "";
        const body = { signed_in: true, needs_token: true, ...(begun && { page_key: begun.pageKey }) };
        return Response.json(body, { headers: cookieHeaders(signIns.cookieName, cookie, signInMs / 1000, header) });
      },
    },
    {
      method: "DELETE",
      path: "/api/sign-in",
      summary: "Signs this browser out: the cookie and the page key are worth nothing from then on",
      run({ header }) {
        if (!signIns) return new Response(null, { status: 204 });
        const known = signIns.find(header);
        if (known) signIns.end(known.id);
        return new Response(null, { status: 204, headers: cookieHeaders(signIns.cookieName, "", 0, header) });
      },
    },
  ];
}

/** Returns the header that sets the cookie. Browsers send the origin of the page with these calls, which tells whether the page came over TLS. */
function cookieHeaders(
  name: string,
  value: string,
  seconds: number,
  header: ApiCall["header"],
): Record<string, string> {
  const isTls = header("origin")?.startsWith("https:") === true;
  const attributes = ["Path=/", `Max-Age=${seconds}`, "HttpOnly", "SameSite=Strict", ...(isTls ? ["Secure"] : [])];
  return { "set-cookie": [`${name}=${value}`, ...attributes].join("; "), "cache-control": "no-store" };
}
