import type { Environment } from "../../core/environment.js";

export interface Interpolated {
  text: string;
  /** Names of all variables in the text, including those inside defaults. */
  variables: string[];
  /** Error messages. The messages name variables but do not quote the text, because the text may be a secret. */
  problems: string[];
}

const placeholderName = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-|\})/y;
const malformedMessage = `malformed placeholder: write \${NAME}, \${NAME:-default} or \${env:NAME}, and $\${ for a literal \${`;
/** Maximum depth of placeholders in defaults of placeholders. No real text is as deep. Without a limit, the stack could overflow. */
const maxDepth = 50;

/**
 * Replaces `${NAME}` and `${NAME:-default}` by the value of the variable. `env:` before the name is also allowed. `$${` becomes a literal
 * `${`. As in a shell, the default is used if the variable is unset or empty, and the default may contain placeholders. Placeholders in the
 * value of a variable are not replaced.
 */
export function interpolate(source: string, environment: Environment): Interpolated {
  const variables: string[] = [];
  let problems: string[] = [];
  let position = 0;
  let depth = 0;

  function read(end: string): string {
    let text = "";
    while (position < source.length && source[position] !== end) {
      if (source.startsWith("$${", position)) {
        text += "${";
        position += 3;
      } else if (source.startsWith("${", position)) {
        text += placeholder();
      } else {
        text += source[position++];
      }
    }
    return text;
  }

  function placeholder(): string {
    placeholderName.lastIndex = position;
    const [match, name = "", ending] = placeholderName.exec(source) ?? [];
    if (match === undefined || depth === maxDepth) return malformed();
    position += match.length;
    variables.push(name);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (ending === "}") {
      if (value === undefined) {
        problems.push(`environment variable ${name} is not set (set it, or write \${${name}:-default})`);
      }
      return value ?? "";
    }
    const before = problems.length;
    depth += 1;
    const fallback = read("}");
    depth -= 1;
    if (source[position++] !== "}") return malformed();
    if (value) problems.length = before;
    return value || fallback;
  }

  function malformed(): string {
    problems = [malformedMessage];
    position = source.length;
    return "";
  }

  const text = read("");
  return { text, variables, problems };
}

/** Escapes all texts of a tree, so that interpolation does not change the texts. Used for trees that do not come from a user's file. */
export function literally(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(literally);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literally(inner)]));
}
