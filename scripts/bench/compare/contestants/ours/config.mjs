/**
 * Returns the configuration for every measurement of this host: what a user would write, but with all tool calls allowed. It permits one
 * connection more than the streams of the workload need.
 */
export function configFor({ baseUrl, wire, servers, streams }, storage) {
  const url = wire === "gemini" ? `${baseUrl}beta` : baseUrl;
  const named = servers.map(({ name, ...server }) => [name, server]);
  return {
    llm: {
      active: "mock",
      providers: { mock: { base_url: url, wire, model: "m1", api_key: "sk-0123456789" } },
      ...(streams && { http: { max_connections: streams + 1 } }),
    },
    chat: {
      service: { approval: "auto", max_tool_hops: 100, streaming: { enabled: false } },
      storage,
    },
    mcpServers: Object.fromEntries(named),
  };
}
