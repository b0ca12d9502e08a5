/** Formats numbers and times for people. */

export function shownCount(number: number): string {
  return number.toLocaleString("en");
}

export function counted(number: number, noun: string): string {
  return `${shownCount(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function shownDollars(usd: number): string {
  if (usd === 0) return "$0";
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}

/** Returns a size such as `3.4 KB`. */
export function shownBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

interface ModelFacts {
  context_window: number | null;
  input_price: number | null;
  output_price: number | null;
}

/** Returns a text such as `128K tokens of context, $0.25 in and $2.00 out per million tokens`, as far as the facts are known. */
export function modelFacts({ context_window: context, input_price: input, output_price: output }: ModelFacts): string {
  const window = context === null ? [] : [`${shownCount(Math.round(context / 1_000))}K tokens of context`];
  const isFree = input === 0 && output === 0;
  const price =
    input === null || output === null
      ? []
      : [isFree ? "free" : `${dollars(input)} in and ${dollars(output)} out per million tokens`];
  return [...window, ...price].join(", ");
}

function dollars(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

/** Decodes a part of an address. Undefined if its percent-encoding is not valid text, such as `%E0`. */
export function fromAddress(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
