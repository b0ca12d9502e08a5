/** Scopes as OAuth writes them: names in one text, parted by spaces. */

/** Every scope of all of them, in the order of their appearance; undefined when there is none. */
export function unionOf(...scopes: readonly (string | undefined)[]): string | undefined {
  return [...new Set(scopes.flatMap(namesOf))].join(" ") || undefined;
}

export function includesAll(scope: string | undefined, wanted: string | undefined): boolean {
  const has = new Set(namesOf(scope));
  return namesOf(wanted).every((name) => has.has(name));
}

function namesOf(scope: string | undefined): string[] {
  return scope?.split(" ").filter(Boolean) ?? [];
}
