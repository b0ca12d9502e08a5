/**
 * Preloaded into @portkey-ai/gateway, which changes the headers of a fetched response. Node's own headers do not allow that, and the
 * gateway then answers 500 to every stream (Portkey-AI/gateway issue 1389).
 */
const original = globalThis.fetch;

globalThis.fetch = async (...parameters) => {
  const { body, status, statusText, headers } = await original(...parameters);
  return new Response(body, { status, statusText, headers: new Headers(headers) });
};
