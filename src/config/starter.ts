import { schemaFile } from "./schema/config-schema.js";

/** Returns a commented configuration for new users. `schema` is the path or URL of the schema, which editors use. */
export function initText(schema: string = schemaFile): string {
  return `# yaml-language-server: $schema=${schema}
#
# Every key may be left out; \`mcp-platform config show --origin\` prints what is in effect and where it comes from.
# Any text may hold \${NAME}, \${NAME:-default} or \${env:NAME}, and $\${ for a literal \${. Flags win over the environment
# (MCP_PLATFORM_LLM__ACTIVE=groq, two underscores go one level down), the environment wins over this file.

llm:
  # active: openai                 # unset: the first provider with a key, else a local server, else the built-in demo
  fallback: []                     # providers tried in order when the active one cannot answer
  http:                            # times in seconds
    timeout: 30.0                  # response headers, per attempt; a provider may override it
    max_retries: 3
    initial_retry_delay: 1.0
    max_retry_delay: 16.0
    retry_multiplier: 2.0
    retry_jitter: 0.1              # share of the delay, drawn uniformly from +- that share
    max_keepalive_connections: 20
    max_connections: 100
    keepalive_expiry: 30.0
  providers:                       # the key of each is <NAME>_API_KEY in the environment, such as OPENAI_API_KEY
    openai: { base_url: https://api.openai.com/v1, model: gpt-6-luna, max_tokens: 4096 }
    groq: { base_url: https://api.groq.com/openai/v1, model: llama-3.3-70b-versatile }
    openrouter: { base_url: https://openrouter.ai/api/v1, model: openai/gpt-6-luna }
    anthropic: { base_url: https://api.anthropic.com/v1, model: claude-haiku-5-5 }
    gemini: { base_url: https://generativelanguage.googleapis.com/v1beta, model: gemini-3.8-flash }
    mistral: { base_url: https://api.mistral.ai/v1, model: mistral-small-latest }
    deepseek: { base_url: https://api.deepseek.com/v1, model: deepseek-flash }
    ollama: { base_url: http://127.0.0.1:11434/v1 }    # model unset: the first one it has
    # mine: { base_url: "https://llm.example.com/v1", model: some-model, api_key: "\${MY_LLM_KEY}", headers: { X-Team: blue } }

chat:
  service:
    system_prompt: You are a helpful assistant. Use the tools you are given when they help.
    streaming: { enabled: true }
    max_tool_hops: 8               # model requests of one turn that may call tools
    tool_notifications: true       # show tool calls and results as they run
    approval: ask                  # auto: run every tool unasked
  storage:
    driver: sqlite                 # memory: conversations end with the process
    # path: conversations.db       # default: mcp-platform/conversations.db in $XDG_DATA_HOME or ~/.local/share
    # url: postgres://user:password@host/name   # in place of the file: a database for hosts on many machines

logging:
  level: warn                      # debug | info | warn | error | silent, on stderr
  # modules: { llm: debug }        # in its place, for single modules

# telemetry:
#   endpoint: http://127.0.0.1:4318   # a collector that takes OTLP over HTTP

# mcp:
#   config_file: .mcp.json         # servers of a file that another host uses too; the same name here wins

mcpServers: {}                     # for example, in place of {}:
#   filesystem:
#     command: npx
#     args: [-y, "@modelcontextprotocol/server-filesystem", "\${HOME}/Documents"]
#     trusted: true                # tools that it marks as read-only run unasked
#     timeout: 30s                 # a bare number is milliseconds
#     tools: { deny: ["delete_*"], auto_approve: [list_directory] }
#   everything:
#     url: http://127.0.0.1:3001/mcp
#     headers: { Authorization: "Bearer \${EVERYTHING_TOKEN}" }
`;
}
