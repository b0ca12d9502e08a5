/**
 * Joins lists of scopes into one list without duplicates, in order of appearance. Each list is a text with spaces between the scopes.
 * Returns undefined if there are no scopes.
 */
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
