/** A request that the vendor refuses. The wire that throws it also writes its body. */
export class Refusal extends Error {
  readonly status: number;
  /** OpenAI: `error.type`; Anthropic: `error.type`; Gemini: `error.status`. */
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  /** Anthropic: `error.details`. */
  readonly details: Json | undefined;

  constructor(
    message: string,
    {
      status = 400,
      type = "invalid_request_error",
      code = null,
      param = null,
      details = undefined,
    }: { status?: number; type?: string; code?: string | null; param?: string | null; details?: Json } = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
    this.details = details;
  }
}

export type Json = Record<string, unknown>;
export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isJson) : []);
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
