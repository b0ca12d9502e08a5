/**
 * An MCP server over stdio that uses OpenTelemetry. Every call of its tool is a span within the span of `_meta.traceparent`. The span is
 * sent to the collector at the first argument before the call is answered.
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { propagation, ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "weather-server" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${process.argv[2]}/v1/traces` }))],
});
provider.register();

const server = new McpServer({ name: "weather", version: "1.0.0" });
for (const isError of [false, true]) {
  server.registerTool(isError ? "storm" : "weather", { description: "Of today." }, async ({ _meta }) => {
    const parent = propagation.extract(ROOT_CONTEXT, _meta);
    const span = provider.getTracer("weather").startSpan("tools/call", { kind: SpanKind.SERVER }, parent);
    span.end();
    await provider.forceFlush();
    return { content: [{ type: "text", text: "sunny, with a secret: sk-test-0123456789" }], isError };
  });
}
await server.connect(new StdioServerTransport());
